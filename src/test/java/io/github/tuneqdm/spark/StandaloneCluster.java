package io.github.tuneqdm.spark;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Spark's master and a worker for each host, in processes of their own. */
final class StandaloneCluster implements AutoCloseable {
  private final Path folder;
  private final int port;
  private final List<Process> processes = new ArrayList<>();

  private StandaloneCluster(Path folder, int port) {
    this.folder = folder;
    this.port = port;
  }

  /**
   * @param folder for logs and the executors' work
   * @param hosts addresses of this machine, such as 127.0.0.2
   */
  static StandaloneCluster start(Path folder, String... hosts) throws IOException {
    Files.createDirectories(folder);
    Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
    StandaloneCluster cluster = new StandaloneCluster(folder, freePort());
    cluster.launch(
        "127.0.0.1", "org.apache.spark.deploy.master.Master", "--port", "" + cluster.port);
    cluster.awaitMaster();
    for (String host : hosts) {
      cluster.launch(
          host,
          "org.apache.spark.deploy.worker.Worker",
          "--cores",
          "1",
          "--memory",
          "1g",
          "--work-dir",
          folder.resolve(host).toString(),
          cluster.url());
    }
    return cluster;
  }

  private void awaitMaster() throws IOException {
    while (processes.get(0).isAlive()) {
      try {
        new Socket("127.0.0.1", port).close();
        return;
      } catch (ConnectException e) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      }
    }
    throw new IOException("The master did not start: see " + folder.resolve("0.log"));
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      return socket.getLocalPort();
    }
  }

  String url() {
    return "spark://127.0.0.1:" + port;
  }

  private void launch(String host, String mainClass, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(argument -> argument.startsWith("--add-"))
        .forEach(command::add);
    command.addAll(
        List.of(
            "-Xmx256m", "-cp", System.getProperty("java.class.path"), mainClass, "--host", host));
    command.addAll(List.of("--webui-port", "0"));
    command.addAll(Arrays.asList(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("SPARK_LOCAL_IP", host);
    processes.add(
        builder.redirectOutput(folder.resolve(processes.size() + ".log").toFile()).start());
  }

  @Override
  public void close() {
    processes.forEach(Process::destroy);
    try {
      for (Process process : processes) {
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
