package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.inspect.Inspector;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.storage.SafetensorsFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every method trains, is evaluated under its name, and comes back the same. */
class MethodsTest {
  @TempDir static Path storage;

  @ParameterizedTest
  @CsvSource({
    "lora, LoRA rank 2, tuneqdm-lora-1",
    "qlora, QLoRA-like rank 2, tuneqdm-lora-1",
    "dreambooth, full DreamBooth, tuneqdm-unet-1",
    "peqa, PEQA, tuneqdm-deltas-1"
  })
  void aMethodThatTrains(String method, String shown, String format) throws IOException {
    Map<String, String> settings = settings(method);
    TrainAllSubjectsJob.Result first = train(settings);
    assertThat(first.trained()).containsExactly("ball1", "mug1");
    Path run = Path.of(URI.create(first.folder()));
    RunFolder folder = folder(first);
    SubjectStatus status = folder.subjectStatus("mug1").orElseThrow();
    Path deltas = run.resolve("subjects/mug1/deltas.safetensors");
    assertThat(status.steps()).isEqualTo(2);
    assertThat(status.storedBytes()).isEqualTo(Files.size(deltas));
    assertThat(status.trainedParameters()).isEqualTo(trainedIn(deltas));
    assertThat(folder.speeds())
        .hasSize(2) // a subject is a batch
        .allMatch(speed -> speed.steps() == 2 && speed.stepsPerSecond() > 0);
    try (SafetensorsFile file = SafetensorsFile.open(deltas)) {
      assertThat(file.metadata()).containsEntry("format", format).containsEntry("method", method);
    }
    assertThat(Inspector.describe(deltas).lines().toString()).contains("Checkpoint", method);

    EvaluateJob.Result evaluated = evaluate(folder, settings);
    assertThat(evaluated.table().methods()).containsExactly(shown);
    assertThat(run.resolve("images/ball1/00-4242.png")).exists();
    Map<String, String> before = results(run);
    assertThat(before.get("images/ball1/00-4242.png"))
        .isNotEqualTo(before.get("images/mug1/00-4242.png"));

    Files.delete(deltas);
    Files.delete(run.resolve("subjects/mug1/status.json"));
    Files.delete(run.resolve("images/mug1/00-4242.png"));
    assertThat(train(settings).trained()).containsExactly("mug1");
    assertThat(evaluate(folder, settings).sampled()).isEqualTo(1);
    assertThat(results(run)).isEqualTo(before);
  }

  /** All but what shows how fast the training was: the report, and the index that has its hash. */
  private static Map<String, String> results(Path run) throws IOException {
    Map<String, String> results = SparkTests.hashes(run);
    results.keySet().removeIf(path -> path.startsWith("report/") || path.equals("run.json"));
    return results;
  }

  /** PEQA stores what it does not train, too. */
  private static long trainedIn(Path deltas) {
    try (SafetensorsFile file = SafetensorsFile.open(deltas)) {
      return file.names().stream()
          .filter(name -> !name.endsWith(".delta_in"))
          .mapToLong(name -> file.tensor(name).elementCount())
          .sum();
    }
  }

  @ParameterizedTest
  @CsvSource({"ptq, quantised un-tuned, quantised-un-tuned", "untuned, un-tuned, un-tuned"})
  void aMethodThatTrainsNothing(String method, String shown, String place) throws IOException {
    Map<String, String> settings = settings(method);
    TrainAllSubjectsJob.Result trained = train(settings);
    assertThat(trained.trained()).containsExactly("ball1", "mug1");
    Path run = Path.of(URI.create(trained.folder()));
    RunFolder folder = folder(trained);
    SubjectStatus status = folder.subjectStatus("ball1").orElseThrow();
    assertThat(status.trainedParameters()).isZero();
    assertThat(status.steps()).isZero();
    assertThat(status.finalLoss()).isNull();
    assertThat(folder.speeds()).isEmpty();
    assertThat(Inspector.describe(run).lines().toString()).contains("2 done");

    assertThat(evaluate(folder, settings).table().methods()).containsExactly(shown);
    assertThat(run.resolve("baselines/" + place + "/ball1/00-4242.png")).exists();
    assertThat(run.resolve("images")).doesNotExist();
    assertThat(train(settings).alreadyDone()).containsExactly("ball1", "mug1");
  }

  @Test
  void aFloatMethodBesideBothBaselines() throws IOException {
    Map<String, String> settings = settings("lora");
    settings.put("tuneqdm.data.names", "ball1");
    settings.put("tuneqdm.evaluate.baselines", "true");

    assertThat(evaluate(folder(train(settings)), settings).table().methods())
        .isEqualTo(List.of(Methods.UNTUNED, Methods.QUANTISED_UNTUNED, "LoRA rank 2"));
  }

  private Map<String, String> settings(String method) throws IOException {
    Path prompts = storage.resolve("prompts.txt");
    Files.writeString(prompts, "a photo of a {0} {1}\n");
    Map<String, String> settings = new HashMap<>();
    settings.put("tuneqdm.tuning.method", method);
    settings.put("tuneqdm.tuning.lora.rank", "2");
    settings.put("tuneqdm.tuning.subjects-per-batch", method.equals("peqa") ? "1" : "4");
    settings.put("tuneqdm.evaluate.prompts", prompts.toString());
    settings.put("tuneqdm.evaluate.steps", "2");
    return settings;
  }

  private TuneQdmConfig config(Map<String, String> settings) {
    return SparkTests.config(storage, SparkTests.tinyTraining(settings));
  }

  private TrainAllSubjectsJob.Result train(Map<String, String> settings) {
    TuneQdmConfig config = config(settings);
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      return new TrainAllSubjectsJob(config, spark, SparkTests.nowhere(), SparkTests.nowhere())
          .run();
    }
  }

  private static RunFolder folder(TrainAllSubjectsJob.Result trained) {
    return RunFolder.of(storage.resolve("runs").toString(), trained.runId(), new Configuration());
  }

  private EvaluateJob.Result evaluate(RunFolder run, Map<String, String> settings) {
    TuneQdmConfig config = config(settings);
    SparkTests.Master master = SparkTests.Master.local();
    try (master;
        OnDemandSpark spark = new OnDemandSpark("test", config)) {
      return new EvaluateJob(config, spark, SparkTests.nowhere()).run(run);
    }
  }
}
