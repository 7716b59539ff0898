package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.spark.TaskContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real standalone cluster, since others do not give executors of a stage's own there. */
class DynamicAllocationTest {
  private final List<Process> daemons = new ArrayList<>();

  @TempDir Path folder;

  @AfterEach
  void stopTheCluster() throws InterruptedException {
    for (Process daemon : daemons) {
      daemon.destroyForcibly();
      daemon.waitFor(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void executorsComeWithGpusForTheStageThatNeedsThem() throws Exception {
    int port = freePort();
    daemon(List.of(), "master.Master", "--port", port + "", "--webui-port", "0");
    awaitPort(port);
    String url = "spark://127.0.0.1:" + port;
    daemon(
        List.of(
            "-Dspark.worker.resource.gpu.amount=2",
            "-Dspark.worker.resource.gpu.discoveryScript=" + twoGpus()),
        "worker.Worker",
        "--cores",
        "2",
        "--memory",
        "2g",
        "--webui-port",
        "0",
        "--work-dir",
        folder.resolve("work").toString(),
        url);

    List<String> addresses;
    try (SparkTests.Master master = SparkTests.Master.cluster()) {
      master.set("spark.master", url);
      master.set("spark.dynamicAllocation.enabled", "true");
      master.set("spark.dynamicAllocation.shuffleTracking.enabled", "true");
      master.set("spark.executor.cores", "1");
      master.set("spark.executor.memory", "600m");
      master.set("spark.executor.resource.gpu.amount", "1");
      TuneQdmConfig config = SparkTests.config(folder.resolve("storage"), Map.of());
      try (SparkApplication application = SparkApplication.open("test", config)) {
        addresses =
            application.fanOut(
                "gpus",
                "look at the GPUs",
                DeviceDemand.ENGINE,
                List.of(0, 1),
                (input, environment) -> {
                  Thread.sleep(4_000); // so long that a second executor comes for the second task
                  String address = TaskContext.get().resourcesJMap().get("gpu").addresses()[0];
                  assertThat(environment.gpu()).hasValue(Integer.parseInt(address));
                  return address;
                });
      }
    }

    assertThat(addresses).containsExactlyInAnyOrder("0", "1");
  }

  private Path twoGpus() throws IOException {
    Path script = folder.resolve("gpus.sh");
    Files.writeString(
        script, "#!/bin/bash\necho '{\"name\": \"gpu\", \"addresses\": [\"0\", \"1\"]}'\n");
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private void daemon(List<String> options, String className, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx256m");
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(option -> option.startsWith("--add-"))
        .forEach(command::add);
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(List.of("org.apache.spark.deploy." + className, "--host", "127.0.0.1"));
    command.addAll(List.of(arguments));
    Path log = folder.resolve(className + ".log");
    daemons.add(
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start());
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static void awaitPort(int port) throws InterruptedException {
    for (int i = 0; i < 300; i++) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        assertThat(socket.isConnected()).isTrue();
        return;
      } catch (IOException e) {
        Thread.sleep(100); // not yet
      }
    }
    throw new AssertionError("the master did not come up");
  }
}
