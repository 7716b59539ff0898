package io.github.tuneqdm.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigValue;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.Serializable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The resolved configuration: every value checked, with the place it came from. {@link
 * ConfigLayers} says which layer wins; {@code reference.conf} says what each key means.
 */
public final class TuneQdmConfig implements Serializable {
  private static final long serialVersionUID = 1L;

  private final Config config;

  private TuneQdmConfig(Config config) {
    this.config = config;
  }

  static TuneQdmConfig of(Config resolved) {
    for (Key<?> key : Keys.withDefault()) {
      key.read(resolved);
    }
    return new TuneQdmConfig(resolved);
  }

  /** The default of every key. */
  public static TuneQdmConfig defaults() {
    return of(ConfigLayers.reference().resolve());
  }

  /** Where the embedded demo lies, if a launcher said so. */
  public Optional<String> demoDir() {
    return config.hasPath(Keys.DEMO_DIR.path())
        ? Optional.of(Keys.DEMO_DIR.read(config))
        : Optional.empty();
  }

  // Folders and files that a job cannot do without are checked where a job asks for them.

  public String modelBase() {
    return required(Keys.MODEL_BASE, "the folder of the base model");
  }

  public String modelDino() {
    return required(Keys.MODEL_DINO, "the folder of the ViT for the DINO score");
  }

  public String modelClip() {
    return required(Keys.MODEL_CLIP, "the folder of the CLIP model for the CLIP scores");
  }

  public String dataSubjects() {
    return required(Keys.DATA_SUBJECTS, "the folder with a sub-folder of photos for each subject");
  }

  public List<String> dataNames() {
    return Keys.DATA_NAMES.read(config);
  }

  public int dataResolution() {
    return Keys.DATA_RESOLUTION.read(config);
  }

  public boolean dataCenterCrop() {
    return Keys.DATA_CENTER_CROP.read(config);
  }

  public long dataMaxPixels() {
    return Keys.DATA_MAX_PIXELS.read(config);
  }

  public long dataMaxPhotoBytes() {
    return Keys.DATA_MAX_PHOTO_BYTES.read(config);
  }

  public String storageRuns() {
    return Keys.STORAGE_RUNS.read(config);
  }

  public String storageBases() {
    return Keys.STORAGE_BASES.read(config);
  }

  public int storageLeaseSeconds() {
    return Keys.STORAGE_LEASE_SECONDS.read(config);
  }

  public boolean runFailFast() {
    return Keys.RUN_FAIL_FAST.read(config);
  }

  public boolean runTensorboard() {
    return Keys.RUN_TENSORBOARD.read(config);
  }

  public int quantizerBits() {
    return Keys.QUANTIZER_BITS.read(config);
  }

  public boolean quantizerSymmetric() {
    return Keys.QUANTIZER_SYMMETRIC.read(config);
  }

  public String tuningRecipe() {
    return Keys.TUNING_RECIPE.read(config);
  }

  public String tuningMethod() {
    return Keys.TUNING_METHOD.read(config);
  }

  public int tuningLoraRank() {
    return Keys.TUNING_LORA_RANK.read(config);
  }

  public double tuningLoraAlpha() {
    return Keys.TUNING_LORA_ALPHA.read(config);
  }

  public int tuningExperts() {
    return Keys.TUNING_EXPERTS.read(config);
  }

  public boolean tuningTrainDeltaIn() {
    return Keys.TUNING_TRAIN_DELTA_IN.read(config);
  }

  public String tuningParametrization() {
    return Keys.TUNING_PARAMETRIZATION.read(config);
  }

  public int tuningSteps() {
    return Keys.TUNING_STEPS.read(config);
  }

  public int tuningBatchSize() {
    return Keys.TUNING_BATCH_SIZE.read(config);
  }

  public int tuningGradientAccumulation() {
    return Keys.TUNING_GRADIENT_ACCUMULATION.read(config);
  }

  public int tuningSubjectsPerBatch() {
    return Keys.TUNING_SUBJECTS_PER_BATCH.read(config);
  }

  public double tuningLearningRate() {
    return Keys.TUNING_LEARNING_RATE.read(config);
  }

  public double tuningLrWeightDown() {
    return Keys.TUNING_LR_WEIGHT_DOWN.read(config);
  }

  public double tuningLrWeightMid() {
    return Keys.TUNING_LR_WEIGHT_MID.read(config);
  }

  public double tuningLrWeightUp() {
    return Keys.TUNING_LR_WEIGHT_UP.read(config);
  }

  public String tuningLrSchedule() {
    return Keys.TUNING_LR_SCHEDULE.read(config);
  }

  public int tuningWarmupSteps() {
    return Keys.TUNING_WARMUP_STEPS.read(config);
  }

  public double tuningBeta1() {
    return Keys.TUNING_BETA1.read(config);
  }

  public double tuningBeta2() {
    return Keys.TUNING_BETA2.read(config);
  }

  public double tuningEpsilon() {
    return Keys.TUNING_EPSILON.read(config);
  }

  public double tuningWeightDecay() {
    return Keys.TUNING_WEIGHT_DECAY.read(config);
  }

  public double tuningMaxGradNorm() {
    return Keys.TUNING_MAX_GRAD_NORM.read(config);
  }

  public double tuningSnrGamma() {
    return Keys.TUNING_SNR_GAMMA.read(config);
  }

  public double tuningNoiseOffset() {
    return Keys.TUNING_NOISE_OFFSET.read(config);
  }

  public long tuningSeed() {
    return Keys.TUNING_SEED.read(config);
  }

  public boolean tuningPriorPreservationEnabled() {
    return Keys.TUNING_PRIOR_ENABLED.read(config);
  }

  public double tuningPriorPreservationWeight() {
    return Keys.TUNING_PRIOR_WEIGHT.read(config);
  }

  public int tuningPriorPreservationClassImages() {
    return Keys.TUNING_PRIOR_CLASS_IMAGES.read(config);
  }

  /** The run to go on with; empty for the one that the settings name. */
  public Optional<String> checkpointRun() {
    return Optional.of(Keys.CHECKPOINT_RUN.read(config)).filter(run -> !run.isEmpty());
  }

  public int checkpointEverySteps() {
    return Keys.CHECKPOINT_EVERY_STEPS.read(config);
  }

  public int checkpointEverySeconds() {
    return Keys.CHECKPOINT_EVERY_SECONDS.read(config);
  }

  public int checkpointKeep() {
    return Keys.CHECKPOINT_KEEP.read(config);
  }

  public String deviceKind() {
    return Keys.DEVICE_KIND.read(config);
  }

  public String devicePrecision() {
    return Keys.DEVICE_PRECISION.read(config);
  }

  public String deviceMemory() {
    return Keys.DEVICE_MEMORY.read(config);
  }

  public int deviceThreads() {
    return Keys.DEVICE_THREADS.read(config);
  }

  /** A run's id; empty for the newest. */
  public Optional<String> evaluateRun() {
    return Optional.of(Keys.EVALUATE_RUN.read(config)).filter(run -> !run.isEmpty());
  }

  /** The file with a prompt template a line; empty for the prompts of the data folder itself. */
  public Optional<String> evaluatePrompts() {
    return Optional.of(Keys.EVALUATE_PROMPTS.read(config)).filter(file -> !file.isBlank());
  }

  public List<String> evaluateLiveClasses() {
    return Keys.EVALUATE_LIVE_CLASSES.read(config);
  }

  public int evaluateImagesPerPrompt() {
    return Keys.EVALUATE_IMAGES_PER_PROMPT.read(config);
  }

  public String evaluateSampler() {
    return Keys.EVALUATE_SAMPLER.read(config);
  }

  public int evaluateSteps() {
    return Keys.EVALUATE_STEPS.read(config);
  }

  public double evaluateGuidance() {
    return Keys.EVALUATE_GUIDANCE.read(config);
  }

  public int evaluateBatchSize() {
    return Keys.EVALUATE_BATCH_SIZE.read(config);
  }

  public long evaluateSeed() {
    return Keys.EVALUATE_SEED.read(config);
  }

  public boolean evaluateBaselines() {
    return Keys.EVALUATE_BASELINES.read(config);
  }

  /** How many of a study's cells are at work at once. */
  public int studyParallel() {
    return Keys.STUDY_PARALLEL.read(config);
  }

  /**
   * The same configuration, but for some keys.
   *
   * @param settings values by path, as texts; the members of a list are separated by commas
   * @param origin where they come from
   * @throws TuneQdmException (usage) for an unknown key or a value that it cannot have
   */
  public TuneQdmConfig with(Map<String, String> settings, String origin) {
    Config changed = config;
    for (Map.Entry<String, String> setting : settings.entrySet()) {
      Key<?> key =
          Keys.named(setting.getKey())
              .orElseThrow(() -> ConfigLayers.unknown(setting.getKey(), origin));
      changed = changed.withValue(key.path(), key.fromCommandLine(setting.getValue(), origin));
    }
    return of(changed);
  }

  public int evaluatePriorImages() {
    return Keys.EVALUATE_PRIOR_IMAGES.read(config);
  }

  /** One line for each key whose value is not its default, with the place it comes from. */
  public List<String> settingsWithOrigins() {
    Config reference = ConfigLayers.reference().resolve();
    return Keys.withDefault().stream()
        .filter(key -> !key.read(config).equals(key.read(reference)))
        .map(this::lineWithOrigin)
        .toList();
  }

  /** The whole configuration as a file that {@code --config} accepts, origins in comments. */
  public String render() {
    StringBuilder text = new StringBuilder();
    for (Key<?> key : Keys.withDefault()) {
      text.append(lineWithOrigin(key)).append('\n');
    }
    return text.toString();
  }

  /**
   * The values of the keys that start with one of these, by key, as {@link #renderOnly} has them.
   */
  public Map<String, String> values(List<String> prefixes) {
    Map<String, String> values = new LinkedHashMap<>();
    for (Key<?> key : Keys.withDefault()) {
      if (prefixes.stream().anyMatch(key.path()::startsWith)) {
        values.put(key.path(), String.valueOf((Object) key.read(config)));
      }
    }
    return values;
  }

  /** {@code key = value} lines, without origins, of the keys that start with one of these. */
  public String renderOnly(List<String> prefixes) {
    StringBuilder text = new StringBuilder();
    values(prefixes)
        .forEach((key, value) -> text.append(key).append(" = ").append(value).append('\n'));
    return text.toString();
  }

  private boolean isDefault(Key<?> key) {
    return config.getValue(key.path()).origin().description().startsWith("reference.conf");
  }

  private String lineWithOrigin(Key<?> key) {
    ConfigValue value = config.getValue(key.path());
    String origin = isDefault(key) ? "default" : shortened(value.origin().description());
    return key.path() + " = " + Key.render(value) + "  # " + origin;
  }

  /** Without what every value that names the demo's folder has, and relative to where we are. */
  private static String shortened(String origin) {
    return origin
        .replace('\n', ' ')
        .replace("merge of " + ConfigLayers.DEMO_DIR_ORIGIN + ",", "")
        .replace(System.getProperty("user.dir") + "/", "")
        .strip();
  }

  private String required(Key<String> key, String meaning) {
    String text = key.read(config);
    if (text.isBlank()) {
      throw TuneQdmException.usage(
          "Cannot go on without "
              + key.path()
              + ": "
              + meaning
              + " (set it in --config FILE or with -D "
              + key.path()
              + "=...)");
    }
    return text;
  }
}
