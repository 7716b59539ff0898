package io.github.tuneqdm.spark;

import ai.djl.Device;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.Precision;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.apache.hadoop.conf.Configuration;

/**
 * What a task may use.
 *
 * @param hadoop settings of the storage, the driver's included
 * @param gpu CUDA's number of the GPU that is this task's alone; nothing for the CPU
 */
record TaskEnvironment(Configuration hadoop, OptionalInt gpu) {

  /** A local copy of a folder on any storage. */
  Path local(String folder) {
    return LocalFolders.of(folder, hadoop);
  }

  /** Opens the tensor engine on this task's device. */
  Compute compute(TuneQdmConfig config) {
    Device device = gpu.isPresent() ? Device.gpu(gpu.getAsInt()) : Device.cpu();
    return Compute.open(device, precision(config, device), config.deviceThreads());
  }

  private static Precision precision(TuneQdmConfig config, Device device) {
    String name = config.devicePrecision();
    if (name.equals("auto")) {
      return device.isGpu() ? Precision.FLOAT16 : Precision.FLOAT32;
    }
    return Precision.parse(name);
  }
}
