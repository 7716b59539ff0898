package io.github.tuneqdm.stores;

import io.github.tuneqdm.storage.StorageDefaults;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;

/**
 * A server of the S3 protocol in a process of its own. A bucket is a folder of its disk, an object
 * a file.
 */
public final class S3Server implements Stores.Store {
  private static final Path JAR = Path.of("target/s3-server/s3proxy.jar").toAbsolutePath();
  private static final String USER = "tester";
  private static final String SECRET = "a-secret-of-tests";
  private static final int TRIES = 300;

  private final Process process;
  private final Path disk;
  private final int port;

  private S3Server(Process process, Path disk, int port) {
    this.process = process;
    this.disk = disk;
    this.port = port;
  }

  static S3Server start(Path folder) {
    try {
      Path disk = Files.createDirectories(folder.resolve("buckets"));
      int port = freePort();
      Path properties =
          Files.write(
              folder.resolve("s3proxy.properties"),
              List.of(
                  "s3proxy.endpoint=http://127.0.0.1:" + port,
                  "s3proxy.authorization=aws-v2-or-v4",
                  "s3proxy.identity=" + USER,
                  "s3proxy.credential=" + SECRET,
                  "jclouds.provider=filesystem-nio2",
                  "jclouds.identity=none",
                  "jclouds.credential=none",
                  "jclouds.filesystem.basedir=" + disk));
      File log = folder.resolve("s3proxy.log").toFile();
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx256m",
                  "-jar",
                  JAR.toString(),
                  "--properties",
                  properties.toString())
              .redirectErrorStream(true)
              .redirectOutput(log)
              .start();
      S3Server server = new S3Server(process, disk, port);
      server.awaitStart(log);
      return server;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private void awaitStart(File log) throws IOException {
    for (int i = 0; i < TRIES && process.isAlive(); i++) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress("127.0.0.1", port), 100);
        return;
      } catch (IOException e) {
        sleep();
      }
    }
    close();
    throw new IOException("The S3 server did not start: " + Files.readString(log.toPath()));
  }

  private static void sleep() {
    try {
      Thread.sleep(100);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  public int port() {
    return port;
  }

  /** Makes a bucket; its objects can be read under the folder that is returned. */
  public Path bucket(String name) {
    try {
      return Files.createDirectories(disk.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What a client of one bucket must set. */
  public Map<String, String> settings(String bucket) {
    return settings(bucket, port);
  }

  /** As {@link #settings(String)}, by way of another port; retries are short. */
  public Map<String, String> settings(String bucket, int viaPort) {
    Map<String, String> settings = new HashMap<>();
    settings.put("endpoint", "http://127.0.0.1:" + viaPort);
    settings.put("endpoint.region", "us-east-1");
    settings.put("path.style.access", "true");
    settings.put("connection.ssl.enabled", "false");
    settings.put(
        "aws.credentials.provider", "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider");
    settings.put("access.key", USER);
    settings.put("secret.key", SECRET);
    settings.put("attempts.maximum", "0");
    settings.put("retry.limit", "4");
    settings.put("retry.interval", "20ms");
    settings.put("retry.throttle.limit", "4");
    settings.put("retry.throttle.interval", "20ms");
    Map<String, String> ofBucket = new HashMap<>();
    settings.forEach((key, value) -> ofBucket.put("fs.s3a.bucket." + bucket + "." + key, value));
    return ofBucket;
  }

  /** As a job has them. */
  public static Configuration configuration(Map<String, String> settings) {
    Configuration configuration = new Configuration();
    settings.forEach(configuration::set);
    return StorageDefaults.applyTo(configuration);
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
