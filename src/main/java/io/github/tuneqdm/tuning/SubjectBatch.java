package io.github.tuneqdm.tuning;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.models.Parametrization;
import io.github.tuneqdm.models.ScaleCoordinates;
import io.github.tuneqdm.models.ScaleTable;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.OutOfMemory;
import io.github.tuneqdm.tensor.TokenOps;
import io.github.tuneqdm.tensor.TorchKernels.AdamWStep;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Trains any number of subjects against one base in one forward and backward pass. Samples of all
 * subjects lie in one batch, each with its own subject's scales at its own timestep's expert; no
 * gradient, norm or moment of one subject reaches another.
 *
 * <p>Dimensions: S subjects, N experts, P scales an expert, B samples.
 */
public final class SubjectBatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SubjectBatch.class);

  private final Compute compute;
  private final TunableUNet network;
  private final ScaleCoordinates coordinates;
  private final ScaleTable table;
  private final NDManager owner;
  private final NDArray gradient; // (S, N * P)
  private final NDArray firstMoment;
  private final NDArray secondMoment;
  private final NDArray[] mask;
  private final LossScale lossScale;
  private final GradientPass pass;
  private List<AdamWSettings> adamW;
  private int updates;
  private int together = Integer.MAX_VALUE;

  /**
   * @param start S * N rows of P scales
   * @param trainDeltaIn false keeps delta_in as it is
   */
  public SubjectBatch(
      Compute compute,
      TunableUNet network,
      int subjects,
      int experts,
      float[] start,
      AdamWSettings adamW,
      boolean trainDeltaIn) {
    this(
        compute,
        network,
        subjects,
        experts,
        Parametrization.ABSOLUTE.of(network),
        start,
        adamW,
        trainDeltaIn);
  }

  /**
   * @param start S * N rows of P numbers that stand for scales
   * @param trainDeltaIn false keeps delta_in as it is
   */
  SubjectBatch(
      Compute compute,
      TunableUNet network,
      int subjects,
      int experts,
      ScaleCoordinates coordinates,
      float[] start,
      AdamWSettings adamW,
      boolean trainDeltaIn) {
    this.compute = compute;
    this.network = network;
    this.adamW = Collections.nCopies(subjects, adamW);
    this.coordinates = coordinates;
    this.table = new ScaleTable(compute, network, subjects, experts, coordinates, start);
    this.owner = compute.scope();
    this.firstMoment = table.zerosLike();
    this.secondMoment = table.zerosLike();
    this.lossScale = LossScale.of(compute, owner, subjects, experts);
    this.gradient = table.zerosLike();
    this.mask = mask(trainDeltaIn);
    this.pass = pass();
  }

  /** Goes on from a state of as many subjects of the same network. */
  public SubjectBatch(
      Compute compute,
      TunableUNet network,
      int experts,
      ScaleCoordinates coordinates,
      TrainingState state,
      AdamWSettings adamW,
      boolean trainDeltaIn) {
    int subjects = state.log().size();
    float[] theta = state.scales().toFloats();
    this.compute = compute;
    this.network = network;
    this.adamW = Collections.nCopies(subjects, adamW);
    this.coordinates = coordinates;
    this.table = new ScaleTable(compute, network, subjects, experts, coordinates, theta);
    this.owner = compute.scope();
    this.firstMoment = like(table.theta(), state.firstMoment());
    this.secondMoment = like(table.theta(), state.secondMoment());
    this.lossScale = LossScale.of(compute, owner, subjects, experts, state);
    this.updates = state.step();
    this.gradient = table.zerosLike();
    this.mask = mask(trainDeltaIn);
    this.pass = pass();
  }

  private NDArray like(NDArray shaped, StoredTensor values) {
    return Compute.floats(owner, values.toFloats(), shaped.getShape().getShape());
  }

  private NDArray[] mask(boolean trainDeltaIn) {
    return trainDeltaIn ? new NDArray[0] : new NDArray[] {deltaOutOnly(network.layout())};
  }

  private GradientPass pass() {
    return compute.cuda().isPresent() || network.memoryMode() == MemoryMode.PACKED
        ? GradientPass.tokens(compute, network, table, lossScale, gradient)
        : GradientPass.autograd(compute, network.unet(), table, lossScale, gradient);
  }

  private NDArray deltaOutOnly(ScaleLayout layout) {
    float[] columns = new float[layout.width()];
    for (ScaleLayout.Layer layer : layout.layers()) {
      Arrays.fill(columns, layer.outColumn(), layer.outColumn() + layer.cOut(), 1);
    }
    return Compute.floats(owner, columns, columns.length);
  }

  /** Lets subjects differ in weight decay and clipping. */
  void each(List<AdamWSettings> settings) {
    adamW = List.copyOf(settings);
  }

  /** Lets at most so many samples pass through the network at a time. */
  public void limitTogether(int samples) {
    together = samples;
  }

  /**
   * Adds the gradient of {@code sum_b weights[b] * mse_b} and returns each sample's weighted loss
   * (B,), in the manager of the input.
   *
   * @param input B samples; gradients also reach its sample and context where these ask for them
   * @param target (B, C, H, W) float32
   * @param weights (B,) float32
   * @param rows each sample's {@code subject * N + expert}
   */
  public NDArray accumulate(UNet.Input input, NDArray target, NDArray weights, int[] rows) {
    NDManager scope = input.sample().getManager();
    NDArray rowNumbers = table.rowNumbers(scope, rows);
    List<NDArray> losses = new ArrayList<>();
    for (int done = 0; done < rows.length; ) {
      int count = Math.min(together, rows.length - done);
      try {
        losses.add(part(input, target, weights, rowNumbers, done, count));
        done += count;
      } catch (EngineException e) {
        if (!OutOfMemory.is(e) || count == 1) {
          throw e;
        }
        pass.close();
        compute.emptyCache();
        together = (count + 1) / 2;
        LOG.warn("The GPU's memory is full: training goes on with {} samples at a time", together);
      }
    }
    return GradientPass.concat(losses);
  }

  /**
   * Samples {@code from} to {@code from + count} of a batch; all or nothing reaches the gradient.
   */
  private NDArray part(
      UNet.Input input, NDArray target, NDArray weights, NDArray rows, int from, int count) {
    if (count == rows.size()) {
      return pass.run(input, target, weights, rows);
    }
    TokenOps ops = compute.tokenOps().in(input.sample().getManager());
    return pass.run(
        input.rows(ops, from, count),
        ops.rows(target, from, count),
        ops.rows(weights, from, count),
        ops.rows(rows, from, count));
  }

  /**
   * One optimiser step with the gradient accumulated so far, divided by {@code parts}; then the
   * gradient is zero again. Returns each subject's gradient norm before clipping (S,) in {@code
   * scope}. In half precision a subject whose gradient overflowed takes a step with none.
   */
  public NDArray update(NDManager scope, double learningRate, int parts) {
    double[] all = new double[adamW.size()];
    Arrays.fill(all, learningRate);
    return update(scope, all, parts);
  }

  /** As {@link #update(NDManager, double, int)}, with a learning rate for each subject. */
  NDArray update(NDManager scope, double[] learningRates, int parts) {
    lossScale.removeFrom(gradient);
    if (parts > 1) {
      gradient.divi(parts);
    }
    updates++;
    NDArray norms =
        compute
            .kernels()
            .adamW(gradient, table.theta(), firstMoment, secondMoment, mask, steps(learningRates));
    norms.attach(scope);
    return norms;
  }

  private List<AdamWStep> steps(double[] learningRates) {
    List<AdamWStep> steps = new ArrayList<>();
    for (int s = 0; s < learningRates.length; s++) {
      AdamWSettings own = adamW.get(s);
      steps.add(
          new AdamWStep(
              updates,
              learningRates[s],
              own.beta1(),
              own.beta2(),
              own.epsilon(),
              own.weightDecay(),
              own.maxGradNorm()));
    }
    return steps;
  }

  /**
   * The network's output without recording gradients (B, C, H, W), in the manager of the input.
   *
   * @param rows each sample's {@code subject * N + expert}
   */
  public NDArray predict(UNet.Input input, int[] rows) {
    NDManager scope = input.sample().getManager();
    NDArray rowNumbers = table.rowNumbers(scope, rows);
    return Compute.withGradients(
        false, () -> network.unet().forward(input, table.blocks(scope, rowNumbers)));
  }

  /** The gradient accumulated since the last update, S * N rows of P; in half precision scaled. */
  public float[] gradient() {
    return gradient.toFloatArray();
  }

  /** All scales, S * N rows of P. */
  public float[] scales() {
    return coordinates.scales(table.theta().toFloatArray());
  }

  /**
   * All that is needed to go on from here, in the host's memory.
   *
   * @param log flushed up to the last update
   */
  TrainingState state(StepLog log) {
    return new TrainingState(
        updates,
        stored(table.theta()),
        stored(firstMoment),
        stored(secondMoment),
        lossScale.scales(),
        lossScale.cleanSteps(),
        log.records());
  }

  private static StoredTensor stored(NDArray x) {
    return StoredTensor.over(DType.F32, Compute.copy(x), x.getShape().getShape());
  }

  @Override
  public void close() {
    pass.close();
    owner.close();
    table.close();
  }
}
