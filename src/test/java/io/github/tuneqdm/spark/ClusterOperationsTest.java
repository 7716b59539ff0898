package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.EngineException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import java.io.IOException;
import java.io.Serializable;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One cluster of two real executors, each with a GPU that is an address only. */
class ClusterOperationsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;

  private static SparkTests.Master master;
  private static SparkApplication application;

  @BeforeAll
  static void startTheCluster() throws IOException {
    master = SparkTests.Master.cluster();
    master.set("spark.master", "local-cluster[2,2,1024]");
    master.set("spark.worker.resource.gpu.amount", "1");
    master.set("spark.worker.resource.gpu.discoveryScript", gpuOfEachWorker().toString());
    master.set("spark.executor.resource.gpu.amount", "1");
    // CUDA would call the first worker's GPU 1 and the second one's 0.
    master.set("spark.executorEnv.CUDA_VISIBLE_DEVICES", "1,0");
    master.set(
        "spark.executor.extraJavaOptions",
        "-Dlog4j2.configurationFile=" + Path.of("conf/log4j2-json.properties").toAbsolutePath());
    master.set("spark.ui.enabled", "true");
    master.set("spark.ui.port", "0");
    master.set(
        "spark.metrics.conf", Path.of("conf/metrics.properties").toAbsolutePath().toString());
    master.set("spark.metrics.namespace", "tuneqdm");
    master.set("spark.eventLog.enabled", "true");
    master.set("spark.eventLog.compress", "false");
    master.set("spark.eventLog.dir", Files.createDirectory(folder.resolve("events")).toUri() + "");
    application = SparkApplication.open("test", config("auto", folder.resolve("auto")));
  }

  /** A task's executor is chance: tests that compare executors need both. */
  @BeforeEach
  void awaitBothExecutors() throws Exception {
    await("two executors", () -> application.executors().size() == 2);
  }

  @AfterAll
  static void stopTheCluster() {
    try (SparkTests.Master properties = master) {
      assertThat(properties).isNotNull();
      application.close();
    }
  }

  /** The first worker that asks has GPU 0, the second GPU 1. */
  private static Path gpuOfEachWorker() throws IOException {
    Path script = folder.resolve("gpus.sh");
    Files.writeString(
        script,
        """
        #!/bin/bash
        cd "$(dirname "$0")"
        mkdir first 2>/dev/null && gpu=0 || gpu=1
        echo "{\\"name\\": \\"gpu\\", \\"addresses\\": [\\"$gpu\\"]}"
        """);
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static TuneQdmConfig config(String kind, Path storage) {
    return SparkTests.config(storage, SparkTests.tinyTraining(Map.of("tuneqdm.device.kind", kind)));
  }

  private record Use(String executor, int gpu, String address, long start, long end)
      implements Serializable {}

  @Test
  void aTaskHasAGpuOfItsOwnUnderTheNumberThatCudaGivesIt() {
    List<Use> uses =
        application.fanOut(
            "gpus",
            "look at the GPUs",
            DeviceDemand.ENGINE,
            List.of(0, 1, 2, 3),
            (input, environment) -> {
              long start = System.nanoTime();
              Thread.sleep(300);
              return new Use(
                  SparkEnv.get().executorId(),
                  environment.gpu().getAsInt(),
                  TaskContext.get().resourcesJMap().get("gpu").addresses()[0],
                  start,
                  System.nanoTime());
            });

    assertThat(uses).allMatch(use -> use.gpu() == 1 - Integer.parseInt(use.address()));
    Map<String, List<Use>> byExecutor = uses.stream().collect(Collectors.groupingBy(Use::executor));
    assertThat(byExecutor).hasSize(2);
    byExecutor
        .values()
        .forEach(
            own -> {
              assertThat(own.stream().map(Use::address).distinct()).hasSize(1);
              for (int i = 1; i < own.size(); i++) {
                assertThat(own.get(i).start()).isGreaterThan(own.get(i - 1).end());
              }
            });
    assertThat(uses.stream().map(Use::address).distinct()).hasSize(2);
  }

  @Test
  void plainTasksTakeNoGpu() {
    List<Boolean> present =
        application.fanOut(
            "plain",
            "look for GPUs",
            DeviceDemand.NONE,
            List.of(0, 1),
            (input, environment) ->
                environment.gpu().isPresent()
                    || TaskContext.get().resourcesJMap().containsKey("gpu"));
    assertThat(present).containsOnly(false);
  }

  @Test
  void anExecutorWhoseGpuIsPoisonedEndsAndItsTaskSucceedsElsewhere() throws Exception {
    List<Long> pids =
        failOnce(
            "poisoned",
            "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be"
                + " asynchronously reported at some other API call");

    assertThat(pids.get(1)).isNotEqualTo(pids.get(0));
    await("the first process to end", () -> !isAlive(pids.get(0)));
    assertThat(isAlive(pids.get(1))).isTrue();
    awaitMetric("executors_ended", 1);
  }

  @Test
  void anExecutorWhoseTaskFailsOtherwiseLivesOn() throws Exception {
    List<Long> pids = failOnce("full", "CUDA out of memory. Tried to allocate 2.00 GiB.");
    assertThat(isAlive(pids.get(0))).isTrue();
  }

  /** Processes of the attempt that failed with this message, and of the one that did not. */
  private static List<Long> failOnce(String name, String message) throws IOException {
    String first = folder.resolve(name).toString();
    List<Long> second =
        application.fanOut(
            name,
            "fail once",
            DeviceDemand.ENGINE,
            List.of(0),
            (input, environment) -> {
              long pid = ProcessHandle.current().pid();
              Path file = Path.of(first);
              if (!Files.exists(file)) {
                Files.writeString(file, Long.toString(pid));
                throw new EngineException(message);
              }
              return pid;
            });
    return List.of(Long.parseLong(Files.readString(Path.of(first))), second.get(0));
  }

  private static boolean isAlive(long pid) {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  @Test
  void trainingShowsInMetricsHistoryAndLogs() throws Exception {
    // Closing this would close the cluster: it is the running application's.
    OnDemandSpark running = new OnDemandSpark("test", config("cpu", folder.resolve("trained")));
    TrainAllSubjectsJob.Result result =
        new TrainAllSubjectsJob(
                config("cpu", folder.resolve("trained")),
                running,
                SparkTests.nowhere(),
                SparkTests.nowhere())
            .run();
    assertThat(result.exitCode()).isEqualTo(ExitCode.DONE);

    awaitMetric("subjects_done", 2);
    assertThat(metric("subject_steps")).isEqualTo(4);
    assertThat(metric("subjects_failed")).isZero();
    assertThat(metric("mean_loss")).isBetween(1e-6, 10.0);

    String description =
        "train 2 batches of subjects for 2 steps (run %s)".formatted(result.runId());
    List<JsonNode> events = json(folder.resolve("events"), path -> !path.endsWith("appstatus"));
    assertThat(events)
        .anyMatch(
            event ->
                event.path("Event").asText().equals("SparkListenerJobStart")
                    && event
                        .path("Properties")
                        .path("spark.job.description")
                        .asText()
                        .equals(description)
                    && event
                        .path("Stage Infos")
                        .path(0)
                        .path("Stage Name")
                        .asText()
                        .equals(description));

    Path work =
        Path.of(System.getenv("SPARK_HOME"), "work", application.context().sc().applicationId());
    List<JsonNode> lines = json(work, path -> path.endsWith("stderr"));
    assertThat(lines)
        .anyMatch(
            line ->
                line.path("message").asText().equals("Published what was trained of mug1")
                    && line.path("run").asText().equals(result.runId())
                    && line.path("subject").asText().equals("mug1")
                    && line.path("level").asText().equals("INFO"));
  }

  @Test
  void theDoctorVisitsEveryExecutor() {
    TuneQdmConfig config = config("cpu", folder.resolve("examined"));
    DoctorReport report = new DoctorJob(config, new OnDemandSpark("test", config)).run();

    assertThat(report.exitCode()).as(String.join("\n", report.lines())).isEqualTo(ExitCode.DONE);
    List<DoctorReport.Row> engines =
        report.rows().stream().filter(row -> row.finding().check().equals("engine")).toList();
    assertThat(engines).hasSize(3);
    assertThat(engines.stream().map(DoctorReport.Row::where).distinct()).hasSize(3);
    assertThat(report.rows())
        .filteredOn(row -> row.finding().found().endsWith("is the driver's"))
        .hasSize(4);
    assertThat(folder.resolve("examined")).isEmptyDirectory();
  }

  private static void awaitMetric(String name, double value) throws Exception {
    for (int i = 0; i < 100 && metric(name) != value; i++) {
      Thread.sleep(100); // figures travel every two seconds
    }
    assertThat(metric(name)).as(name + " of " + prometheus()).isEqualTo(value);
  }

  private static double metric(String name) throws Exception {
    return prometheus()
        .lines()
        .filter(line -> line.contains("_TuneQdmPlugin_" + name + "_Value{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .findFirst()
        .orElse(-1);
  }

  private static String prometheus() throws Exception {
    String url = application.context().sc().uiWebUrl().get() + "/metrics/prometheus/";
    HttpResponse<String> response =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(url)).build(),
                HttpResponse.BodyHandlers.ofString());
    assertThat(response.statusCode()).isEqualTo(200);
    return response.body();
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void await(String what, Condition condition) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.holds()) {
      assertThat(System.nanoTime()).as("waiting for " + what).isLessThan(end);
      Thread.sleep(100);
    }
  }

  /** Every line that is a JSON object, of the files under a folder. */
  private static List<JsonNode> json(Path under, Predicate<Path> wanted) throws IOException {
    List<JsonNode> objects = new ArrayList<>();
    try (Stream<Path> files = Files.walk(under)) {
      for (Path file : files.filter(Files::isRegularFile).filter(wanted).toList()) {
        for (String line : Files.readAllLines(file)) {
          if (line.startsWith("{")) {
            objects.add(JSON.readTree(line));
          }
        }
      }
    }
    return objects;
  }
}
