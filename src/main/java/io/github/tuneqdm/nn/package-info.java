/**
 * How networks are put together: {@link io.github.tuneqdm.nn.ModelBuilder} turns named tensors into
 * kernel operands, checks their shapes, and lays out the scales of tunable layers ({@link
 * io.github.tuneqdm.nn.ScaleLayout}). May import tensor, quant and storage.
 */
package io.github.tuneqdm.nn;
