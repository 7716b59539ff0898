package io.github.tuneqdm.diffusion;

/**
 * An immutable description of a sampling method: its noise tables and settings, without state.
 * Every picture or batch of pictures is one {@link #start run} of it.
 */
public sealed interface Sampler
    permits DdpmSampler, DdimSampler, PndmSampler, DpmSolverSampler, EulerSampler, UniPcSampler {

  /** The noise tables it walks along. */
  NoiseSchedule schedule();

  /**
   * The timesteps of the network calls of {@code steps} steps, as diffusers plans them; a plan that
   * cannot be run is refused by {@link #start} only.
   */
  double[] timesteps(int steps);

  /**
   * Plans a run of {@code steps} steps.
   *
   * @throws io.github.tuneqdm.error.TuneQdmException when the model's timesteps do not allow that
   *     many steps
   */
  SamplerRun start(int steps);
}
