package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.models.LowRank;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * What of a UNet is trained as weights, and how the network's weights follow from it. All that is
 * trained lies in one row theta (1, K): one optimiser step and one gradient norm take it as a
 * whole.
 */
abstract sealed class TrainableWeights implements AutoCloseable {

  /**
   * A piece of theta.
   *
   * @param name in a checkpoint
   */
  record Leaf(String name, long[] shape) {
    long size() {
      return new Shape(shape).size();
    }
  }

  final Compute compute;
  final UNet unet;
  final List<Leaf> leaves;

  private TrainableWeights(Compute compute, UNet unet, List<Leaf> leaves) {
    this.compute = compute;
    this.unet = unet;
    this.leaves = List.copyOf(leaves);
  }

  /** Every weight, bias and norm (DreamBooth, Ruiz et al. 2023). */
  static TrainableWeights full(Compute compute, ModelConfig config, Supplier<UNet> base) {
    return new Full(compute, Models.unetWithoutWeights(compute, config), base);
  }

  /** Low-rank additions; takes {@code base} over. */
  static TrainableWeights lowRank(Compute compute, LowRank lowRank, UNet base, long seed) {
    return new Additions(compute, base, lowRank, seed);
  }

  /** The network; its own tensors are those that {@link #replacements} leaves. */
  final UNet unet() {
    return unet;
  }

  /** K. */
  final long size() {
    return leaves.stream().mapToLong(Leaf::size).sum();
  }

  /** Theta (1, K) as training begins, in {@code owner}. */
  abstract NDArray start(NDManager owner);

  /**
   * The tensors that stand in for the network's own, by those, as functions of theta.
   *
   * @param theta (1, K); autograd sees the way back to it
   */
  abstract Map<NDArray, NDArray> replacements(NDArray theta);

  /** Theta's pieces in the order of {@link #leaves}, as views. */
  final Map<String, NDArray> pieces(NDArray theta) {
    long[] ends = new long[leaves.size() - 1];
    long end = 0;
    for (int i = 0; i < ends.length; i++) {
      end += leaves.get(i).size();
      ends[i] = end;
    }
    NDList cut = ends.length == 0 ? new NDList(theta) : theta.split(ends, 1);
    Map<String, NDArray> pieces = new TreeMap<>();
    for (int i = 0; i < cut.size(); i++) {
      pieces.put(leaves.get(i).name(), cut.get(i).reshape(leaves.get(i).shape()));
    }
    return pieces;
  }

  /** One row of tensors one after the other (1, K), in {@code owner}. */
  private static NDArray row(NDManager owner, List<NDArray> tensors) {
    try (NDManager scope = owner.newSubManager()) {
      NDList flat = new NDList();
      for (NDArray tensor : tensors) {
        NDArray own = tensor.reshape(1, -1);
        own.attach(scope);
        flat.add(own);
      }
      NDArray row = NDArrays.concat(flat, 1);
      row.attach(owner);
      return row;
    }
  }

  @Override
  public void close() {
    unet.close();
  }

  private static final class Full extends TrainableWeights {
    private final Supplier<UNet> base;

    Full(Compute compute, UNet unet, Supplier<UNet> base) {
      super(compute, unet, leaves(unet));
      this.base = base;
    }

    private static List<Leaf> leaves(UNet unet) {
      List<Leaf> leaves = new ArrayList<>();
      new TreeMap<>(unet.shapes()).forEach((name, shape) -> leaves.add(new Leaf(name, shape)));
      return leaves;
    }

    @Override
    NDArray start(NDManager owner) {
      try (UNet whole = base.get()) {
        Map<String, NDArray> parameters = whole.parameters();
        return row(owner, leaves.stream().map(leaf -> parameters.get(leaf.name())).toList());
      }
    }

    @Override
    Map<NDArray, NDArray> replacements(NDArray theta) {
      Map<String, NDArray> own = unet.parameters();
      Map<NDArray, NDArray> replacements = new IdentityHashMap<>();
      pieces(theta).forEach((name, piece) -> replacements.put(own.get(name), piece));
      return replacements;
    }
  }

  private static final class Additions extends TrainableWeights {
    private final LowRank lowRank;
    private final long seed;

    Additions(Compute compute, UNet unet, LowRank lowRank, long seed) {
      super(compute, unet, leaves(unet, lowRank));
      this.lowRank = lowRank;
      this.seed = seed;
    }

    private static List<Leaf> leaves(UNet unet, LowRank lowRank) {
      List<Leaf> leaves = new ArrayList<>();
      LowRank.targets(unet)
          .forEach(
              (name, weight) -> {
                long[] shape = weight.getShape().getShape();
                leaves.add(new Leaf(LowRank.nameOfA(name), lowRank.shapeOfA(shape)));
                leaves.add(new Leaf(LowRank.nameOfB(name), lowRank.shapeOfB(shape)));
              });
      return leaves;
    }

    /** As PEFT: B zero, A uniform within 1 / sqrt(C_in kH kW), Kaiming's bound for a = sqrt(5). */
    @Override
    NDArray start(NDManager owner) {
      float[] theta = new float[Math.toIntExact(size())];
      int at = 0;
      for (int i = 0; i < leaves.size(); i += 2) { // A, then B
        Leaf a = leaves.get(i);
        int length = Math.toIntExact(a.size());
        double bound = 1 / Math.sqrt((double) length / lowRank.rank());
        PhiloxRandom.Draws draws = PhiloxRandom.of(seed, a.name(), 0).draws();
        for (int k = 0; k < length; k++) {
          theta[at + k] = (float) (bound * (2.0 * draws.uniform() - 1));
        }
        at += length + Math.toIntExact(leaves.get(i + 1).size());
      }
      return Compute.floats(owner, theta, 1, theta.length);
    }

    @Override
    Map<NDArray, NDArray> replacements(NDArray theta) {
      List<NDArray> weights = List.copyOf(LowRank.targets(unet).values());
      List<NDArray> merged = lowRank.merged(compute, theta, weights);
      Map<NDArray, NDArray> replacements = new IdentityHashMap<>();
      for (int i = 0; i < weights.size(); i++) {
        replacements.put(weights.get(i), merged.get(i));
      }
      return replacements;
    }
  }
}
