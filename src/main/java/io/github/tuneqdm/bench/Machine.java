package io.github.tuneqdm.bench;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.util.cuda.CudaUtils;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tensor.Compute;

/** The device that a measurement runs on. */
final class Machine {
  private Machine() {}

  static Device device(BenchSettings.Device wanted) {
    if (wanted == BenchSettings.Device.CPU) {
      return Device.cpu();
    }
    Compute.cpu(1).close(); // says what is wrong with an engine that does not start
    if (Engine.getEngine("PyTorch").getGpuCount() > 0) {
      return Device.gpu();
    }
    if (wanted == BenchSettings.Device.GPU) {
      throw TuneQdmException.environment(
          "Cannot use --device gpu: PyTorch sees no GPU here (is its CUDA build on"
              + " PYTORCH_LIBRARY_PATH, and does nvidia-smi list a GPU?)",
          null);
    }
    return Device.cpu();
  }

  /** In words. */
  static String describe(Device device, int threads) {
    return device.isGpu()
        ? "GPU %d, compute capability %s, %.0f GiB"
            .formatted(
                device.getDeviceId(),
                CudaUtils.getComputeCapability(device.getDeviceId()),
                CudaUtils.getGpuMemory(device).getMax() / (double) (1 << 30))
        : "CPU, %d threads of %d cores"
            .formatted(threads, Runtime.getRuntime().availableProcessors());
  }
}
