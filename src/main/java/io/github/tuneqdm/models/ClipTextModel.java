package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.TorchKernels;
import java.util.List;

/**
 * Stable Diffusion's prompt encoder and the text tower of CLIP: transformers' {@code
 * CLIPTextModel}. Dimensions: B prompts, L tokens, D features.
 */
public final class ClipTextModel implements AutoCloseable {

  /**
   * @param lastHiddenState after the final norm (B, L, D)
   * @param pooled its row at each prompt's end token (B, D)
   */
  public record Output(NDArray lastHiddenState, NDArray pooled) {}

  /** The id that early configs give although their tokenizer's end token is another one. */
  private static final int LEGACY_EOS = 2;

  private final ModelBuilder builder;
  private final TorchKernels kernels;
  private final TransformerEncoder encoder;
  private final NDArray tokens;
  private final NDArray positions;
  private final BlockWeights finalNorm;
  private final NDArray mask;
  private final int length;
  private final int vocabulary;
  private final int eos;
  private final double eps;

  /** Builds the network; {@code builder} belongs to it from now on. */
  public ClipTextModel(ModelConfig c, ModelBuilder builder) {
    this.builder = builder;
    this.kernels = builder.compute().kernels();
    TransformerEncoder.Shape shape = TransformerEncoder.Shape.from(c, c.size("intermediate_size"));
    this.length = c.size("max_position_embeddings", 77);
    this.vocabulary = c.size("vocab_size");
    this.eos = (int) c.number("eos_token_id", LEGACY_EOS);
    this.eps = shape.eps();
    String p = "text_model.";
    tokens = builder.tensor(p + "embeddings.token_embedding.weight", vocabulary, shape.width());
    positions = builder.tensor(p + "embeddings.position_embedding.weight", length, shape.width());
    encoder =
        new TransformerEncoder(
            builder, p + "encoder.layers.", TransformerEncoder.Names.CLIP, shape);
    finalNorm = builder.block(p).norm("final_layer_norm", shape.width()).build();
    mask = kernels.causalMask(tokens, length);
  }

  /** Tokens that a prompt is padded or cut to. */
  public int length() {
    return length;
  }

  public Output forward(NDManager manager, List<int[]> ids) {
    return forward(manager, ids, Tap.NONE);
  }

  /**
   * @param manager receives the output
   * @param ids padded token ids, each {@link #length()} long
   */
  public Output forward(NDManager manager, List<int[]> ids, Tap tap) {
    int batch = ids.size();
    long[] flat = new long[batch * length];
    long[] ends = new long[batch];
    for (int b = 0; b < batch; b++) {
      int[] row = ids.get(b);
      if (row.length != length) {
        throw new IllegalArgumentException(row.length + " tokens where " + length + " are due");
      }
      for (int i = 0; i < length; i++) {
        if (row[i] < 0 || row[i] >= vocabulary) {
          throw TuneQdmException.inputData(
              "Cannot encode a prompt: token id "
                  + row[i]
                  + " is outside the text encoder's vocabulary of "
                  + vocabulary
                  + " (the tokenizer and the text encoder do not belong together)");
        }
        flat[b * length + i] = row[i];
      }
      ends[b] = endOf(row);
    }
    NDArray x = kernels.embedding(manager.create(flat, new Shape(batch, length)), tokens);
    x = x.add(positions); // (B, L, D)
    tap.show("hidden_states.0", x);
    x = encoder.forward(x, new NDArray[] {mask}, tap);
    x = kernels.layerNorm(x, finalNorm, eps);
    long width = x.getShape().get(2);
    for (int b = 0; b < batch; b++) {
      ends[b] += (long) b * length;
    }
    NDArray pooled = kernels.embedding(manager.create(ends), x.reshape(-1, width)); // (B, D)
    return new Output(x, pooled);
  }

  private int endOf(int[] ids) {
    int end = 0;
    for (int i = 0; i < ids.length; i++) {
      if (eos == LEGACY_EOS) {
        end = ids[i] > ids[end] ? i : end;
      } else if (ids[i] == eos) {
        return i;
      }
    }
    return end;
  }

  @Override
  public void close() {
    builder.close();
  }
}
