package io.github.tuneqdm.diffusion;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * The forward process {@code x_t = sqrt(A_t) x_0 + sqrt(1 - A_t) eps} as float32 tables over the T
 * training timesteps, equal to diffusers' tables bit for bit on the machine they are made on. A_t
 * is the cumulative product of {@code 1 - beta} (Ho et al. 2020, section 2).
 *
 * <p>Dimensions: T training timesteps, B samples of a batch. Immutable.
 */
public final class NoiseSchedule {
  private final float[] betas;
  private final float[] alphasCumprod;
  private final float[] signalScales;
  private final float[] noiseScales;
  private final boolean zeroTerminalSnr;
  private final PredictionType predictionType;

  private NoiseSchedule(float[] betas, boolean zeroTerminalSnr, PredictionType predictionType) {
    this.betas = betas;
    this.zeroTerminalSnr = zeroTerminalSnr;
    this.predictionType = predictionType;
    this.alphasCumprod = cumulativeAlphas(betas);
    this.signalScales = TorchMath.sqrt(alphasCumprod);
    this.noiseScales = TorchMath.sqrt(complement(alphasCumprod));
  }

  /**
   * Reads a scheduler config; absent keys take diffusers' defaults (linear, 0.0001 to 0.02, 1000
   * timesteps, epsilon).
   *
   * @throws TuneQdmException when a setting is unknown, malformed or not supported
   */
  public static NoiseSchedule fromConfig(JsonNode config) {
    return of(SchedulerConfig.of(config));
  }

  /** Reads {@code scheduler/scheduler_config.json}. */
  public static NoiseSchedule fromConfig(Path schedulerConfigJson) {
    return of(
        SchedulerConfig.of(
            SchedulerConfig.parse(schedulerConfigJson), schedulerConfigJson.toString()));
  }

  static NoiseSchedule of(SchedulerConfig config) {
    int timesteps = config.trainTimesteps();
    float[] betas = config.floats("trained_betas");
    if (betas == null) {
      betas =
          config
              .choice(
                  "beta_schedule",
                  BetaSchedule.LINEAR,
                  List.of(BetaSchedule.values()),
                  BetaSchedule::configName)
              .betas(
                  fraction(config, "beta_start", 1e-4),
                  fraction(config, "beta_end", 0.02),
                  timesteps);
    } else if (betas.length != timesteps) {
      throw config.wrong(
          "trained_betas", "it needs num_train_timesteps = " + timesteps + " entries");
    }
    boolean zeroTerminalSnr = config.flag("rescale_betas_zero_snr", false);
    for (float beta : betas) {
      if (!(beta >= 0 && beta < 1)) {
        throw config.wrong("trained_betas", "each beta must lie in [0, 1)");
      }
    }
    PredictionType predictionType =
        config.choice(
            "prediction_type",
            PredictionType.EPSILON,
            List.of(PredictionType.values()),
            PredictionType::configName);
    return new NoiseSchedule(
        zeroTerminalSnr ? rescaledToZeroTerminalSnr(betas) : betas,
        zeroTerminalSnr,
        predictionType);
  }

  private static double fraction(SchedulerConfig config, String key, double byDefault) {
    double value = config.number(key, byDefault);
    if (!(value >= 0 && value < 1)) {
      throw config.wrong(key, "must lie in [0, 1)");
    }
    return value;
  }

  /**
   * Shifts and scales sqrt(A) so that it ends at zero and starts where it did (Lin et al., alg. 1).
   */
  private static float[] rescaledToZeroTerminalSnr(float[] betas) {
    float[] roots = TorchMath.sqrt(cumulativeAlphas(betas));
    int last = roots.length - 1;
    float end = roots[last];
    float scale = roots[0] / (roots[0] - end);
    float[] rescaled = new float[betas.length];
    float previous = 1;
    for (int t = 0; t <= last; t++) {
      float root = (roots[t] - end) * scale;
      float cumulative = root * root;
      rescaled[t] = 1 - cumulative / previous;
      previous = cumulative;
    }
    return rescaled;
  }

  private static float[] cumulativeAlphas(float[] betas) {
    return TorchMath.cumulativeProduct(complement(betas));
  }

  private static float[] complement(float[] values) {
    float[] complement = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      complement[i] = 1 - values[i];
    }
    return complement;
  }

  /** T. */
  public int trainTimesteps() {
    return betas.length;
  }

  /** What the network predicts. */
  public PredictionType predictionType() {
    return predictionType;
  }

  /** Whether the last timestep is pure noise (rescale_betas_zero_snr). */
  public boolean zeroTerminalSnr() {
    return zeroTerminalSnr;
  }

  /** A copy of beta over t. */
  public float[] betas() {
    return betas.clone();
  }

  /** A copy of A_t over t. */
  public float[] alphasCumprod() {
    return alphasCumprod.clone();
  }

  /** A_t. */
  public float alphaCumprod(int t) {
    return alphasCumprod[t];
  }

  /** sqrt(A_t): what x_0 is multiplied with in x_t, and eps in the velocity. */
  public float signalScale(int t) {
    return signalScales[t];
  }

  /** sqrt(1 - A_t): what eps is multiplied with in x_t, and x_0 in the velocity (negated). */
  public float noiseScale(int t) {
    return noiseScales[t];
  }

  /** The signal-to-noise ratio {@code A_t / (1 - A_t)}, computed as diffusers' compute_snr does. */
  public float snr(int t) {
    float ratio = signalScales[t] / noiseScales[t];
    return ratio * ratio;
  }

  /**
   * The min-SNR loss weight at t (Hang et al. 2023): {@code min(snr, gamma) / snr}, plus one for
   * v-prediction. Where the ratio is zero (zero terminal SNR) the quotient is its limit, one.
   */
  public float minSnrWeight(int t, float gamma) {
    return minSnrWeight(t, gamma, predictionType);
  }

  /** The same for a prediction type other than the schedule's own. */
  public float minSnrWeight(int t, float gamma, PredictionType type) {
    float snr = snr(t);
    float weight = snr == 0 ? 1 : Math.min(snr, gamma) / snr;
    return type == PredictionType.V_PREDICTION ? weight + 1 : weight;
  }

  /**
   * {@code x_t} for a batch whose samples each have their own timestep.
   *
   * @param clean x_0 (B, ...), float
   * @param noise eps, same shape
   * @param timesteps B entries in [0, T)
   * @return a new array on {@code clean}'s manager
   */
  public NDArray addNoise(NDArray clean, NDArray noise, int[] timesteps) {
    return mix(clean, pick(signalScales, timesteps, 1), noise, pick(noiseScales, timesteps, 1));
  }

  /** The velocity {@code sqrt(A_t) eps - sqrt(1 - A_t) x_0}, arguments as in {@link #addNoise}. */
  public NDArray velocity(NDArray clean, NDArray noise, int[] timesteps) {
    return mix(noise, pick(signalScales, timesteps, 1), clean, pick(noiseScales, timesteps, -1));
  }

  private static float[] pick(float[] table, int[] timesteps, int sign) {
    float[] picked = new float[timesteps.length];
    for (int i = 0; i < picked.length; i++) {
      picked[i] = sign * table[timesteps[i]];
    }
    return picked;
  }

  private static NDArray mix(
      NDArray first, float[] firstScales, NDArray second, float[] secondScales) {
    Shape shape = first.getShape();
    if (!shape.equals(second.getShape()) || shape.get(0) != firstScales.length) {
      throw new IllegalArgumentException(
          shape + " and " + second.getShape() + " with " + firstScales.length + " timesteps");
    }
    long[] perSample = new long[shape.dimension()]; // (B, 1, ..., 1)
    Arrays.fill(perSample, 1);
    perSample[0] = firstScales.length;
    try (NDManager scope = first.getManager().newSubManager()) {
      DataType type = first.getDataType();
      NDArray a = scope.create(firstScales, new Shape(perSample)).toType(type, false);
      NDArray b = scope.create(secondScales, new Shape(perSample)).toType(type, false);
      NDArray mixed = first.mul(a);
      try (NDArray added = second.mul(b)) {
        mixed.addi(added);
      }
      return mixed;
    }
  }
}
