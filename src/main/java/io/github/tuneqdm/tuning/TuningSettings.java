package io.github.tuneqdm.tuning;

import io.github.tuneqdm.models.LrWeights;
import io.github.tuneqdm.models.Parametrization;

/**
 * The recipe.
 *
 * @param experts N, scale sets a subject, each for an equal stretch of timesteps
 * @param trainDeltaIn false tunes delta_out alone (PEQA)
 * @param lrWeights shares of the learning rate by UNet block; of scales
 * @param batchSize images a subject and forward pass
 * @param gradientAccumulation forward passes an optimiser step
 * @param snrGamma min-SNR weighting; 0 is off
 * @param noiseOffset strength of the per-channel constant added to the noise; 0 is off
 * @param resolution side of the training square in pixels
 * @param centerCrop false crops photos that are not square at random places
 * @param priorWeight weight of the class images' loss where a subject has such images
 */
public record TuningSettings(
    int experts,
    boolean trainDeltaIn,
    Parametrization parametrization,
    LrWeights lrWeights,
    int steps,
    int batchSize,
    int gradientAccumulation,
    double learningRate,
    LearningRateSchedule schedule,
    int warmupSteps,
    AdamWSettings adamW,
    double snrGamma,
    double noiseOffset,
    int resolution,
    boolean centerCrop,
    double priorWeight,
    long seed) {

  TuningSettings with(SubjectOverrides overrides) {
    return new TuningSettings(
        experts,
        trainDeltaIn,
        parametrization,
        lrWeights,
        steps,
        batchSize,
        gradientAccumulation,
        overrides.learningRate(learningRate),
        schedule,
        warmupSteps,
        adamW.with(overrides),
        snrGamma,
        noiseOffset,
        resolution,
        centerCrop,
        priorWeight,
        overrides.seed(seed));
  }
}
