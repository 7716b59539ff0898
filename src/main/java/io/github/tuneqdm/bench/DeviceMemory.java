package io.github.tuneqdm.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.util.cuda.CudaUtils;
import io.github.tuneqdm.tensor.Compute;

/**
 * Device memory in use by everybody, sampled. libtorch's allocator gives no figures to Java, so
 * peaks are those of its reserved memory; on a GPU that other processes use they mean nothing.
 */
final class DeviceMemory implements AutoCloseable {
  private static final long PERIOD_MILLIS = 5;

  private final Device device;
  private final Thread sampler;
  private volatile long peak;
  private volatile boolean done;

  private DeviceMemory(Device device) {
    this.device = device;
    this.peak = used(device);
    this.sampler = new Thread(this::sample, "device-memory");
    sampler.setDaemon(true);
    sampler.start();
  }

  /** Watches {@code device} from now on. */
  static DeviceMemory watch(Device device) {
    return new DeviceMemory(device);
  }

  /** Bytes in use on a GPU; 0 on the CPU, where nothing is measured. */
  static long used(Device device) {
    return device.isGpu() ? CudaUtils.getGpuMemory(device).getUsed() : 0;
  }

  /** What libraries alone take: bytes in use after one matrix product, with the cache emptied. */
  static long baseline(Compute compute) {
    if (!compute.device().isGpu()) {
      return 0;
    }
    try (NDManager scope = compute.scope()) {
      NDArray x = compute.kernels().castLike(scope.ones(new Shape(256, 256)), compute.empty());
      x.matMul(x).toType(ai.djl.ndarray.types.DataType.FLOAT32, true).toFloatArray();
    }
    emptyCache(compute);
    return used(compute.device());
  }

  static void emptyCache(Compute compute) {
    if (compute.device().isGpu()) {
      JniUtils.emptyCudaCache();
    }
  }

  private void sample() {
    while (!done && device.isGpu()) {
      peak = Math.max(peak, used(device));
      try {
        Thread.sleep(PERIOD_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /** The most bytes seen in use. */
  long peak() {
    return peak;
  }

  @Override
  public void close() {
    done = true;
    try {
      sampler.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
