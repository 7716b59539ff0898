package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.diffusion.DdimSampler;
import io.github.tuneqdm.diffusion.Sampler;
import io.github.tuneqdm.diffusion.SamplerRun;
import io.github.tuneqdm.diffusion.Samplers;
import io.github.tuneqdm.tensor.Compute;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Every stored scheduler, walked with the network {@code eps(x, t) = 0.1 x + sin t}: timesteps and
 * noise levels equal, trajectories in float64 and float32.
 */
final class SamplerCheck {
  /** Of the largest value of a trajectory. */
  private static final double TOLERANCE = 1e-5;

  private static final Pattern RUN = Pattern.compile("(\\w+)\\.(\\d+)\\.timesteps");
  private static final Pattern PLAN = Pattern.compile("timesteps\\.(\\w+)\\.(\\d+)");
  private static final Pattern ETA = Pattern.compile("\\w+_eta(\\d+)");

  private final Compute compute;
  private final GoldenFolder folder;

  SamplerCheck(Compute compute, GoldenFolder folder) {
    this.compute = compute;
    this.folder = folder;
  }

  void check(GoldenFile g) {
    for (String name : g.names()) {
      Matcher plan = PLAN.matcher(name);
      if (plan.matches()) {
        double[] timesteps = sampler(plan.group(1)).timesteps(Integer.parseInt(plan.group(2)));
        g.within(name, timesteps, g.doubles(name), 0);
      }
      Matcher run = RUN.matcher(name);
      if (run.matches()) {
        run(g, sampler(run.group(1)), run.group(1) + ".", Integer.parseInt(run.group(2)));
      }
    }
  }

  /** The share of fresh noise is a setting of the call, not of the configuration. */
  private Sampler sampler(String name) {
    Sampler sampler =
        Samplers.fromConfig(
            folder.read("schedulers/" + name + "/scheduler_config.json", Samplers::readConfig));
    Matcher eta = ETA.matcher(name);
    return eta.matches() && sampler instanceof DdimSampler ddim
        ? ddim.withEta(Double.parseDouble(eta.group(1)))
        : sampler;
  }

  private void run(GoldenFile g, Sampler sampler, String name, int steps) {
    String run = name + steps + ".";
    for (DataType type : new DataType[] {DataType.FLOAT64, DataType.FLOAT32}) {
      String stored = run + (type == DataType.FLOAT64 ? "traj_f64" : "traj_f32");
      if (g.has(stored)) {
        double[] expected = g.doubles(stored);
        double largest = Arrays.stream(expected).map(Math::abs).reduce(0, Math::max);
        try (SamplerRun walk = sampler.start(steps)) {
          g.within(stored, walk(g, walk, type), expected, TOLERANCE * largest);
        }
      }
    }
    try (SamplerRun walk = sampler.start(steps)) {
      // Fractional timesteps and the first sigma come from roots; whole ones stay whole.
      double last = NoiseTableCheck.ROOTS * sampler.schedule().trainTimesteps();
      g.within(run + "timesteps", walk.timesteps(), g.doubles(run + "timesteps"), last);
      String initial = run + "init_noise_sigma";
      double sigma = g.setting(initial).asDouble();
      g.within(initial, walk.initNoiseSigma(), sigma, NoiseTableCheck.ROOTS * sigma);
      if (g.has(run + "sigmas")) {
        g.equalUpToRoots(run + "sigmas", walk.sigmas(), NoiseTableCheck.ROOTS);
      }
    }
  }

  /** The sample before the first step and after each. */
  private double[] walk(GoldenFile g, SamplerRun run, DataType type) {
    double[] timesteps = run.timesteps();
    float[] stepNoise = g.floats("step_noise");
    try (NDManager scope = compute.scope()) {
      NDArray x = g.array(scope, "x0").toType(type, false).mul(scope.create(run.initNoiseSigma()));
      Shape shape = x.getShape();
      int size = (int) shape.size();
      double[] path = new double[(timesteps.length + 1) * size];
      int draws = 0;
      for (int i = 0; i <= timesteps.length; i++) {
        double[] values = x.toType(DataType.FLOAT64, false).toDoubleArray();
        System.arraycopy(values, 0, path, i * size, size);
        if (i < timesteps.length) {
          NDArray noise = null;
          if (run.needsNoise(i)) {
            float[] draw = Arrays.copyOfRange(stepNoise, draws * size, (draws + 1) * size);
            noise = scope.create(draw, shape).toType(type, false);
            draws++;
          }
          NDArray output =
              run.scaleModelInput(x, i)
                  .mul(scope.create(0.1))
                  .add(scope.create(Math.sin(timesteps[i])));
          x = run.step(output, i, x, noise);
        }
      }
      return path;
    }
  }
}
