package io.github.tuneqdm.diffusion;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.Arrays;

/** How sampling steps are spread over the training timesteps (Lin et al. 2023, table 2). */
public enum TimestepSpacing {
  LINSPACE("linspace"),
  LEADING("leading"),
  TRAILING("trailing");

  private final String configName;

  TimestepSpacing(String configName) {
    this.configName = configName;
  }

  /** The word that stands for it in scheduler_config.json. */
  public String configName() {
    return configName;
  }

  /** Descending timesteps of DDPM, DDIM and PNDM: {@code steps} whole numbers. */
  double[] plain(int steps, int trainTimesteps, int offset) {
    return switch (this) {
      case LINSPACE -> reversed(rounded(NumpyMath.linspace(0, trainTimesteps - 1.0, steps)));
      case LEADING -> leading(steps, trainTimesteps / steps, offset, 0);
      case TRAILING -> trailing(steps, trainTimesteps, (double) trainTimesteps / steps);
    };
  }

  /**
   * Descending timesteps of the solvers that end on a noise level of their own: the last of {@code
   * steps + 1} points, the cleanest, is left out. {@code last} bounds the noisiest timestep.
   */
  double[] multistep(int steps, int trainTimesteps, int last, int offset) {
    return switch (this) {
      case LINSPACE -> {
        double[] points = rounded(NumpyMath.linspace(0, last - 1.0, steps + 1));
        double[] kept = new double[steps];
        for (int i = 0; i < steps; i++) {
          kept[i] = points[steps - i];
        }
        yield kept;
      }
      case LEADING -> leading(steps, last / (steps + 1), offset, 1);
      case TRAILING -> trailing(steps, last, (double) trainTimesteps / steps);
    };
  }

  /** Descending float32 timesteps of Euler, where linspace keeps its fractions. */
  double[] continuous(int steps, int trainTimesteps, int offset) {
    if (this != LINSPACE) {
      return plain(steps, trainTimesteps, offset);
    }
    double[] timesteps = reversed(NumpyMath.linspace(0, trainTimesteps - 1.0, steps));
    for (int i = 0; i < steps; i++) {
      timesteps[i] = (float) timesteps[i];
    }
    return timesteps;
  }

  private static double[] leading(int steps, int ratio, int offset, int first) {
    double[] timesteps = new double[steps];
    for (int i = 0; i < steps; i++) {
      timesteps[i] = (double) (steps - 1 - i + first) * ratio + offset;
    }
    return timesteps;
  }

  private static double[] trailing(int steps, int last, double ratio) {
    double[] points = rounded(NumpyMath.arange(last, 0, -ratio));
    // For a few step counts (61 of 1000) rounding lets one point too many in, at timestep -1
    double[] timesteps = Arrays.copyOf(points, Math.min(points.length, steps));
    for (int i = 0; i < timesteps.length; i++) {
      timesteps[i] -= 1;
    }
    return timesteps;
  }

  private static double[] rounded(double[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.rint(values[i]);
    }
    return values;
  }

  static double[] reversed(double[] values) {
    double[] reversed = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      reversed[i] = values[values.length - 1 - i];
    }
    return reversed;
  }

  /** Refuses timesteps that the network has not been trained on or that stand still. */
  static void requireUsable(double[] timesteps, int trainTimesteps) {
    for (int i = 0; i < timesteps.length; i++) {
      boolean known = timesteps[i] >= 0 && timesteps[i] < trainTimesteps;
      boolean moves = i == 0 || timesteps[i] < timesteps[i - 1];
      if (!known || !moves) {
        throw tooMany(timesteps.length, trainTimesteps);
      }
    }
  }

  static TuneQdmException tooMany(int steps, int trainTimesteps) {
    return TuneQdmException.usage(
        "Cannot sample in "
            + steps
            + " steps: they do not fit into the model's "
            + trainTimesteps
            + " timesteps (use fewer steps)");
  }

  /** Refuses a step count that no spacing can serve. */
  static void requireSteps(int steps, int trainTimesteps) {
    if (steps < 1 || steps > trainTimesteps) {
      throw TuneQdmException.usage(
          "Cannot sample in "
              + steps
              + " steps: the model has "
              + trainTimesteps
              + " timesteps (use 1 to "
              + trainTimesteps
              + ")");
    }
  }
}
