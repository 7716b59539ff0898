package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.nn.TorchBlocks;
import io.github.tuneqdm.nn.UNetBlocks;
import io.github.tuneqdm.nn.tokens.TokenBlocks;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.ScaleRows;
import io.github.tuneqdm.tensor.TorchKernels;
import java.util.List;

/**
 * The scales of S subjects with N experts each, on the device: S * N rows of P columns. A sample
 * picks the row {@code subject * N + expert}.
 */
public final class ScaleTable implements AutoCloseable {
  private final NDManager owner;
  private final Compute compute;
  private final TorchKernels kernels;
  private final ScaleLayout layout;
  private final MemoryMode mode;
  private final int subjects;
  private final int experts;
  private final NDArray theta;
  private final NDArray unit;
  private final float origin;

  /**
   * @param values S * N rows of P scales each, row-major
   */
  public ScaleTable(Compute compute, TunableUNet unet, int subjects, int experts, float[] values) {
    this(compute, unet, subjects, experts, Parametrization.ABSOLUTE.of(unet), values);
  }

  /**
   * @param values S * N rows of P numbers that stand for scales
   */
  public ScaleTable(
      Compute compute,
      TunableUNet unet,
      int subjects,
      int experts,
      ScaleCoordinates coordinates,
      float[] values) {
    this.owner = compute.scope();
    this.compute = compute;
    this.kernels = compute.kernels();
    this.layout = unet.layout();
    this.mode = unet.memoryMode();
    this.subjects = subjects;
    this.experts = experts;
    this.unit = Compute.floats(owner, coordinates.unit(), layout.width());
    this.origin = coordinates.origin();
    this.theta = Compute.floats(owner, values, subjects, (long) experts * layout.width());
  }

  /** (S, N * P) float32; training changes it in place. */
  public NDArray theta() {
    return theta;
  }

  public int subjects() {
    return subjects;
  }

  public int experts() {
    return experts;
  }

  /** A zero tensor shaped like {@link #theta}, owned by this table. */
  public NDArray zerosLike() {
    return owner.zeros(theta.getShape());
  }

  /** Uploads row numbers (B,) into {@code scope}. */
  public NDArray rowNumbers(NDManager scope, int[] rows) {
    long[] numbers = new long[rows.length];
    for (int i = 0; i < rows.length; i++) {
      numbers[i] = rows[i];
    }
    return scope.create(numbers, new Shape(rows.length));
  }

  /**
   * The samples' scales (B, P) float32: ratios of delta_out, then delta_in, block by block.
   *
   * @param rows (B,) from {@link #rowNumbers}; the result belongs to its manager
   */
  public NDArray wholeRows(NDArray rows) {
    return kernels.gatherScales(rows, theta, unit, origin);
  }

  /** Adds gradients of {@link #wholeRows} to total (S, N * P). */
  public void collectGradients(NDArray gradients, NDArray rows, NDArray total) {
    try (NDArray ofTheta = kernels.joinGradients(List.of(gradients), unit)) {
      addGradients(ofTheta, rows, total);
    }
  }

  /**
   * The blocks of a pass without gradients.
   *
   * @param scope owns the pass's activations
   * @param rows (B,) from {@link #rowNumbers}
   */
  public UNetBlocks blocks(NDManager scope, NDArray rows) {
    return compute.cuda().isPresent() || mode == MemoryMode.PACKED
        ? new TokenBlocks(compute, scope, wholeRows(rows), null, false)
        : new TorchBlocks(compute, rows(rows));
  }

  /**
   * The samples' scales, cut by block.
   *
   * @param rows (B,) from {@link #rowNumbers}; the result belongs to its manager
   */
  public ScaleRows rows(NDArray rows) {
    NDArray exact = wholeRows(rows); // (B, P)
    NDArray all = kernels.castLike(exact, compute.empty());
    ScaleRows cut = new ScaleRows(kernels.splitColumns(all, layout.blockSizes()));
    exact.close();
    all.close();
    return cut;
  }

  /** As {@link #rows}, ready to receive gradients. */
  public ScaleRows trainableRows(NDArray rows) {
    ScaleRows cut = rows(rows);
    cut.pieces().forEach(p -> p.setRequiresGradient(true));
    return cut;
  }

  /**
   * The gradients of the table's rows (B, P) that a backward pass left at {@code trained}, in its
   * manager.
   */
  public NDArray gradients(ScaleRows trained) {
    List<NDArray> pieces = trained.pieces().stream().map(NDArray::getGradient).toList();
    NDArray joined = kernels.joinGradients(pieces, unit);
    pieces.forEach(NDArray::close);
    return joined;
  }

  /** Adds gradients of the rows numbered {@code rows}, from {@link #gradients}, to total. */
  public void addGradients(NDArray gradients, NDArray rows, NDArray total) {
    kernels.addGradients(gradients, rows, total);
  }

  @Override
  public void close() {
    owner.close();
  }
}
