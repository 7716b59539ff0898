package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.util.Arrays;
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
   * The weight with its addition, in the manager of {@code a}; autograd sees how it comes about.
   *
   * @param weight W0 (C_out, C_in) or (C_out, C_in, kH, kW)
   */
  public NDArray merged(NDArray weight, NDArray a, NDArray b) {
    // A number given to NDArray.mul is freed at once, but the way back still needs it.
    NDArray factor = a.getManager().create((float) (alpha / rank));
    NDArray flatA = a.reshape(rank, -1); // (r, C_in kH kW)
    NDArray flatB = b.reshape(-1, rank).mul(factor); // (C_out, r)
    return flatB.matMul(flatA).reshape(weight.getShape()).add(weight);
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
            long[] shapeOfA = shapeOfA(shape);
            long[] shapeOfB = shapeOfB(shape);
            float[] a = values(checkpoint, nameOfA(name), shapeOfA, where);
            float[] b = values(checkpoint, nameOfB(name), shapeOfB, where);
            NDArray whole =
                merged(
                    weight, Compute.floats(scope, a, shapeOfA), Compute.floats(scope, b, shapeOfB));
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
