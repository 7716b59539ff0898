package io.github.tuneqdm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class TuneQdmConfigTest {
  @TempDir Path folder;

  @Test
  void referenceConfHoldsEveryKeyAndNoOther() {
    Config reference = ConfigLayers.reference();

    assertThat(reference.entrySet().stream().map(Map.Entry::getKey))
        .containsExactlyInAnyOrderElementsOf(Keys.withDefault().stream().map(Key::path).toList());
  }

  @Test
  void defaultsAreAsRecorded() {
    Map<String, Object> recorded = new TreeMap<>();
    recorded.put("tuneqdm.model.base", "");
    recorded.put("tuneqdm.model.dino", "");
    recorded.put("tuneqdm.model.clip", "");
    recorded.put("tuneqdm.data.subjects", "");
    recorded.put("tuneqdm.data.names", List.of());
    recorded.put("tuneqdm.data.resolution", 512);
    recorded.put("tuneqdm.data.center-crop", false);
    recorded.put("tuneqdm.data.max-pixels", 64_000_000L);
    recorded.put("tuneqdm.data.max-photo-bytes", 268_435_456L);
    recorded.put("tuneqdm.storage.runs", "runs");
    recorded.put("tuneqdm.storage.bases", "bases");
    recorded.put("tuneqdm.storage.lease-seconds", 60);
    recorded.put("tuneqdm.run.fail-fast", false);
    recorded.put("tuneqdm.run.tensorboard", false);
    recorded.put("tuneqdm.quantizer.bits", 4);
    recorded.put("tuneqdm.quantizer.symmetric", false);
    recorded.put("tuneqdm.tuning.recipe", "default");
    recorded.put("tuneqdm.tuning.method", "tuneqdm");
    recorded.put("tuneqdm.tuning.lora.rank", 4);
    recorded.put("tuneqdm.tuning.lora.alpha", 4.0);
    recorded.put("tuneqdm.tuning.experts", 4);
    recorded.put("tuneqdm.tuning.train-delta-in", true);
    recorded.put("tuneqdm.tuning.parametrization", "relative");
    recorded.put("tuneqdm.tuning.steps", 400);
    recorded.put("tuneqdm.tuning.batch-size", 4);
    recorded.put("tuneqdm.tuning.gradient-accumulation", 1);
    recorded.put("tuneqdm.tuning.subjects-per-batch", 4);
    recorded.put("tuneqdm.tuning.learning-rate", 7.5e-3);
    recorded.put("tuneqdm.tuning.lr-weight.down", 0.5);
    recorded.put("tuneqdm.tuning.lr-weight.mid", 1.0);
    recorded.put("tuneqdm.tuning.lr-weight.up", 1.5);
    recorded.put("tuneqdm.tuning.lr-schedule", "cosine");
    recorded.put("tuneqdm.tuning.warmup-steps", 0);
    recorded.put("tuneqdm.tuning.beta1", 0.9);
    recorded.put("tuneqdm.tuning.beta2", 0.999);
    recorded.put("tuneqdm.tuning.epsilon", 1e-8);
    recorded.put("tuneqdm.tuning.weight-decay", 0.01);
    recorded.put("tuneqdm.tuning.max-grad-norm", 1.0);
    recorded.put("tuneqdm.tuning.snr-gamma", 0.0);
    recorded.put("tuneqdm.tuning.noise-offset", 0.0);
    recorded.put("tuneqdm.tuning.seed", 42L);
    recorded.put("tuneqdm.tuning.prior-preservation.enabled", false);
    recorded.put("tuneqdm.tuning.prior-preservation.weight", 1.0);
    recorded.put("tuneqdm.tuning.prior-preservation.class-images", 100);
    recorded.put("tuneqdm.checkpoint.every-steps", 0);
    recorded.put("tuneqdm.checkpoint.every-seconds", 60);
    recorded.put("tuneqdm.checkpoint.keep", 2);
    recorded.put("tuneqdm.checkpoint.run", "");
    recorded.put("tuneqdm.device.kind", "auto");
    recorded.put("tuneqdm.device.memory", "auto");
    recorded.put("tuneqdm.device.precision", "auto");
    recorded.put("tuneqdm.device.threads", 2);
    recorded.put("tuneqdm.evaluate.run", "");
    recorded.put("tuneqdm.evaluate.prompts", "");
    recorded.put("tuneqdm.evaluate.live-classes", List.of("cat", "dog"));
    recorded.put("tuneqdm.evaluate.images-per-prompt", 4);
    recorded.put("tuneqdm.evaluate.sampler", "ddim");
    recorded.put("tuneqdm.evaluate.steps", 50);
    recorded.put("tuneqdm.evaluate.guidance", 7.5);
    recorded.put("tuneqdm.evaluate.batch-size", 8);
    recorded.put("tuneqdm.evaluate.seed", 42L);
    recorded.put("tuneqdm.evaluate.baselines", false);
    recorded.put("tuneqdm.study.parallel", 1);
    recorded.put("tuneqdm.evaluate.prior-images", 0);

    Map<String, Object> actual = new TreeMap<>();
    Config reference = ConfigLayers.reference().resolve();
    Keys.withDefault().forEach(key -> actual.put(key.path(), key.read(reference)));
    assertThat(actual).isEqualTo(recorded);
  }

  @Test
  void everyKeyReachesItsAccessor() {
    TuneQdmConfig config =
        load(
            """
            tuneqdm {
              model { base = /m/base, dino = /m/dino, clip = /m/clip }
              data { subjects = "s3a://b/subjects", names = [a, b], resolution = 256, center-crop = true, max-pixels = 1000, max-photo-bytes = 2000 }
              storage { runs = r, bases = q, lease-seconds = 30 }
              run { fail-fast = true, tensorboard = true }
              quantizer { bits = 8, symmetric = true }
              tuning {
                method = qlora, lora { rank = 16, alpha = 32 }
                recipe = paper, experts = 2, train-delta-in = false, parametrization = absolute, steps = 7, batch-size = 3, gradient-accumulation = 5
                subjects-per-batch = 6, learning-rate = 3e-6, lr-weight { down = 0.25, mid = 0.75, up = 0 }, lr-schedule = linear, warmup-steps = 9
                beta1 = 0.8, beta2 = 0.99, epsilon = 1e-6, weight-decay = 0.1, max-grad-norm = 2
                snr-gamma = 5, noise-offset = 0.1, seed = -1
                prior-preservation { enabled = true, weight = 0.5, class-images = 10 }
              }
              checkpoint { every-steps = 11, every-seconds = 12, keep = 3, run = def }
              device { kind = gpu, precision = float16, memory = packed, threads = 8 }
              evaluate {
                run = abc, prompts = p.txt, images-per-prompt = 2, sampler = "dpm++2m", steps = 20
                guidance = 5, batch-size = 16, seed = 4242, baselines = true, prior-images = 6
                live-classes = [horse]
              }
              study.parallel = 3
            }
            """);

    assertThat(config.modelBase()).isEqualTo("/m/base");
    assertThat(config.modelDino()).isEqualTo("/m/dino");
    assertThat(config.modelClip()).isEqualTo("/m/clip");
    assertThat(config.dataSubjects()).isEqualTo("s3a://b/subjects");
    assertThat(config.dataNames()).containsExactly("a", "b");
    assertThat(config.dataResolution()).isEqualTo(256);
    assertThat(config.dataCenterCrop()).isTrue();
    assertThat(config.dataMaxPixels()).isEqualTo(1000);
    assertThat(config.dataMaxPhotoBytes()).isEqualTo(2000);
    assertThat(config.storageRuns()).isEqualTo("r");
    assertThat(config.storageBases()).isEqualTo("q");
    assertThat(config.runFailFast()).isTrue();
    assertThat(config.runTensorboard()).isTrue();
    assertThat(config.quantizerBits()).isEqualTo(8);
    assertThat(config.quantizerSymmetric()).isTrue();
    assertThat(config.tuningMethod()).isEqualTo("qlora");
    assertThat(config.tuningLoraRank()).isEqualTo(16);
    assertThat(config.tuningLoraAlpha()).isEqualTo(32);
    assertThat(config.tuningExperts()).isEqualTo(2);
    assertThat(config.tuningRecipe()).isEqualTo("paper");
    assertThat(config.tuningTrainDeltaIn()).isFalse();
    assertThat(config.tuningParametrization()).isEqualTo("absolute");
    assertThat(config.tuningSteps()).isEqualTo(7);
    assertThat(config.tuningBatchSize()).isEqualTo(3);
    assertThat(config.tuningGradientAccumulation()).isEqualTo(5);
    assertThat(config.tuningSubjectsPerBatch()).isEqualTo(6);
    assertThat(config.tuningLearningRate()).isEqualTo(3e-6);
    assertThat(config.tuningLrWeightDown()).isEqualTo(0.25);
    assertThat(config.tuningLrWeightMid()).isEqualTo(0.75);
    assertThat(config.tuningLrWeightUp()).isZero();
    assertThat(config.tuningLrSchedule()).isEqualTo("linear");
    assertThat(config.tuningWarmupSteps()).isEqualTo(9);
    assertThat(config.tuningBeta1()).isEqualTo(0.8);
    assertThat(config.tuningBeta2()).isEqualTo(0.99);
    assertThat(config.tuningEpsilon()).isEqualTo(1e-6);
    assertThat(config.tuningWeightDecay()).isEqualTo(0.1);
    assertThat(config.tuningMaxGradNorm()).isEqualTo(2);
    assertThat(config.tuningSnrGamma()).isEqualTo(5);
    assertThat(config.tuningNoiseOffset()).isEqualTo(0.1);
    assertThat(config.tuningSeed()).isEqualTo(-1);
    assertThat(config.tuningPriorPreservationEnabled()).isTrue();
    assertThat(config.tuningPriorPreservationWeight()).isEqualTo(0.5);
    assertThat(config.tuningPriorPreservationClassImages()).isEqualTo(10);
    assertThat(config.storageLeaseSeconds()).isEqualTo(30);
    assertThat(config.checkpointEverySteps()).isEqualTo(11);
    assertThat(config.checkpointEverySeconds()).isEqualTo(12);
    assertThat(config.checkpointKeep()).isEqualTo(3);
    assertThat(config.checkpointRun()).contains("def");
    assertThat(config.deviceKind()).isEqualTo("gpu");
    assertThat(config.devicePrecision()).isEqualTo("float16");
    assertThat(config.deviceMemory()).isEqualTo("packed");
    assertThat(config.deviceThreads()).isEqualTo(8);
    assertThat(config.evaluateRun()).contains("abc");
    assertThat(config.evaluatePrompts()).contains("p.txt");
    assertThat(config.evaluateLiveClasses()).containsExactly("horse");
    assertThat(config.evaluateImagesPerPrompt()).isEqualTo(2);
    assertThat(config.evaluateSampler()).isEqualTo("dpm++2m");
    assertThat(config.evaluateSteps()).isEqualTo(20);
    assertThat(config.evaluateGuidance()).isEqualTo(5);
    assertThat(config.evaluateBatchSize()).isEqualTo(16);
    assertThat(config.evaluateSeed()).isEqualTo(4242);
    assertThat(config.evaluateBaselines()).isTrue();
    assertThat(config.studyParallel()).isEqualTo(3);
    assertThat(config.evaluatePriorImages()).isEqualTo(6);
    assertThat(config.settingsWithOrigins()).hasSameSizeAs(Keys.withDefault());
  }

  @Test
  void aMethodBringsItsUsualLearningRateWhereNoneIsSaid() {
    TuneQdmConfig usual = load("tuneqdm.tuning.method = dreambooth");
    TuneQdmConfig own = load("tuneqdm.tuning { method = lora, learning-rate = 1e-3 }");

    assertThat(usual.tuningLearningRate()).isEqualTo(5e-6);
    assertThat(usual.tuningLrSchedule()).isEqualTo("constant");
    assertThat(own.tuningLearningRate()).isEqualTo(1e-3);
    assertThat(own.tuningLrSchedule()).isEqualTo("constant");
  }

  @Test
  void thePapersRecipeGivesItsSettingsWhereNoneAreSaid() {
    TuneQdmConfig config = load("tuneqdm.tuning { recipe = paper, steps = 7 }");

    assertThat(config.quantizerBits()).isEqualTo(8);
    assertThat(config.tuningExperts()).isEqualTo(4);
    assertThat(config.tuningTrainDeltaIn()).isTrue();
    assertThat(config.tuningParametrization()).isEqualTo("absolute");
    assertThat(config.tuningSteps()).isEqualTo(7);
    assertThat(config.tuningBatchSize()).isEqualTo(1);
    assertThat(config.tuningLearningRate()).isEqualTo(3e-6);
    assertThat(config.tuningLrWeightDown()).isEqualTo(1);
    assertThat(config.tuningLrWeightUp()).isEqualTo(1);
    assertThat(config.tuningLrSchedule()).isEqualTo("constant");
    List<String> all = List.of("tuneqdm.");
    assertThat(load(config.render()).renderOnly(all)).isEqualTo(config.renderOnly(all));
  }

  @Test
  void commandLineBeatsSparkConfBeatsFileBeatsReference() {
    String file = "tuneqdm.tuning { steps = 1, batch-size = 1, experts = 1 }";
    Map<String, String> spark =
        Map.of("spark.tuneqdm.tuning.steps", "2", "spark.tuneqdm.tuning.batch-size", "2");
    Map<String, String> overrides = Map.of("tuneqdm.tuning.steps", "3");

    TuneQdmConfig config = load(file, spark, overrides);

    assertThat(config.tuningSteps()).isEqualTo(3);
    assertThat(config.tuningBatchSize()).isEqualTo(2);
    assertThat(config.tuningExperts()).isEqualTo(1);
    assertThat(config.tuningSeed()).isEqualTo(42);
    assertThat(config.settingsWithOrigins())
        .containsExactly(
            "tuneqdm.tuning.experts = 1  # " + folder.resolve("my.conf") + ": 1",
            "tuneqdm.tuning.steps = 3  # -D",
            "tuneqdm.tuning.batch-size = 2  # --conf spark.tuneqdm.tuning.batch-size");
  }

  @Test
  void listsOnACommandLineAreSeparatedByCommas() {
    assertThat(load("", Map.of(), Map.of("tuneqdm.data.names", "a, b")).dataNames())
        .containsExactly("a", "b");
    assertThat(load("", Map.of(), Map.of("tuneqdm.data.names", "[]")).dataNames()).isEmpty();
  }

  @Test
  void remoteFoldersSurviveTheCommandLine() {
    String folder = "s3a://bucket/models#1 x";

    assertThat(load("", Map.of(), Map.of("tuneqdm.model.base", folder)).modelBase())
        .isEqualTo(folder);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tuneqdm.quantizer.bits | 5 | one of 2, 4, 8",
        "tuneqdm.quantizer.bits | 16 | one of 2, 4, 8",
        "tuneqdm.quantizer.bits | four | one of 2, 4, 8",
        "tuneqdm.quantizer.symmetric | perhaps | true or false",
        "tuneqdm.tuning.method | adalora | one of tuneqdm, peqa",
        "tuneqdm.tuning.lora.rank | 0 | a whole number from 1 to 4096",
        "tuneqdm.tuning.lora.alpha | 0 | a number from 0.000001 to 1000000",
        "tuneqdm.tuning.steps | 0 | a whole number from 1 to 10000000",
        "tuneqdm.tuning.steps | 2.5 | a whole number from 1 to 10000000",
        "tuneqdm.tuning.steps | 1e999999999 | a whole number from 1 to 10000000",
        "tuneqdm.data.max-photo-bytes | 3e9 | a whole number from 1 to 2000000000",
        "tuneqdm.tuning.learning-rate | NaN | a number from 0 to 10",
        "tuneqdm.tuning.learning-rate | -1 | a number from 0 to 10",
        "tuneqdm.tuning.lr-schedule | sine | one of constant, constant-with-warmup",
        "tuneqdm.checkpoint.keep | 0 | a whole number from 1 to 1000",
        "tuneqdm.checkpoint.every-steps | -1 | a whole number from 0 to 10000000",
        "tuneqdm.storage.lease-seconds | 2 | a whole number from 3 to 86400",
        "tuneqdm.device.precision | int8 | one of auto, float32, float16, bfloat16",
        "tuneqdm.device.memory | little | one of auto, resident, packed",
        "tuneqdm.evaluate.sampler | plms | one of ddim, pndm",
        "tuneqdm.study.parallel | 0 | a whole number from 1 to 1000",
        "tuneqdm.evaluate.prior-images | -1 | a whole number from 0 to 10000",
        "tuneqdm.run.tensorboard | maybe | true or false",
        "tuneqdm.storage.runs | '' | a non-empty text",
      })
  void badValuesAreRefusedWithKeyValueOriginAndRange(String key, String value, String allowed) {
    assertThatThrownBy(() -> load("", Map.of(), Map.of(key, value)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessage(
            "Cannot use "
                + key
                + " = "
                + (value.isEmpty() ? "\"\"" : value)
                + " (-D): it must be "
                + wholeSentence(key, allowed))
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
  }

  private static String wholeSentence(String key, String start) {
    return switch (key) {
      case "tuneqdm.tuning.method" -> start + ", lora, qlora, dreambooth, ptq, untuned";
      case "tuneqdm.tuning.lr-schedule" ->
          start + ", linear, cosine, cosine-with-restarts, polynomial";
      case "tuneqdm.storage.runs" -> start + ", a path or an address such as hdfs://host/folder";
      case "tuneqdm.evaluate.sampler" -> start + ", dpm++2m, dpm++2m-karras, euler, unipc, ddpm";
      default -> start;
    };
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tuneqdm.quantizer.bits = [4]",
        "tuneqdm.quantizer.bits = { a = 4 }",
        "tuneqdm.quantizer.bits = null",
        "tuneqdm.data.names = ball1"
      })
  void badTypesInAFileAreRefused(String text) {
    assertThatThrownBy(() -> load(text))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot use tuneqdm.");
  }

  @Test
  void aBadValueInAFileNamesItsLine() {
    assertThatThrownBy(() -> load("\n\ntuneqdm.quantizer.bits = 3"))
        .hasMessage(
            "Cannot use tuneqdm.quantizer.bits = 3 (%s: 3): it must be one of 2, 4, 8",
            folder.resolve("my.conf"));
  }

  @Test
  void unknownKeysAreRefusedWithTheNearest() {
    assertThatThrownBy(() -> load("tuneqdm {\n quantiser.bits = 4 }"))
        .hasMessage(
            "Unknown key tuneqdm.quantiser.bits (%s: 2): did you mean tuneqdm.quantizer.bits?",
            folder.resolve("my.conf"));
    assertThatThrownBy(() -> load("", Map.of(), Map.of("tuneqdm.tuning.stpes", "3")))
        .hasMessage("Unknown key tuneqdm.tuning.stpes (-D): did you mean tuneqdm.tuning.steps?");
    assertThatThrownBy(() -> load("", Map.of("spark.tuneqdm.evaluate.sed", "1"), Map.of()))
        .hasMessage(
            "Unknown key tuneqdm.evaluate.sed (--conf spark.tuneqdm.evaluate.sed): did you mean"
                + " tuneqdm.evaluate.seed?");
    assertThatThrownBy(() -> load("tunqdm.tuning.steps = 3"))
        .hasMessageContaining("did you mean tuneqdm.tuning.steps?");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tuneqdm { quantizer.bits = ",
        "tuneqdm.tuning.steps = ${b}",
        "include required(\"none\")"
      })
  void brokenFilesAreUsageErrors(String text) {
    assertThatThrownBy(() -> load(text))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot re");
  }

  @Test
  void aMissingFileIsAUsageError() {
    Path missing = folder.resolve("none.conf");

    assertThatThrownBy(
            () ->
                new ConfigLayers(Map.of(), Map.of(), Optional.of(ConfigSource.file(missing)))
                    .load())
        .hasMessage("Cannot read --config " + missing + ": there is no such file");
  }

  @Test
  void theDemoFolderComesFromASystemProperty() {
    String file = "tuneqdm.model.base = ${tuneqdm.demo.dir}/base";

    assertThat(load(file, Map.of("tuneqdm.demo.dir", "/demo"), Map.of()).modelBase())
        .isEqualTo("/demo/base");
    assertThatThrownBy(() -> load(file)).hasMessageContaining("tuneqdm.demo.dir=FOLDER");
  }

  @Test
  void aJobSaysWhichFolderItMisses() {
    assertThatThrownBy(() -> TuneQdmConfig.defaults().modelBase())
        .hasMessageStartingWith("Cannot go on without tuneqdm.model.base:");
  }

  @Test
  void theRenderedConfigurationReadsBackTheSame() {
    TuneQdmConfig config =
        load(
            "tuneqdm.model.base = ${tuneqdm.demo.dir}/base, tuneqdm.data.names = [a, b]",
            Map.of("tuneqdm.demo.dir", "/de mo", "spark.tuneqdm.tuning.learning-rate", "1e-3"),
            Map.of("tuneqdm.evaluate.sampler", "dpm++2m"));

    TuneQdmConfig again = load(config.render());

    assertThat(again.renderOnly(List.of("tuneqdm.")))
        .isEqualTo(config.renderOnly(List.of("tuneqdm.")));
    assertThat(config.render()).contains("tuneqdm.tuning.seed = 42  # default");
  }

  static List<Path> readyConfigurations() throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of("conf"), "*.conf")) {
      List<Path> found = new ArrayList<>();
      files.forEach(found::add);
      return found;
    }
  }

  @ParameterizedTest
  @MethodSource("readyConfigurations")
  void everyReadyConfigurationLoads(Path file) {
    ConfigLayers layers =
        new ConfigLayers(
            Map.of(),
            Map.of("tuneqdm.demo.dir", "src/demo/toyworld"),
            Optional.of(ConfigSource.file(file)));

    assertThat(layers.load().settingsWithOrigins()).isNotEmpty();
  }

  private TuneQdmConfig load(String file) {
    return load(file, Map.of(), Map.of());
  }

  private TuneQdmConfig load(
      String text, Map<String, String> properties, Map<String, String> overrides) {
    Path file = folder.resolve("my.conf");
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    ConfigFactory.invalidateCaches();
    return new ConfigLayers(overrides, properties, Optional.of(ConfigSource.file(file))).load();
  }
}
