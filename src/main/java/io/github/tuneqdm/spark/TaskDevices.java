package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tensor.Compute;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;

/** The devices that a task may choose from. */
final class TaskDevices {
  private static final List<OptionalInt> CPU = List.of(OptionalInt.empty());

  private TaskDevices() {}

  /**
   * The GPU that Spark gave the running task. In the driver's JVM, which a local master means, any
   * that this process sees: there Spark hands out none, and no one else can have been given them.
   *
   * @param kind {@code tuneqdm.device.kind}
   */
  static List<OptionalInt> ofThisTask(String kind) {
    if (kind.equals("cpu")) {
      return CPU;
    }
    Map<String, ResourceInformation> resources = TaskContext.get().resourcesJMap();
    ResourceInformation given = resources.get(DeviceProfile.GPU);
    if (given != null && given.addresses().length > 0) {
      return List.of(OptionalInt.of(VisibleGpus.ofThisProcess().index(given.addresses()[0])));
    }
    boolean inDriver = SparkEnv.get().executorId().equals("driver");
    if (inDriver) {
      int count = Math.max(Compute.gpuCount(), kind.equals("gpu") ? 1 : 0);
      return count == 0 ? CPU : IntStream.range(0, count).mapToObj(OptionalInt::of).toList();
    }
    if (kind.equals("gpu")) {
      throw TuneQdmException.environment(
          "Cannot use a GPU: Spark gave this task none (tuneqdm.device.kind = gpu)");
    }
    return CPU;
  }
}
