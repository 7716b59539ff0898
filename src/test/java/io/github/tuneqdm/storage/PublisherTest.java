package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PublisherTest {
  private static final byte[] CONTENT = "content".repeat(100).getBytes(StandardCharsets.UTF_8);
  private static final byte[] OTHER = "other".getBytes(StandardCharsets.UTF_8);

  @TempDir Path folder;

  private org.apache.hadoop.fs.Path target() {
    return new org.apache.hadoop.fs.Path(folder.resolve("run/a.json").toUri());
  }

  private FileSystem local() {
    return Publisher.fileSystem(target(), new Configuration(false));
  }

  /** The folder through Hadoop's view of mounted file systems: a file system that is not local. */
  private Configuration mounted() {
    Configuration configuration = new Configuration();
    configuration.set("fs.viewfs.mounttable.shared.link./data", folder.toUri().toString());
    configuration.setBoolean("fs.viewfs.impl.disable.cache", true);
    return configuration;
  }

  private List<String> names() throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      return walk.filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  private static void assertEnvironmentFailure(Runnable action, String... parts) {
    assertThatThrownBy(action::run)
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContainingAll(parts)
        .satisfies(
            e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.ENVIRONMENT));
  }

  @Test
  void a_published_file_is_alone_in_its_folder_and_has_its_content() throws IOException {
    Publisher.Published published = Publisher.publish(local(), target(), CONTENT);
    assertThat(published.sha256()).isEqualTo(Hashes.sha256(CONTENT));
    assertThat(published.length()).isEqualTo(CONTENT.length);
    assertThat(names()).containsExactly("run/a.json");
    assertThat(Files.readAllBytes(folder.resolve("run/a.json"))).isEqualTo(CONTENT);
    assertThat(Hashes.sha256(local(), target())).isEqualTo(published.sha256());
  }

  @Test
  void a_local_file_is_published_with_the_same_content() throws IOException {
    Path source = Files.write(folder.resolve("source"), CONTENT);
    assertThat(Publisher.publish(local(), target(), source).sha256())
        .isEqualTo(Hashes.sha256(source));
    assertThat(names()).containsExactly("run/a.json", "source");
  }

  @Test
  void publishing_the_same_again_changes_nothing() throws IOException {
    Publisher.publish(local(), target(), CONTENT);
    Object time = Files.getLastModifiedTime(folder.resolve("run/a.json"));
    Object key = Files.getAttribute(folder.resolve("run/a.json"), "unix:ino");
    Publisher.publish(local(), target(), CONTENT);
    assertThat(Files.getLastModifiedTime(folder.resolve("run/a.json"))).isEqualTo(time);
    assertThat(Files.getAttribute(folder.resolve("run/a.json"), "unix:ino")).isEqualTo(key);
  }

  @Test
  void a_different_file_at_the_target_is_kept_and_named() throws IOException {
    Publisher.publish(local(), target(), OTHER);
    assertEnvironmentFailure(
        () -> Publisher.publish(local(), target(), CONTENT),
        "Cannot write file:" + folder + "/run/a.json",
        "a different file is there already");
    assertThat(Files.readAllBytes(folder.resolve("run/a.json"))).isEqualTo(OTHER);
    assertThat(names()).containsExactly("run/a.json");
  }

  @Test
  void replacing_puts_the_new_file_in_the_place_of_the_old() throws IOException {
    Publisher.replace(local(), target(), OTHER);
    Publisher.replace(local(), target(), CONTENT);
    assertThat(Files.readAllBytes(folder.resolve("run/a.json"))).isEqualTo(CONTENT);
    assertThat(names()).containsExactly("run/a.json");
  }

  @ParameterizedTest
  @CsvSource({
    "full, No space left on device",
    "cut, 100 of 700 bytes arrived",
    "altered, what was read back differs"
  })
  void a_failing_disk_leaves_nothing_behind(String fault, String reason) throws IOException {
    org.apache.hadoop.fs.Path path =
        new org.apache.hadoop.fs.Path("faulty://" + folder + "/run/a.json");
    FileSystem fs = Publisher.fileSystem(path, FaultyDisk.configuration(fault));
    assertEnvironmentFailure(
        () -> Publisher.publish(fs, path, CONTENT), "Cannot write " + path, reason);
    assertEnvironmentFailure(
        () -> Publisher.replace(fs, path, CONTENT), "Cannot write " + path, reason);
    assertThat(names()).isEmpty();
  }

  @Test
  void of_attempts_that_differ_the_first_is_everyones() throws IOException {
    Publisher.publishOrAdopt(local(), target(), OTHER);
    Publisher.Published published = Publisher.publishOrAdopt(local(), target(), CONTENT);
    assertThat(published.sha256()).isEqualTo(Hashes.sha256(OTHER));
    assertThat(published.length()).isEqualTo(OTHER.length);
    assertThat(Files.readAllBytes(folder.resolve("run/a.json"))).isEqualTo(OTHER);
  }

  @Test
  void a_folder_that_cannot_be_made_is_a_failure_of_the_environment() throws IOException {
    Files.write(folder.resolve("run"), OTHER);
    assertEnvironmentFailure(
        () -> Publisher.publish(local(), target(), CONTENT), folder + "/run/a.json");
  }

  @Test
  void storage_that_cannot_be_reached_is_a_failure_of_the_environment() {
    Configuration configuration = new Configuration();
    configuration.setInt("ipc.client.connect.max.retries", 0);
    configuration.setInt("ipc.client.connect.max.retries.on.timeouts", 0);
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path("hdfs://127.0.0.1:1/run/a.json");
    assertEnvironmentFailure(
        () -> Publisher.publish(Publisher.fileSystem(path, configuration), path, CONTENT),
        "hdfs://127.0.0.1:1/run/a.json",
        "refused");
    org.apache.hadoop.fs.Path unknown = new org.apache.hadoop.fs.Path("nowhere://host/a.json");
    assertEnvironmentFailure(
        () -> Publisher.fileSystem(unknown, configuration), "nowhere://host/a.json", "nowhere");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void attempts_at_the_same_time_agree_on_one_whole_file(boolean equal) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Boolean>> attempts = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        byte[] content = equal ? CONTENT : ("content " + i).getBytes(StandardCharsets.UTF_8);
        attempts.add(
            () -> {
              try {
                Publisher.publish(local(), target(), content);
                return true;
              } catch (TuneQdmException e) {
                return false;
              }
            });
      }
      int successes = 0;
      for (Future<Boolean> attempt : threads.invokeAll(attempts)) {
        successes += attempt.get() ? 1 : 0;
      }
      assertThat(successes).isEqualTo(equal ? 8 : 1);
      assertThat(names()).containsExactly("run/a.json");
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void any_file_system_of_hadoop_is_written_the_same_way() throws IOException {
    org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path("viewfs://shared/data/run/a");
    FileSystem fs = Publisher.fileSystem(path, mounted());
    Publisher.publish(fs, path, CONTENT);
    Publisher.publish(fs, path, CONTENT);
    assertThat(Files.readAllBytes(folder.resolve("run/a"))).isEqualTo(CONTENT);
    assertEnvironmentFailure(() -> Publisher.publish(fs, path, OTHER), "a different file is there");
    Publisher.replace(fs, path, OTHER);
    assertThat(Files.readAllBytes(folder.resolve("run/a"))).isEqualTo(OTHER);
  }

  @Test
  void folders_are_copied_once_and_again_when_they_change() throws IOException {
    Path model = Files.createDirectories(folder.resolve("models/unet/sub"));
    Files.write(model.resolve("w.bin"), CONTENT);
    Files.write(model.resolveSibling("config.json"), OTHER);
    org.apache.hadoop.fs.Path remote =
        new org.apache.hadoop.fs.Path("viewfs://shared/data/models/unet");
    Path cache = folder.resolve("cache");
    Path local = LocalModelFolder.localise(remote, mounted(), cache);
    assertThat(local.getParent()).isEqualTo(cache);
    assertThat(Files.readAllBytes(local.resolve("sub/w.bin"))).isEqualTo(CONTENT);
    assertThat(Hashes.sha256OfFolder(local))
        .isEqualTo(Hashes.sha256OfFolder(folder.resolve("models/unet")));
    Object inode = Files.getAttribute(local.resolve("config.json"), "unix:ino");
    assertThat(LocalModelFolder.localise(remote, mounted(), cache)).isEqualTo(local);
    assertThat(Files.getAttribute(local.resolve("config.json"), "unix:ino")).isEqualTo(inode);

    Files.write(local.resolve("sub/w.bin"), OTHER);
    LocalModelFolder.localise(remote, mounted(), cache);
    assertThat(Files.readAllBytes(local.resolve("sub/w.bin"))).isEqualTo(CONTENT);

    Files.write(folder.resolve("models/unet/config.json"), CONTENT);
    Path changed = LocalModelFolder.localise(remote, mounted(), cache);
    assertThat(changed).isNotEqualTo(local);
    assertThat(Files.readAllBytes(changed.resolve("config.json"))).isEqualTo(CONTENT);
  }

  @Test
  void attempts_are_not_copied_and_what_a_killed_copy_left_is_swept() throws IOException {
    Path model = Files.createDirectories(folder.resolve("unet"));
    Files.write(model.resolve("w.bin"), CONTENT);
    Files.createFile(
        Path.of(Attempts.of(new org.apache.hadoop.fs.Path(model + "/w.bin")).toString()));
    org.apache.hadoop.fs.Path remote = new org.apache.hadoop.fs.Path("viewfs://shared/data/unet");
    Path cache = folder.resolve("cache");
    Path local = LocalModelFolder.localise(remote, mounted(), cache);
    assertThat(local.toFile().list()).containsExactly("w.bin");

    Files.delete(local.resolve("w.bin"));
    Path left = Path.of(Attempts.of(new org.apache.hadoop.fs.Path(local.toString())).toString());
    Files.createDirectories(left);
    Path other = Files.createDirectories(cache.resolve(".other-" + left.getFileName()));
    LocalModelFolder.localise(remote, mounted(), cache);
    assertThat(local.resolve("w.bin")).exists();
    assertThat(left).doesNotExist();
    assertThat(other).exists();
  }

  @Test
  void many_who_want_a_folder_at_once_get_the_same_whole_copy() throws Exception {
    Path model = Files.createDirectories(folder.resolve("unet"));
    Files.write(model.resolve("w.bin"), new byte[4 << 20]);
    org.apache.hadoop.fs.Path remote = new org.apache.hadoop.fs.Path("viewfs://shared/data/unet");
    ExecutorService threads = Executors.newFixedThreadPool(6);
    try {
      List<Callable<Path>> wishes = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        wishes.add(() -> LocalModelFolder.localise(remote, mounted(), folder.resolve("cache")));
      }
      for (Future<Path> copy : threads.invokeAll(wishes)) {
        assertThat(Files.size(copy.get().resolve("w.bin"))).isEqualTo(4 << 20);
      }
    } finally {
      threads.shutdownNow();
    }
    try (Stream<Path> cached = Files.list(folder.resolve("cache"))) {
      assertThat(cached.filter(path -> !path.toString().endsWith(".lock"))).hasSize(1);
    }
  }

  @Test
  void a_local_folder_is_used_where_it_is() throws IOException {
    Path model = Files.createDirectories(folder.resolve("unet"));
    Path cache = folder.resolve("cache");
    assertThat(
            LocalModelFolder.localise(
                new org.apache.hadoop.fs.Path(model.toUri()), new Configuration(false), cache))
        .isEqualTo(model);
    assertThat(
            LocalModelFolder.localise(
                new org.apache.hadoop.fs.Path("src/main"), new Configuration(false), cache))
        .isEqualTo(Path.of("src/main").toAbsolutePath());
    assertThat(cache).doesNotExist();
  }

  @Test
  void folders_that_are_absent_empty_or_files_are_refused() throws IOException {
    Files.write(folder.resolve("file"), OTHER);
    Files.createDirectories(folder.resolve("empty"));
    for (String name : new String[] {"absent", "file", "empty"}) {
      org.apache.hadoop.fs.Path remote =
          new org.apache.hadoop.fs.Path("viewfs://shared/data/" + name);
      assertThatThrownBy(
              () -> LocalModelFolder.localise(remote, mounted(), folder.resolve("cache")))
          .isInstanceOf(TuneQdmException.class)
          .hasMessageContaining(remote.toString())
          .satisfies(
              e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.INPUT_DATA));
    }
  }

  @Test
  void hashes_are_those_of_the_standard() throws IOException {
    String abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assertThat(Hashes.sha256("abc")).isEqualTo(abc);
    assertThat(
            Hashes.sha256(
                List.of(ByteBuffer.wrap(new byte[] {'a'}), ByteBuffer.wrap(new byte[] {'b', 'c'}))))
        .isEqualTo(abc);
    Files.writeString(folder.resolve("f"), "abc");
    assertThat(Hashes.sha256(folder.resolve("f"))).isEqualTo(abc);
    assertThat(Hashes.sha256OfFolder(folder)).isEqualTo(Hashes.sha256(abc + " f\n"));
    assertThatThrownBy(() -> Hashes.sha256(folder.resolve("none")))
        .isInstanceOf(TuneQdmException.class);
  }
}
