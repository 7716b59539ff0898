package io.github.tuneqdm.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Zeros beside a head's features change neither attention nor its gradients. */
class NarrowHeadsTest {
  private static final int BATCH = 2;
  private static final int HEADS = 3;

  @ParameterizedTest
  @CsvSource({"128, 128, 8", "256, 77, 8", "100, 100, 5"})
  void zerosChangeNothing(int queries, int keys, int features) {
    List<float[]> plain = attend(queries, keys, features, 1);
    List<float[]> padded = attend(queries, keys, features, 16);

    for (int i = 0; i < plain.size(); i++) {
      assertThat(padded.get(i)).containsExactly(plain.get(i), within(2e-6f));
    }
  }

  /** Attention, then the gradients of q, k and v. */
  private static List<float[]> attend(int queries, int keys, int features, int narrowest) {
    try (Compute compute = Compute.cpu(1);
        NDManager scope = compute.scope();
        TorchScriptModule kernels =
            TorchScriptModule.load(scope, "Kernels", "kernels.torchscript")) {
      Random random = new Random(features);
      NDArray q = numbers(scope, random, queries, features);
      NDArray k = numbers(scope, random, keys, features);
      NDArray v = numbers(scope, random, keys, features);
      NDArray g = numbers(scope, random, queries, features);
      List.of(q, k, v).forEach(x -> x.setRequiresGradient(true));
      NDArray y =
          Compute.withGradients(
              true, () -> kernels.tensor("attend", scope, q, k, v, HEADS, narrowest));
      JniUtils.backward((PtNDArray) y, (PtNDArray) g, false, false);

      List<float[]> results = new ArrayList<>(List.of(y.toFloatArray()));
      List.of(q, k, v).forEach(x -> results.add(x.getGradient().toFloatArray()));
      return results;
    }
  }

  /** (B, tokens, heads e) */
  private static NDArray numbers(NDManager scope, Random random, int tokens, int features) {
    float[] values = new float[BATCH * tokens * HEADS * features];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return scope.create(values, new Shape(BATCH, tokens, (long) HEADS * features));
  }
}
