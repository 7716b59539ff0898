/**
 * Where arithmetic happens: the device and precision ({@link io.github.tuneqdm.tensor.Compute}),
 * the TorchScript kernels behind typed methods ({@link io.github.tuneqdm.tensor.TorchKernels}), and
 * seeded randomness. Start reading at {@code kernels.torchscript}. May import DJL; nothing of ours
 * but {@code error}.
 */
package io.github.tuneqdm.tensor;
