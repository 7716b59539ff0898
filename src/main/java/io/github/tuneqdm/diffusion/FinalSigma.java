package io.github.tuneqdm.diffusion;

/** The noise level a sigma solver ends on. */
public enum FinalSigma {
  ZERO("zero"),
  /** The smallest level of the training schedule. */
  SIGMA_MIN("sigma_min");

  private final String configName;

  FinalSigma(String configName) {
    this.configName = configName;
  }

  /** The word that stands for it in scheduler_config.json. */
  public String configName() {
    return configName;
  }

  float of(SigmaTable table) {
    return this == ZERO ? 0 : table.smallest();
  }
}
