package io.github.tuneqdm.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.SubjectBatch;

/**
 * Times training steps: forward and backward pass and update of all subjects' scales, from latents
 * and text states that lie on the device. The host waits for the device once a section, as training
 * does once in a few steps. Dimensions: S subjects, B samples, L tokens.
 */
public final class TrainBench implements AutoCloseable {
  private static final int TIMESTEPS = 1000;
  private static final double LEARNING_RATE = 3e-6;

  /**
   * @param sections timed one by one; their median is reported
   * @param stepsPerSection training steps between waits
   * @param warmUp sections before those
   */
  public record Effort(int sections, int stepsPerSection, int warmUp) {}

  private final Compute compute;
  private final RandomModel model;
  private final int bits;
  private final int experts;
  private final long baseline;
  private final long resident;
  private final TunableUNet network;

  /** Loads the network once for all runs. */
  public TrainBench(Compute compute, RandomModel model, int bits, int experts) {
    this.compute = compute;
    this.model = model;
    this.bits = bits;
    this.experts = experts;
    this.baseline = DeviceMemory.baseline(compute);
    this.network = model.tunableUnet(compute, new QuantizerSettings(bits, false));
    DeviceMemory.emptyCache(compute);
    this.resident = DeviceMemory.used(compute.device());
  }

  /** Times S subjects with {@code batch} samples each. */
  public BenchRow run(int subjects, int batch, Effort effort) {
    DeviceMemory.emptyCache(compute);
    try (NDManager inputs = compute.scope();
        SubjectBatch subjectBatch =
            new SubjectBatch(
                compute,
                network,
                subjects,
                experts,
                initialScales(subjects),
                AdamWSettings.REFERENCE,
                true);
        DeviceMemory memory = DeviceMemory.watch(compute.device())) {
      Step step = new Step(inputs, subjectBatch, subjects, batch);
      Runnable section = () -> step.run(effort.stepsPerSection());
      for (int i = 0; i < effort.warmUp(); i++) {
        section.run();
      }
      Timings t = Timings.of(effort.sections(), effort.stepsPerSection(), section::run);
      double perSecond = 1000 / t.median();
      int samples = subjects * batch;
      return new BenchRow(
          "train",
          subjects,
          batch,
          bits,
          compute.precision().toString(),
          t.median(),
          t.min(),
          t.max(),
          samples * perSecond,
          subjects * perSecond,
          resident - baseline,
          memory.peak() - baseline,
          samples * perSecond * model.trainTeraFlop());
    }
  }

  private float[] initialScales(int subjects) {
    float[] one = DeltaScales.initial(network, experts).rows();
    float[] all = new float[subjects * one.length];
    for (int s = 0; s < subjects; s++) {
      System.arraycopy(one, 0, all, s * one.length, one.length);
    }
    return all;
  }

  /** A training step on fixed inputs. */
  private final class Step {
    private final SubjectBatch batch;
    private final NDArray sample; // (B, C, H, W)
    private final NDArray target; // (B, C, H, W)
    private final NDArray context; // (B, L, D)
    private final NDArray weights; // (B,)
    private final NDArray timesteps; // (B,)
    private final int[] rows;

    Step(NDManager owner, SubjectBatch batch, int subjects, int perSubject) {
      this.batch = batch;
      int b = subjects * perSubject;
      UNet unet = network.unet();
      long channels = unet.config().inChannels();
      long side = model.latentSide();
      int features = unet.config().crossAttentionDims().get(0);
      sample = noise(owner, "sample", b, channels, side, side);
      target = noise(owner, "target", b, channels, side, side);
      NDArray text = noise(owner, "text", b, model.textLength(), features);
      context = compute.kernels().castLike(text, compute.empty());
      weights = owner.ones(new Shape(b)).div(perSubject);
      ExpertSchedule schedule = new ExpertSchedule(experts, TIMESTEPS);
      long[] times = new long[b];
      rows = new int[b];
      for (int i = 0; i < b; i++) {
        times[i] = (i * 389L + 77) % TIMESTEPS;
        rows[i] = i / perSubject * experts + schedule.expertOf(times[i]);
      }
      timesteps = owner.create(times);
    }

    void run(int steps) {
      float[] norms = {};
      for (int i = 0; i < steps; i++) {
        try (NDManager scope = compute.scope()) {
          NDArray own = sample.duplicate();
          own.attach(scope);
          batch.accumulate(new UNet.Input(own, timesteps, context), target, weights, rows);
          NDArray each = batch.update(scope, LEARNING_RATE, 1);
          if (i == steps - 1) {
            norms = each.toFloatArray(); // waits for the device
          }
        }
      }
      for (float norm : norms) {
        if (!(norm > 0) || Float.isInfinite(norm)) {
          throw new IllegalStateException("a gradient norm of " + norm + " measures no training");
        }
      }
    }
  }

  private static NDArray noise(NDManager owner, String name, long... shape) {
    int count = 1;
    for (long extent : shape) {
      count *= (int) extent;
    }
    return Compute.floats(owner, PhiloxRandom.of(1, "bench/" + name, 0).normals(count), shape);
  }

  @Override
  public void close() {
    network.close();
    DeviceMemory.emptyCache(compute);
  }
}
