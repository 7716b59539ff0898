package io.github.tuneqdm.scoring;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.image.TensorFlowResize;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.TorchScriptFile;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/**
 * The Inception-v3 of FID, KID and IS, as a TorchScript file that the user has: {@code forward}
 * takes float32 (B, 3, 299, 299), values {@code (v - 128) / 128}, and returns a tuple: features (B,
 * 2048) before the last layer, and logits (B, 1008) without its bias.
 */
public final class InceptionNetwork implements AutoCloseable {
  private static final int SIDE = 299;
  private static final int BATCHES_AHEAD = 3;

  private final Compute compute;
  private final TorchScriptFile network;
  private final String shown;

  /** One row a picture: (N, 2048) and (N, 1008). */
  public record Features(float[][] features, float[][] logits) {}

  /**
   * @param shown what messages call the file
   */
  public InceptionNetwork(Compute compute, Path file, String shown) {
    this.compute = compute;
    this.network = TorchScriptFile.open(compute, file, shown);
    this.shown = shown;
  }

  /**
   * @param toRead give the pictures; asked on other threads, while the device is at others
   */
  public Features embed(List<? extends Supplier<RgbImage>> toRead) {
    Features all = new Features(new float[toRead.size()][], new float[toRead.size()][]);
    int batch = PictureEncoders.BATCH;
    try (Ahead<float[]> ahead =
        Ahead.counted(toRead, InceptionNetwork::prepare, batch * BATCHES_AHEAD)) {
      for (int from = 0; from < toRead.size(); from += batch) {
        int count = Math.min(batch, toRead.size() - from);
        float[] input = new float[batch * 3 * SIDE * SIDE]; // zero where there are no more
        for (int i = 0; i < count; i++) {
          System.arraycopy(ahead.next(), 0, input, i * 3 * SIDE * SIDE, 3 * SIDE * SIDE);
        }
        try (NDManager scope = compute.scope()) {
          List<NDArray> out =
              network.forward(scope, Compute.floats(scope, input, batch, 3, SIDE, SIDE));
          requireContract(out);
          PictureEncoders.put(out.get(0), all.features, from, count);
          PictureEncoders.put(out.get(1), all.logits, from, count);
        }
      }
    }
    return all;
  }

  private static float[] prepare(Supplier<RgbImage> picture) {
    float[] values = TensorFlowResize.square(picture.get(), SIDE);
    for (int i = 0; i < values.length; i++) {
      values[i] = (values[i] - 128) / 128;
    }
    return values;
  }

  private void requireContract(List<NDArray> out) {
    List<String> shapes = out.stream().map(tensor -> tensor.getShape().toString()).toList();
    if (out.size() != 2
        || out.stream().anyMatch(t -> t.getShape().dimension() != 2)
        || out.stream().anyMatch(t -> t.getShape().get(0) != PictureEncoders.BATCH)) {
      throw TuneQdmException.inputData(
          "Cannot use %s as Inception: from %d pictures its forward makes %s, where features (%d, 2048) and logits (%d, 1008) are needed"
              .formatted(
                  shown,
                  PictureEncoders.BATCH,
                  String.join(", ", shapes),
                  PictureEncoders.BATCH,
                  PictureEncoders.BATCH));
    }
  }

  @Override
  public void close() {
    network.close();
  }
}
