package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Low-rank additions to a UNet's Linear and Conv2d layers (Hu et al. 2021; PEFT's {@code
 * lora.Linear} and {@code lora.Conv2d}), with the names that PEFT and diffusers give them:
 *
 * <pre>
 * W = W0 + (alpha / r) reshape(B A)        A (r, C_in kH kW), B (C_out, r)
 * </pre>
 *
 * @param rank r
 */
public record LowRank(int rank, double alpha) {
  private static final String PREFIX = "unet.";
  private static final String WEIGHT = ".weight";
  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";

  /** The weights of {@code unet} that are added to, by name: all of two dimensions or more. */
  public static Map<String, NDArray> targets(UNet unet) {
    Map<String, NDArray> targets = new TreeMap<>();
    unet.parameters()
        .forEach(
            (name, tensor) -> {
              if (name.endsWith(WEIGHT) && tensor.getShape().dimension() >= 2) {
                targets.put(name, tensor);
              }
            });
    return targets;
  }

  /** What A of the layer with this weight is called. */
  public static String nameOfA(String weight) {
    return PREFIX + module(weight) + A;
  }

  /** What B of the layer with this weight is called. */
  public static String nameOfB(String weight) {
    return PREFIX + module(weight) + B;
  }

  private static String module(String weight) {
    return weight.substring(0, weight.length() - WEIGHT.length());
  }

  /** (r, C_in) or (r, C_in, kH, kW). */
  public long[] shapeOfA(long[] weight) {
    long[] shape = weight.clone();
    shape[0] = rank;
    return shape;
  }

  /** (C_out, r) or (C_out, r, 1, 1). */
  public long[] shapeOfB(long[] weight) {
    long[] shape = new long[weight.length];
    Arrays.fill(shape, 1);
    shape[0] = weight[0];
    shape[1] = rank;
    return shape;
  }

  /**
   * Each weight with its addition, in the manager of {@code theta}; autograd sees how they come
   * about.
   *
   * @param theta (1, K): A and B of each weight, one after the other
   * @param weights W0 (C_out, C_in) or (C_out, C_in, kH, kW)
   */
  public List<NDArray> merged(Compute compute, NDArray theta, List<NDArray> weights) {
    return compute.kernels().addLowRank(theta, weights, rank, alpha / rank);
  }

  /**
   * Adds a checkpoint to the weights of {@code unet}, in place. It must hold exactly the layers of
   * this network.
   *
   * @param where names the checkpoint in messages
   */
  public void mergeInto(UNet unet, Compute compute, TensorSource checkpoint, String where) {
    Map<String, NDArray> targets = targets(unet);
    if (checkpoint.names().size() != 2 * targets.size()) {
      throw TuneQdmException.inputData(
          "Cannot use the checkpoint %s: it holds %d tensors where this base has %d (it was tuned on another base)"
              .formatted(where, checkpoint.names().size(), 2 * targets.size()));
    }
    targets.forEach(
        (name, weight) -> {
          try (var scope = compute.scope()) {
            long[] shape = weight.getShape().getShape();
            float[] a = values(checkpoint, nameOfA(name), shapeOfA(shape), where);
            float[] b = values(checkpoint, nameOfB(name), shapeOfB(shape), where);
            float[] both = Arrays.copyOf(a, a.length + b.length);
            System.arraycopy(b, 0, both, a.length, b.length);
            NDArray theta = Compute.floats(scope, both, 1, both.length);
            NDArray whole = merged(compute, theta, List.of(weight)).get(0);
            weight.muli(0).addi(whole);
          }
        });
  }

  private static float[] values(TensorSource checkpoint, String name, long[] shape, String where) {
    if (!checkpoint.names().contains(name)) {
      throw TuneQdmException.inputData(
          "Cannot use the checkpoint " + where + ": tensor " + name + " is missing");
    }
    StoredTensor tensor = checkpoint.tensor(name);
    if (!Arrays.equals(tensor.shape(), shape)) {
      throw TuneQdmException.inputData(
          "Cannot use the checkpoint %s: tensor %s has shape %s where this base and rank imply %s"
              .formatted(where, name, Arrays.toString(tensor.shape()), Arrays.toString(shape)));
    }
    return tensor.toFloats();
  }
}
