/**
 * What PyTorch's Java engine leaves out on NVIDIA GPUs, over the native libraries that PyTorch has
 * loaded anyway: compiling kernels ({@link io.github.tuneqdm.tensor.cuda.CudaDevice}) and recording
 * work for replay ({@link io.github.tuneqdm.tensor.cuda.CudaGraph}).
 */
package io.github.tuneqdm.tensor.cuda;
