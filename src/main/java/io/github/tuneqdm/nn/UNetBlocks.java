package io.github.tuneqdm.nn;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.BlockWeights;
import java.util.function.Consumer;

/**
 * How the blocks of a UNet are computed in one pass, with that pass's scales. Activations come from
 * {@link #enter} and end in {@link #leave}; between the two, their layout is the implementation's
 * own affair. Dimensions: B samples, C channels, H x W pixels, L tokens, D features.
 */
public interface UNetBlocks {

  /** What blocks take instead of a sample (B, C, H, W). */
  NDArray enter(NDArray sample);

  /** A prediction (B, C, H, W) from what a block returned. */
  NDArray leave(NDArray x);

  /** Linear, SiLU, Linear; t (B, D). */
  NDArray timeMlp(NDArray t, BlockWeights w);

  /** SiLU of a time embedding. */
  NDArray silu(NDArray x);

  NDArray add(NDArray a, NDArray b);

  /** 3x3 convolution with padding. */
  NDArray conv(NDArray x, BlockWeights w);

  /**
   * ResnetBlock2D.
   *
   * @param time SiLU of the time embedding
   */
  NDArray resnet(NDArray x, NDArray time, BlockWeights w, int groups, double eps);

  /**
   * Transformer2DModel with cross-attention.
   *
   * @param context (B, L, D)
   */
  NDArray transformer(
      NDArray x, NDArray context, BlockWeights w, int groups, int heads, boolean linearProjection);

  /** Self-attention over pixels with residual. */
  NDArray attention(NDArray x, BlockWeights w, int groups, int heads, double eps);

  /** Stride-2 convolution; padding 0 pads one row and column after the image, as diffusers does. */
  NDArray downsample(NDArray x, BlockWeights w, int padding);

  /** Nearest-neighbour resize to the pixels of {@code size}, then a 3x3 convolution. */
  NDArray upsample(NDArray x, BlockWeights w, NDArray size);

  /** Joins channels. */
  NDArray concat(NDArray a, NDArray b);

  /**
   * GroupNorm, SiLU, 3x3 convolution.
   *
   * @param afterNorm sees the result of GroupNorm, where there is one apart from the rest
   */
  NDArray output(
      NDArray x,
      BlockWeights norm,
      BlockWeights conv,
      int groups,
      double eps,
      Consumer<NDArray> afterNorm);

  /** The pass needs this activation no more. */
  void release(NDArray x);
}
