package io.github.tuneqdm.spark;

import ai.djl.Device;
import ai.djl.engine.Engine;
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
 * @param gpu index of the GPU that Spark gave this task, if it gave one
 * @param inDriver whether the task runs in the driver's JVM, which a local master means
 */
record TaskEnvironment(Configuration hadoop, OptionalInt gpu, boolean inDriver) {

  /** A local copy of a folder on any storage. */
  Path local(String folder) {
    return LocalFolders.of(folder, hadoop);
  }

  /** Opens the tensor engine on this task's device. */
  Compute compute(TuneQdmConfig config) {
    Device device = device(config.deviceKind());
    return Compute.open(device, precision(config, device), config.deviceThreads());
  }

  private static Precision precision(TuneQdmConfig config, Device device) {
    String name = config.devicePrecision();
    if (name.equals("auto")) {
      return device.isGpu() ? Precision.FLOAT16 : Precision.FLOAT32;
    }
    return Precision.parse(name);
  }

  /** GPUs that Spark did not hand out are taken only where no one else can have been given them. */
  private Device device(String kind) {
    if (kind.equals("cpu")) {
      return Device.cpu();
    }
    if (gpu.isPresent()) {
      return Device.gpu(gpu.getAsInt());
    }
    boolean some = inDriver && Engine.getEngine("PyTorch").getGpuCount() > 0;
    return kind.equals("gpu") || some ? Device.gpu() : Device.cpu();
  }
}
