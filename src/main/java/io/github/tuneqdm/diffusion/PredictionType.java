package io.github.tuneqdm.diffusion;

/**
 * What a network's output stands for at a noise level with signal scale a and noise scale s, where
 * {@code x = a x0 + s eps}.
 */
public enum PredictionType {
  /** The noise eps. */
  EPSILON("epsilon"),
  /** The clean sample x0. */
  SAMPLE("sample"),
  /** The velocity {@code a eps - s x0} (Salimans and Ho 2022, appendix D). */
  V_PREDICTION("v_prediction");

  private final String configName;

  PredictionType(String configName) {
    this.configName = configName;
  }

  /** The word that stands for it in scheduler_config.json. */
  public String configName() {
    return configName;
  }
}
