package io.github.tuneqdm.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.SubjectBatch;
import java.util.Locale;

/**
 * How far a device's results in a precision lie from float32 on the CPU, as {@code ||a - b|| /
 * ||b||}: a UNet's output, and the gradients of two subjects' scales.
 */
public record Parity(String precision, double output, double gradient) {
  private static final int SUBJECTS = 2;
  private static final int TIMESTEPS = 1000;

  /** What is compared. */
  record Results(float[] output, float[] gradient) {

    /** One forward and one backward pass of {@value #SUBJECTS} subjects whose scales differ. */
    static Results of(Compute compute, BenchSettings settings) {
      try (TunableUNet network =
              settings.model().tunableUnet(compute, settings.quantizer(), settings.mode());
          NDManager scope = compute.scope();
          SubjectBatch batch =
              new SubjectBatch(
                  compute,
                  network,
                  SUBJECTS,
                  settings.experts(),
                  scales(network, settings.experts()),
                  AdamWSettings.REFERENCE,
                  true)) {
        Inputs inputs = Inputs.of(compute, scope, settings, SUBJECTS);
        long[] times = {77, 760};
        ExpertSchedule schedule = new ExpertSchedule(settings.experts(), TIMESTEPS);
        int[] rows = new int[SUBJECTS];
        for (int s = 0; s < SUBJECTS; s++) {
          rows[s] = s * settings.experts() + schedule.expertOf(times[s]);
        }
        UNet.Input input = new UNet.Input(inputs.sample(), scope.create(times), inputs.context());
        NDArray out = batch.predict(input, rows);
        float[] output = compute.kernels().castLike(out, inputs.sample()).toFloatArray();
        batch.accumulate(input, inputs.latents("target"), scope.ones(new Shape(SUBJECTS)), rows);
        return new Results(output, batch.gradient());
      }
    }

    private static float[] scales(TunableUNet network, int experts) {
      float[] one = DeltaScales.initial(network, experts).rows();
      float[] all = PhiloxRandom.of(1, "bench/scales", 0).normals(SUBJECTS * one.length);
      for (int i = 0; i < all.length; i++) {
        all[i] = one[i % one.length] * (1 + 0.02f * all[i]);
      }
      return all;
    }

    Parity against(Results exact, String precision) {
      // Half precision keeps gradients multiplied with a power of two: the nearest one it is.
      double factor = dot(gradient, exact.gradient) / dot(exact.gradient, exact.gradient);
      double power = Math.pow(2, Math.rint(Math.log(factor) / Math.log(2)));
      return new Parity(
          precision, error(output, exact.output, 1), error(gradient, exact.gradient, power));
    }

    private static double dot(float[] a, float[] b) {
      double sum = 0;
      for (int i = 0; i < a.length; i++) {
        sum += (double) a[i] * b[i];
      }
      return sum;
    }

    private static double error(float[] actual, float[] exact, double factor) {
      double squares = 0;
      for (int i = 0; i < exact.length; i++) {
        double difference = actual[i] / factor - exact[i];
        squares += difference * difference;
      }
      return Math.sqrt(squares / dot(exact, exact));
    }
  }

  String text() {
    return String.format(
        Locale.ROOT,
        "parity   %s against float32 on the CPU, relative error: output %.2e, gradients of scales %.2e",
        precision,
        output,
        gradient);
  }
}
