/**
 * Integer weights: the quantiser of TuneQDM, packed storage, and the content-addressed folder that
 * holds a quantised model.
 *
 * <p>Pure Java arithmetic in float32, no tensor engine. May import {@code storage} and {@code
 * error}. Start reading at {@link io.github.tuneqdm.quant.WeightQuantizer}, then {@link
 * io.github.tuneqdm.quant.QuantizedBase}.
 */
package io.github.tuneqdm.quant;
