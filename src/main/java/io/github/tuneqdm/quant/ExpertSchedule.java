package io.github.tuneqdm.quant;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.Serializable;

/**
 * Which set of scales a timestep uses: {@code e(t) = clamp(floor(t N / T), 0, N - 1)}, TuneQDM's
 * equal division of the timesteps.
 *
 * @param experts N, the number of sets
 * @param timesteps T, the number of training timesteps
 */
public record ExpertSchedule(int experts, int timesteps) implements Serializable {
  public ExpertSchedule {
    if (experts < 1 || timesteps < 1) {
      throw TuneQdmException.usage(
          "Cannot share %d timesteps among %d experts (tuneqdm.tuning.experts): use at least 1"
              .formatted(timesteps, experts));
    }
  }

  /** The expert of a timestep, 0 to {@code experts - 1}, for any timestep whatever. */
  public int expertOf(long timestep) {
    long t = Math.max(0, Math.min(timestep, timesteps - 1L));
    return (int) (t * experts / timesteps);
  }
}
