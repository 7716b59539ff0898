package io.github.tuneqdm.stores;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests an {@link Hdfs} and an {@link S3Server} where they ask for one: started when first
 * asked for, shared by all, stopped after the last test.
 */
public final class Stores implements ParameterResolver {
  private static final Namespace NAMESPACE = Namespace.create(Stores.class);

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    Class<?> type = parameter.getParameter().getType();
    return type == Hdfs.class || type == S3Server.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    ExtensionContext.Store all = context.getRoot().getStore(NAMESPACE);
    return parameter.getParameter().getType() == Hdfs.class
        ? all.getOrComputeIfAbsent("hdfs", name -> new Running(Hdfs::start), Running.class).store
        : all.getOrComputeIfAbsent("s3", name -> new Running(S3Server::start), Running.class).store;
  }

  /** Storage that runs until it is closed. */
  interface Store extends AutoCloseable {
    @Override
    void close();
  }

  private interface Start {
    Store in(Path folder);
  }

  private static final class Running implements AutoCloseable {
    private final Path folder;
    private final Store store;

    Running(Start start) {
      try {
        folder = Files.createTempDirectory("tuneqdm-store-");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      store = start.in(folder);
    }

    @Override
    public void close() throws IOException {
      store.close();
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
