package io.github.tuneqdm.bench;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.cuda.CudaUtils;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.ScaleRows;

/**
 * Device memory in use by everybody, sampled. libtorch's allocator gives no figures to Java, so
 * peaks are those of its reserved memory; on a GPU that other processes use they mean nothing.
 */
final class DeviceMemory implements AutoCloseable {
  private static final long PERIOD_MILLIS = 5;

  /** The smallest network that has everything: it makes the libraries take their own memory. */
  private static final String TINY_UNET =
      """
      {"_class_name": "UNet2DConditionModel", "block_out_channels": [32], "layers_per_block": 1,
       "down_block_types": ["CrossAttnDownBlock2D"], "up_block_types": ["CrossAttnUpBlock2D"],
       "cross_attention_dim": 32, "attention_head_dim": 4}
      """;

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

  /**
   * What libraries alone take: bytes in use after matrix products, convolutions and attention of a
   * network too small to count, with the cache emptied.
   */
  static long baseline(Compute compute) {
    if (compute.device().isGpu()) {
      useLibraries(compute);
    }
    compute.emptyCache();
    return used(compute.device());
  }

  static void useLibraries(Compute compute) {
    ModelConfig tiny = ModelConfig.parse(TINY_UNET, "the tiny network");
    try (UNet unet = BenchModel.open(compute, tiny, BenchModel::newUnet);
        NDManager scope = compute.scope()) {
      NDArray context = compute.weights(scope, new float[4 * 32], 1, 4, 32);
      UNet.Input input =
          new UNet.Input(
              scope.ones(new Shape(1, 4, 16, 16)), scope.create(new long[] {1}), context);
      Compute.withGradients(false, () -> unet.forward(input, ScaleRows.NONE).getShape());
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

  /** What was seen since the watch began, above {@code baseline}. */
  BenchRow.Memory above(long baseline, long network) {
    long now = used(device);
    return new BenchRow.Memory(network - baseline, Math.max(peak, now) - baseline, now - baseline);
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
