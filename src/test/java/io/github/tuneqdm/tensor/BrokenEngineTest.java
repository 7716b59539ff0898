package io.github.tuneqdm.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.engine.EngineException;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BrokenEngineTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be"
            + " asynchronously reported at some other API call, so the stacktrace below might be"
            + " incorrect.\nFor debugging consider passing CUDA_LAUNCH_BLOCKING=1\nCompile with"
            + " `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n",
        "The following operation failed in the TorchScript interpreter.\nTraceback of TorchScript"
            + " (most recent call last):\nRuntimeError: CUDA error: device-side assert triggered\n",
        "CUDA error: uncorrectable ECC error encountered\nSearch for `cudaErrorECCUncorrectable' in"
            + " https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html for more"
            + " information.",
        "CUDA error: unspecified launch failure",
        "CUDA error: misaligned address",
        "CUDA error: an illegal instruction was encountered",
        "CUDA error: the launch timed out and was terminated",
        "CUDA error: all CUDA-capable devices are busy or unavailable",
        "CUDA error: unknown error",
        "CUDA driver error: an illegal memory access was encountered",
        "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx( handle, opa, opb,"
            + " m, n, k, alpha, a, CUDA_R_16F, lda, b, CUDA_R_16F, ldb, beta, c, CUDA_R_16F, ldc,"
            + " compute_type, CUBLAS_GEMM_DEFAULT_TENSOR_OP)`",
        "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        "The GPU failed: cuLaunchKernel returned CUDA error 700",
        "The GPU failed: cuCtxSynchronize returned CUDA error 214",
        "Failed to load PyTorch native library"
      })
  void aPoisonedProcessIsRecognised(String message) {
    assertThat(BrokenEngine.isBehind(new EngineException(message))).isTrue();
    assertThat(BrokenEngine.saysSo(message)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.11 GiB of"
            + " which 1.44 GiB is free.",
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported at some"
            + " other API call",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "The GPU failed: cuModuleLoadData returned CUDA error 2",
        "The GPU failed: cuModuleGetFunction returned CUDA error 500",
        "CUDA error: invalid argument",
        "CUDA error: no kernel image is available for execution on the device",
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)",
        "Cannot write s3a://bucket/runs: 503 Slow Down"
      })
  void otherFailuresLeaveTheProcessAlone(String message) {
    assertThat(BrokenEngine.isBehind(new EngineException(message))).isFalse();
    assertThat(BrokenEngine.saysSo(message)).isFalse();
  }

  @Test
  void theCauseCountsHoweverItIsWrapped() {
    EngineException cause = new EngineException("CUDA error: misaligned address");
    assertThat(
            BrokenEngine.isBehind(
                TuneQdmException.environment(
                    "Cannot start PyTorch on gpu(0)", new RuntimeException(cause))))
        .isTrue();
    assertThat(
            BrokenEngine.isBehind(
                TuneQdmException.environment("Cannot write x", new IOException("disk full"))))
        .isFalse();
  }

  @Test
  void librariesThatDoNotLoadAreLostToTheProcess() {
    assertThat(BrokenEngine.isBehind(new UnsatisfiedLinkError("libtorch_cuda.so: cannot open")))
        .isTrue();
    assertThat(
            BrokenEngine.isBehind(
                new NoClassDefFoundError(
                    "Could not initialize class ai.djl.pytorch.jni.PyTorchLibrary")))
        .isTrue();
    assertThat(BrokenEngine.isBehind(new NoClassDefFoundError("org/example/Missing"))).isFalse();
  }

  @Test
  void causesThatGoInCirclesEnd() {
    RuntimeException a = new RuntimeException("a");
    a.initCause(new RuntimeException("b", a));
    assertThat(BrokenEngine.isBehind(a)).isFalse();
  }
}
