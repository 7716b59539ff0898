package io.github.tuneqdm.spark;

import ai.djl.Device;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.Precision;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.apache.hadoop.conf.Configuration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a task may use.
 *
 * @param hadoop settings of the storage, the driver's included
 * @param gpu CUDA's number of the GPU that is this task's alone; nothing for the CPU
 */
record TaskEnvironment(Configuration hadoop, OptionalInt gpu) {
  private static final Logger LOG = LoggerFactory.getLogger(TaskEnvironment.class);

  /** A local copy of a folder on any storage. */
  Path local(String folder) {
    return LocalFolders.of(folder, hadoop);
  }

  /** Opens the tensor engine on this task's device. */
  Compute compute(TuneQdmConfig config) {
    Device device = device();
    return Compute.open(device, precision(config, device), config.deviceThreads());
  }

  /** As {@link #compute}, whatever precision the configuration names: for training weights. */
  Compute computeInFloat32(TuneQdmConfig config) {
    Device device = device();
    if (precision(config, device) != Precision.FLOAT32) {
      LOG.info(
          "Weights are trained in float32 (tuneqdm.device.precision = {} is for scales and samples)",
          config.devicePrecision());
    }
    return Compute.open(device, Precision.FLOAT32, config.deviceThreads());
  }

  private Device device() {
    return gpu.isPresent() ? Device.gpu(gpu.getAsInt()) : Device.cpu();
  }

  private static Precision precision(TuneQdmConfig config, Device device) {
    String name = config.devicePrecision();
    if (name.equals("auto")) {
      return device.isGpu() ? Precision.FLOAT16 : Precision.FLOAT32;
    }
    return Precision.parse(name);
  }
}
