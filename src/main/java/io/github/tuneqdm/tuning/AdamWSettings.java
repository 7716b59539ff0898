package io.github.tuneqdm.tuning;

/**
 * AdamW with decoupled weight decay.
 *
 * @param maxGradNorm clips each subject's gradient to this 2-norm; 0 leaves it
 */
public record AdamWSettings(
    double beta1, double beta2, double epsilon, double weightDecay, double maxGradNorm) {

  /** PyTorch's and the reference recipe's: 0.9, 0.999, 1e-8, decay 1e-2, clip 1. */
  public static final AdamWSettings REFERENCE = new AdamWSettings(0.9, 0.999, 1e-8, 1e-2, 1.0);

  AdamWSettings with(SubjectOverrides overrides) {
    return new AdamWSettings(
        beta1,
        beta2,
        epsilon,
        overrides.weightDecay(weightDecay),
        overrides.maxGradNorm(maxGradNorm));
  }
}
