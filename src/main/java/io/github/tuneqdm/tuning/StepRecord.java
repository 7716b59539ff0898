package io.github.tuneqdm.tuning;

/**
 * One optimiser step of one subject.
 *
 * @param step from 1
 * @param loss mean over the step's images, weighted as configured
 * @param gradNorm 2-norm over the subject's scales, before clipping
 */
public record StepRecord(int step, double loss, double gradNorm, double learningRate) {

  boolean isFinite() {
    return Double.isFinite(loss) && Double.isFinite(gradNorm);
  }
}
