/**
 * Compares this software with the tensors that the original PyTorch code wrote: the work of {@code
 * verify-model}. Start reading at {@link io.github.tuneqdm.verify.ModelVerifier}. May import
 * everything but report, spark and cli.
 */
package io.github.tuneqdm.verify;
