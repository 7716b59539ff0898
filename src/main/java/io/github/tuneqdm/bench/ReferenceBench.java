package io.github.tuneqdm.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tuneqdm.models.LowRank;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.ReplacedWeights;
import io.github.tuneqdm.nn.TorchBlocks;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.TorchKernels.AdamWStep;
import io.github.tuneqdm.tuning.AdamWSettings;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * Times the arithmetic of the official layers, to compare with in the same run: one subject, one
 * expert a step, every weight made anew in every pass as {@code W0 * r * d}, gradients of whole
 * weights on the way back, all threads on each operation. Reading integers and subtracting zero
 * points, two passes over the weights, are left out. Dimensions: B samples, K scales.
 */
final class ReferenceBench implements AutoCloseable {
  private static final double LEARNING_RATE = 3e-6;

  private final LoadedBase base;
  private final Compute compute;
  private final UNet unet;
  private final List<NDArray> layers; // W0 (C_out, C_in, ...)
  private final long[] ends; // of each layer's r (C_out,) and d (C_in,) in theta

  ReferenceBench(LoadedBase base) {
    this.base = base;
    this.compute = base.compute();
    BenchModel model = base.settings().model();
    try (TensorSource weights = model.unetTensors(compute)) {
      this.unet = Models.unet(compute, model.unet(), weights, model.name());
    }
    this.layers = List.copyOf(LowRank.targets(unet).values());
    this.ends =
        layers.stream()
            .flatMapToLong(layer -> Arrays.stream(layer.getShape().getShape(), 0, 2))
            .toArray();
    Arrays.parallelPrefix(ends, Long::sum);
  }

  /** Times one subject with as many samples as {@code subjects} of {@code perSubject} have. */
  BenchRow run(int subjects, int perSubject) {
    compute.emptyCache();
    BenchSettings.Effort effort = base.settings().effort();
    int samples = subjects * perSubject;
    try (NDManager owner = compute.scope();
        DeviceMemory memory = DeviceMemory.watch(compute.device())) {
      Step step = new Step(owner, samples);
      Timings.Work section = () -> step.run(effort.stepsPerSection);
      for (int i = 0; i < effort.warmUp; i++) {
        section.run();
      }
      Timings time = Timings.of(effort.sections, effort.stepsPerSection, section);
      double flop =
          base.settings().model().unetWorkload(compute, base.settings().size()).training();
      return base.row(
          "reference",
          1,
          samples,
          time,
          base.memory(memory),
          time.perSecond(samples * flop) / 1e12,
          Map.of("samples", time.perSecond(samples)));
    }
  }

  private final class Step {
    private final Inputs inputs;
    private final NDArray target; // (B, C, H, W)
    private final NDArray weights; // (B,)
    private final NDArray timesteps; // (B,)
    private final NDArray theta; // (1, K)
    private final NDArray firstMoment;
    private final NDArray secondMoment;
    private int updates;

    Step(NDManager owner, int samples) {
      inputs = Inputs.of(compute, owner, base.settings(), samples);
      target = inputs.latents("target");
      weights = owner.ones(new Shape(samples)).div(samples);
      timesteps = owner.create(inputs.timesteps());
      theta = owner.ones(new Shape(1, ends[ends.length - 1]));
      firstMoment = theta.zerosLike();
      secondMoment = theta.zerosLike();
    }

    void run(int steps) {
      float norm = 0;
      for (int i = 0; i < steps; i++) {
        try (NDManager scope = compute.scope()) {
          NDArray each = update(Compute.withGradients(true, () -> gradient(scope)));
          norm = i == steps - 1 ? each.toFloatArray()[0] : norm; // waits for the device
        }
      }
      if (!(norm > 0) || Float.isInfinite(norm)) {
        throw new IllegalStateException("a gradient norm of " + norm + " measures no training");
      }
    }

    private NDArray gradient(NDManager scope) {
      NDArray leaf = theta.stopGradient(); // theta's numbers with a gradient of their own
      leaf.attach(scope);
      leaf.setRequiresGradient(true);
      NDArray sample = inputs.sample().duplicate();
      sample.attach(scope);
      try (ReplacedWeights made = new ReplacedWeights(made(leaf))) {
        NDArray out =
            unet.forward(
                new UNet.Input(sample, timesteps, inputs.context()),
                new TorchBlocks(compute, made));
        NDArray losses = compute.kernels().weightedErrors(out, target, weights);
        JniUtils.backward(
            (PtNDArray) losses, (PtNDArray) scope.ones(losses.getShape()), false, false);
      }
      return leaf.getGradient();
    }

    /** Each layer's weight of this pass by the frozen one. */
    private Map<NDArray, NDArray> made(NDArray leaf) {
      NDList pieces = leaf.split(Arrays.copyOf(ends, ends.length - 1), 1);
      Map<NDArray, NDArray> made = new IdentityHashMap<>();
      for (int i = 0; i < layers.size(); i++) {
        NDArray frozen = layers.get(i);
        NDArray r = along(pieces.get(2 * i), frozen, 0); // (C_out, 1, ...)
        NDArray d = along(pieces.get(2 * i + 1), frozen, 1); // (1, C_in, ...)
        made.put(frozen, compute.kernels().castLike(r.mul(frozen).mul(d), frozen));
      }
      return made;
    }

    private NDArray along(NDArray piece, NDArray frozen, int axis) {
      long[] shape = new long[frozen.getShape().dimension()];
      Arrays.fill(shape, 1);
      shape[axis] = -1;
      return piece.reshape(shape);
    }

    private NDArray update(NDArray gradient) {
      AdamWSettings adamW = AdamWSettings.REFERENCE;
      AdamWStep step =
          new AdamWStep(
              ++updates,
              LEARNING_RATE,
              adamW.beta1(),
              adamW.beta2(),
              adamW.epsilon(),
              adamW.weightDecay(),
              adamW.maxGradNorm());
      return compute
          .kernels()
          .adamW(gradient, theta, firstMoment, secondMoment, new NDArray[0], List.of(step));
    }
  }

  @Override
  public void close() {
    unet.close();
  }
}
