package io.github.tuneqdm.config;

import java.util.List;
import java.util.Optional;

/** Every key there is, in the order of {@code reference.conf}. */
final class Keys {
  static final String ROOT = "tuneqdm.";

  /** Set by the launchers: where the embedded demo lies. The one key without a default. */
  static final Key<String> DEMO_DIR = Key.location(ROOT + "demo.dir");

  static final Key<String> MODEL_BASE = Key.location(ROOT + "model.base");
  static final Key<String> MODEL_DINO = Key.location(ROOT + "model.dino");
  static final Key<String> MODEL_CLIP = Key.location(ROOT + "model.clip");

  static final Key<String> DATA_SUBJECTS = Key.location(ROOT + "data.subjects");
  static final Key<List<String>> DATA_NAMES = Key.list(ROOT + "data.names");
  static final Key<Integer> DATA_RESOLUTION = Key.integer(ROOT + "data.resolution", 8, 4096);
  static final Key<Boolean> DATA_CENTER_CROP = Key.flag(ROOT + "data.center-crop");
  static final Key<Long> DATA_MAX_PIXELS = Key.longInteger(ROOT + "data.max-pixels", 1, 1L << 30);
  static final Key<Long> DATA_MAX_PHOTO_BYTES =
      Key.longInteger(ROOT + "data.max-photo-bytes", 1, 2_000_000_000);

  static final Key<String> STORAGE_RUNS = Key.nonEmptyLocation(ROOT + "storage.runs");
  static final Key<String> STORAGE_BASES = Key.nonEmptyLocation(ROOT + "storage.bases");
  static final Key<Integer> STORAGE_LEASE_SECONDS =
      Key.integer(ROOT + "storage.lease-seconds", 3, 86_400);

  static final Key<Boolean> RUN_FAIL_FAST = Key.flag(ROOT + "run.fail-fast");
  static final Key<Boolean> RUN_TENSORBOARD = Key.flag(ROOT + "run.tensorboard");

  static final Key<Integer> QUANTIZER_BITS = Key.oneOf(ROOT + "quantizer.bits", 2, 4, 8);
  static final Key<Boolean> QUANTIZER_SYMMETRIC = Key.flag(ROOT + "quantizer.symmetric");

  static final Key<String> TUNING_RECIPE = Key.oneOf(ROOT + "tuning.recipe", "default", "paper");
  static final Key<String> TUNING_METHOD =
      Key.oneOf(
          ROOT + "tuning.method",
          "tuneqdm",
          "peqa",
          "lora",
          "qlora",
          "dreambooth",
          "ptq",
          "untuned");
  static final Key<Integer> TUNING_LORA_RANK = Key.integer(ROOT + "tuning.lora.rank", 1, 4096);
  static final Key<Double> TUNING_LORA_ALPHA = Key.real(ROOT + "tuning.lora.alpha", 1e-6, 1e6);
  static final Key<Integer> TUNING_EXPERTS = Key.integer(ROOT + "tuning.experts", 1, 1000);
  static final Key<Boolean> TUNING_TRAIN_DELTA_IN = Key.flag(ROOT + "tuning.train-delta-in");
  static final Key<String> TUNING_PARAMETRIZATION =
      Key.oneOf(ROOT + "tuning.parametrization", "absolute", "relative");
  static final Key<Integer> TUNING_STEPS = Key.integer(ROOT + "tuning.steps", 1, 10_000_000);
  static final Key<Integer> TUNING_BATCH_SIZE = Key.integer(ROOT + "tuning.batch-size", 1, 4096);
  static final Key<Integer> TUNING_GRADIENT_ACCUMULATION =
      Key.integer(ROOT + "tuning.gradient-accumulation", 1, 4096);
  static final Key<Integer> TUNING_SUBJECTS_PER_BATCH =
      Key.integer(ROOT + "tuning.subjects-per-batch", 0, 4096);
  static final Key<Double> TUNING_LEARNING_RATE = Key.real(ROOT + "tuning.learning-rate", 0, 10);
  static final Key<Double> TUNING_LR_WEIGHT_DOWN =
      Key.real(ROOT + "tuning.lr-weight.down", 0, 1000);
  static final Key<Double> TUNING_LR_WEIGHT_MID = Key.real(ROOT + "tuning.lr-weight.mid", 0, 1000);
  static final Key<Double> TUNING_LR_WEIGHT_UP = Key.real(ROOT + "tuning.lr-weight.up", 0, 1000);
  static final Key<String> TUNING_LR_SCHEDULE =
      Key.oneOf(
          ROOT + "tuning.lr-schedule",
          "constant",
          "constant-with-warmup",
          "linear",
          "cosine",
          "cosine-with-restarts",
          "polynomial");
  static final Key<Integer> TUNING_WARMUP_STEPS =
      Key.integer(ROOT + "tuning.warmup-steps", 0, 10_000_000);
  static final Key<Double> TUNING_BETA1 = Key.real(ROOT + "tuning.beta1", 0, 0.999999999);
  static final Key<Double> TUNING_BETA2 = Key.real(ROOT + "tuning.beta2", 0, 0.999999999);
  static final Key<Double> TUNING_EPSILON = Key.real(ROOT + "tuning.epsilon", 1e-30, 1);
  static final Key<Double> TUNING_WEIGHT_DECAY = Key.real(ROOT + "tuning.weight-decay", 0, 10);
  static final Key<Double> TUNING_MAX_GRAD_NORM =
      Key.real(ROOT + "tuning.max-grad-norm", 1e-9, 1e9);
  static final Key<Double> TUNING_SNR_GAMMA = Key.real(ROOT + "tuning.snr-gamma", 0, 1e6);
  static final Key<Double> TUNING_NOISE_OFFSET = Key.real(ROOT + "tuning.noise-offset", 0, 10);
  static final Key<Long> TUNING_SEED =
      Key.longInteger(ROOT + "tuning.seed", Long.MIN_VALUE, Long.MAX_VALUE);
  static final Key<Boolean> TUNING_PRIOR_ENABLED =
      Key.flag(ROOT + "tuning.prior-preservation.enabled");
  static final Key<Double> TUNING_PRIOR_WEIGHT =
      Key.real(ROOT + "tuning.prior-preservation.weight", 0, 1e6);
  static final Key<Integer> TUNING_PRIOR_CLASS_IMAGES =
      Key.integer(ROOT + "tuning.prior-preservation.class-images", 1, 100_000);

  static final Key<String> CHECKPOINT_RUN = Key.text(ROOT + "checkpoint.run");
  static final Key<Integer> CHECKPOINT_EVERY_STEPS =
      Key.integer(ROOT + "checkpoint.every-steps", 0, 10_000_000);
  static final Key<Integer> CHECKPOINT_EVERY_SECONDS =
      Key.integer(ROOT + "checkpoint.every-seconds", 0, 1_000_000);
  static final Key<Integer> CHECKPOINT_KEEP = Key.integer(ROOT + "checkpoint.keep", 1, 1000);

  static final Key<String> DEVICE_KIND = Key.oneOf(ROOT + "device.kind", "auto", "cpu", "gpu");
  static final Key<String> DEVICE_PRECISION =
      Key.oneOf(ROOT + "device.precision", "auto", "float32", "float16", "bfloat16");
  static final Key<String> DEVICE_MEMORY =
      Key.oneOf(ROOT + "device.memory", "auto", "resident", "packed");
  static final Key<Integer> DEVICE_THREADS = Key.integer(ROOT + "device.threads", 1, 1024);

  static final Key<String> EVALUATE_RUN = Key.text(ROOT + "evaluate.run");
  static final Key<String> EVALUATE_PROMPTS = Key.location(ROOT + "evaluate.prompts");
  static final Key<List<String>> EVALUATE_LIVE_CLASSES = Key.list(ROOT + "evaluate.live-classes");
  static final Key<Integer> EVALUATE_IMAGES_PER_PROMPT =
      Key.integer(ROOT + "evaluate.images-per-prompt", 1, 10_000);
  static final Key<String> EVALUATE_SAMPLER =
      Key.oneOf(
          ROOT + "evaluate.sampler",
          "ddim",
          "pndm",
          "dpm++2m",
          "dpm++2m-karras",
          "euler",
          "unipc",
          "ddpm");
  static final Key<Integer> EVALUATE_STEPS = Key.integer(ROOT + "evaluate.steps", 1, 1000);
  static final Key<Double> EVALUATE_GUIDANCE = Key.real(ROOT + "evaluate.guidance", 0, 1000);
  static final Key<Integer> EVALUATE_BATCH_SIZE =
      Key.integer(ROOT + "evaluate.batch-size", 1, 4096);
  static final Key<Long> EVALUATE_SEED =
      Key.longInteger(ROOT + "evaluate.seed", 0, Long.MAX_VALUE / 2);
  static final Key<Boolean> EVALUATE_BASELINES = Key.flag(ROOT + "evaluate.baselines");
  static final Key<Integer> EVALUATE_PRIOR_IMAGES =
      Key.integer(ROOT + "evaluate.prior-images", 0, 10_000);

  /** What a study compares stands here too, in its own file: see {@link StudyReader}. */
  static final String STUDY = ROOT + "study";

  static final Key<Integer> STUDY_PARALLEL = Key.integer(STUDY + ".parallel", 1, 1000);

  private static final List<Key<?>> WITH_DEFAULT =
      List.of(
          MODEL_BASE,
          MODEL_DINO,
          MODEL_CLIP,
          DATA_SUBJECTS,
          DATA_NAMES,
          DATA_RESOLUTION,
          DATA_CENTER_CROP,
          DATA_MAX_PIXELS,
          DATA_MAX_PHOTO_BYTES,
          STORAGE_RUNS,
          STORAGE_BASES,
          STORAGE_LEASE_SECONDS,
          RUN_FAIL_FAST,
          RUN_TENSORBOARD,
          QUANTIZER_BITS,
          QUANTIZER_SYMMETRIC,
          TUNING_RECIPE,
          TUNING_METHOD,
          TUNING_LORA_RANK,
          TUNING_LORA_ALPHA,
          TUNING_EXPERTS,
          TUNING_TRAIN_DELTA_IN,
          TUNING_PARAMETRIZATION,
          TUNING_STEPS,
          TUNING_BATCH_SIZE,
          TUNING_GRADIENT_ACCUMULATION,
          TUNING_SUBJECTS_PER_BATCH,
          TUNING_LEARNING_RATE,
          TUNING_LR_WEIGHT_DOWN,
          TUNING_LR_WEIGHT_MID,
          TUNING_LR_WEIGHT_UP,
          TUNING_LR_SCHEDULE,
          TUNING_WARMUP_STEPS,
          TUNING_BETA1,
          TUNING_BETA2,
          TUNING_EPSILON,
          TUNING_WEIGHT_DECAY,
          TUNING_MAX_GRAD_NORM,
          TUNING_SNR_GAMMA,
          TUNING_NOISE_OFFSET,
          TUNING_SEED,
          TUNING_PRIOR_ENABLED,
          TUNING_PRIOR_WEIGHT,
          TUNING_PRIOR_CLASS_IMAGES,
          CHECKPOINT_RUN,
          CHECKPOINT_EVERY_STEPS,
          CHECKPOINT_EVERY_SECONDS,
          CHECKPOINT_KEEP,
          DEVICE_KIND,
          DEVICE_PRECISION,
          DEVICE_MEMORY,
          DEVICE_THREADS,
          EVALUATE_RUN,
          EVALUATE_PROMPTS,
          EVALUATE_LIVE_CLASSES,
          EVALUATE_IMAGES_PER_PROMPT,
          EVALUATE_SAMPLER,
          EVALUATE_STEPS,
          EVALUATE_GUIDANCE,
          EVALUATE_BATCH_SIZE,
          EVALUATE_SEED,
          EVALUATE_BASELINES,
          EVALUATE_PRIOR_IMAGES,
          STUDY_PARALLEL);

  private Keys() {}

  static List<Key<?>> withDefault() {
    return WITH_DEFAULT;
  }

  static Optional<Key<?>> named(String path) {
    if (path.equals(DEMO_DIR.path())) {
      return Optional.of(DEMO_DIR);
    }
    return WITH_DEFAULT.stream().filter(key -> key.path().equals(path)).findFirst();
  }

  static String nearest(String path) {
    return Nearest.of(path, WITH_DEFAULT.stream().map(Key::path).toList());
  }
}
