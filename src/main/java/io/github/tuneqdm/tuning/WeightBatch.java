package io.github.tuneqdm.tuning;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.ReplacedWeights;
import io.github.tuneqdm.nn.TorchBlocks;
import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.OutOfMemory;
import io.github.tuneqdm.tensor.TokenOps;
import io.github.tuneqdm.tensor.TorchKernels.AdamWStep;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Trains the weights of one subject: what {@link SubjectBatch} is for scales. In float32; five
 * times what is trained is held at a time: theta, two moments, and the gradient in pieces and as a
 * whole; six times where gradients are accumulated.
 */
final class WeightBatch implements AutoCloseable {
  private final Compute compute;
  private final TrainableWeights trained;
  private final AdamWSettings adamW;
  private final NDManager owner;
  private final NDArray theta; // (1, K)
  private final NDArray firstMoment;
  private final NDArray secondMoment;
  private NDArray gradient; // (1, K), or null: nothing accumulated
  private int updates;

  /** From the start; {@code trained} stays its owner's. */
  WeightBatch(Compute compute, TrainableWeights trained, AdamWSettings adamW) {
    this.compute = compute;
    this.trained = trained;
    this.adamW = adamW;
    this.owner = compute.scope();
    this.theta = trained.start(owner);
    this.firstMoment = theta.zerosLike();
    this.secondMoment = theta.zerosLike();
  }

  /** Goes on from a state of the same weights. */
  WeightBatch(Compute compute, TrainableWeights trained, AdamWSettings adamW, TrainingState state) {
    this.compute = compute;
    this.trained = trained;
    this.adamW = adamW;
    this.owner = compute.scope();
    this.theta = row(state.scales());
    this.firstMoment = row(state.firstMoment());
    this.secondMoment = row(state.secondMoment());
    this.updates = state.step();
  }

  private NDArray row(StoredTensor values) {
    return Compute.floats(owner, values.toFloats(), values.shape());
  }

  /**
   * What some samples leave; all but the losses belongs to {@code scope}.
   *
   * @param gradient (1, K)
   */
  private record Part(NDManager scope, NDArray gradient, NDArray losses) {}

  /**
   * Adds the gradient of {@code sum_b weights[b] * mse_b} and returns each sample's weighted loss
   * (B,), in the manager of the input.
   *
   * @param target (B, C, H, W)
   * @param weights (B,)
   */
  NDArray accumulate(UNet.Input input, NDArray target, NDArray weights) {
    List<Part> parts;
    try {
      parts =
          compute.divide(
              Math.toIntExact(weights.size()),
              (from, count) ->
                  Compute.withGradients(true, () -> backward(input, target, weights, from, count)));
    } catch (EngineException e) {
      if (OutOfMemory.is(e)) {
        throw TuneQdmException.environment(
            "Cannot train weights on %s: its memory is full (halve tuneqdm.tuning.batch-size, or take a tuneqdm.tuning.method that trains less)"
                .formatted(compute.device()),
            e);
      }
      throw e;
    }
    for (Part part : parts) {
      if (gradient == null) {
        gradient = part.gradient;
        gradient.attach(owner);
      } else {
        gradient.addi(part.gradient);
      }
      part.scope.close();
    }
    return parts.size() == 1
        ? parts.get(0).losses
        : NDArrays.concat(new NDList(parts.stream().map(Part::losses).toArray(NDArray[]::new)));
  }

  private Part backward(UNet.Input input, NDArray target, NDArray weights, int from, int count) {
    NDManager scope = compute.scope();
    TokenOps ops = compute.tokenOps().in(scope);
    NDArray leaf = theta.stopGradient(); // theta's numbers with a gradient of their own
    leaf.attach(scope);
    leaf.setRequiresGradient(true);
    try (ReplacedWeights replaced = new ReplacedWeights(trained.replacements(leaf))) {
      NDArray out =
          trained.unet().forward(input.rows(ops, from, count), new TorchBlocks(compute, replaced));
      NDArray losses =
          compute
              .kernels()
              .weightedErrors(out, ops.rows(target, from, count), ops.rows(weights, from, count));
      NDArray ones = scope.ones(losses.getShape());
      JniUtils.backward((PtNDArray) losses, (PtNDArray) ones, false, false);
      NDArray ended = losses.stopGradient();
      ended.attach(input.sample().getManager());
      return new Part(scope, leaf.getGradient(), ended);
    }
  }

  /**
   * One optimiser step with the gradient accumulated so far, divided by {@code parts}. Returns its
   * norm before clipping (1,) in {@code scope}.
   */
  NDArray update(NDManager scope, double learningRate, int parts) {
    if (parts > 1) {
      gradient.divi(parts);
    }
    updates++;
    AdamWStep step =
        new AdamWStep(
            updates,
            learningRate,
            adamW.beta1(),
            adamW.beta2(),
            adamW.epsilon(),
            adamW.weightDecay(),
            adamW.maxGradNorm());
    NDArray norm =
        compute
            .kernels()
            .adamW(gradient, theta, firstMoment, secondMoment, new NDArray[0], List.of(step));
    norm.attach(scope);
    gradient.close();
    gradient = null;
    return norm;
  }

  /** The gradient accumulated since the last update, K numbers. */
  float[] gradient() {
    return gradient.toFloatArray();
  }

  /** What is trained, by its names in a checkpoint, in the host's memory. */
  Map<String, StoredTensor> tensors() {
    try (NDManager scope = compute.scope()) {
      NDArray view = theta.stopGradient();
      view.attach(scope);
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      trained.pieces(view).forEach((name, piece) -> tensors.put(name, stored(piece)));
      return tensors;
    }
  }

  /** Whether {@link #state} can hold what is trained: a tensor of the host has at most 2 GiB. */
  boolean hasStates() {
    return theta.size() <= Integer.MAX_VALUE / Float.BYTES;
  }

  /**
   * All that is needed to go on from here, in the host's memory.
   *
   * @param log flushed up to the last update
   */
  TrainingState state(StepLog log) {
    return new TrainingState(
        updates,
        stored(theta),
        stored(firstMoment),
        stored(secondMoment),
        new float[0],
        new float[0],
        log.records());
  }

  private static StoredTensor stored(NDArray x) {
    return StoredTensor.over(DType.F32, Compute.copy(x), x.getShape().getShape());
  }

  @Override
  public void close() {
    owner.close();
  }
}
