package io.github.tuneqdm.models;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.nn.ModelBuilder;
import io.github.tuneqdm.tensor.BlockWeights;
import io.github.tuneqdm.tensor.TorchKernels;

/**
 * Cuts pictures into patches, puts a class token before them and adds positions, resized
 * bicubically where the picture's grid is not the trained one. (B, 3, H, W) to (B, 1 + patches, D).
 */
final class PatchEmbedding {

  /** Names of the tensors below {@code prefix}. */
  record Names(String prefix, String projection, String classToken, String positions) {}

  private final TorchKernels kernels;
  private final BlockWeights projection;
  private final NDArray classToken;
  private final NDArray positions;
  private final int patch;
  private final int grid;

  PatchEmbedding(ModelBuilder builder, Names names, ModelConfig c) {
    kernels = builder.compute().kernels();
    patch = c.size("patch_size");
    int width = c.size("hidden_size");
    int image = c.size("image_size");
    grid = image / patch;
    int channels = c.size("num_channels", 3);
    String p = names.prefix;
    ModelBuilder.Block block = builder.block(p);
    projection =
        (builder.has(p + names.projection + ".bias")
                ? block.conv(names.projection, width, channels, patch)
                : block.convWithoutBias(names.projection, width, channels, patch))
            .build();
    classToken = builder.tensor(p + names.classToken, width);
    positions = builder.tensor(p + names.positions, (long) grid * grid + 1, width);
  }

  NDArray forward(NDArray pixels, Tap tap) {
    long h = pixels.getShape().get(2) / patch;
    long w = pixels.getShape().get(3) / patch;
    NDArray at = kernels.patchPositions(pixels, positions, grid, h, w);
    tap.show("position_embeddings", at);
    return kernels.embedPatches(pixels, projection, classToken, at, patch);
  }
}
