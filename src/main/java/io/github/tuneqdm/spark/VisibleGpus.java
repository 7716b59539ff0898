package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.ArrayList;
import java.util.List;

/**
 * What CUDA calls the GPUs in this process. Spark hands out addresses as the discovery script
 * printed them and hides nothing; CUDA counts from zero, and where {@code CUDA_VISIBLE_DEVICES} is
 * set, only what that lists, in its order.
 *
 * @param listed the variable's entries: numbers, or UUIDs such as {@code GPU-8a3f...}
 * @param limited whether the variable is set
 */
record VisibleGpus(List<String> listed, boolean limited) {
  private static final String VARIABLE = "CUDA_VISIBLE_DEVICES";

  static VisibleGpus ofThisProcess() {
    return of(System.getenv(VARIABLE));
  }

  /**
   * @param variable its value; null where it is not set
   */
  static VisibleGpus of(String variable) {
    List<String> listed = new ArrayList<>();
    if (variable != null) {
      for (String entry : variable.split(",")) {
        if (entry.isBlank() || entry.strip().startsWith("-")) {
          break; // CUDA sees nothing from the first invalid entry on
        }
        listed.add(entry.strip());
      }
    }
    return new VisibleGpus(List.copyOf(listed), variable != null);
  }

  /**
   * CUDA's number of the GPU that Spark calls {@code address}.
   *
   * @throws TuneQdmException (environment) where this process does not see it
   */
  int index(String address) {
    if (!limited) {
      if (address.matches("\\d{1,4}")) {
        return Integer.parseInt(address);
      }
      throw TuneQdmException.environment(
          "Cannot use GPU %s, which Spark gave this task: without %s a GPU's address must be its number (see deploy/gpu/discover-gpus.sh)"
              .formatted(address, VARIABLE));
    }
    for (int i = 0; i < listed.size(); i++) {
      if (isSame(listed.get(i), address)) {
        return i;
      }
    }
    throw TuneQdmException.environment(
        "Cannot use GPU %s, which Spark gave this task: %s=%s hides it from this executor (unset the variable, or let the discovery script list the same GPUs, as deploy/gpu/discover-gpus.sh does)"
            .formatted(address, VARIABLE, String.join(",", listed)));
  }

  /** CUDA takes the beginning of a UUID for the whole. */
  private static boolean isSame(String entry, String address) {
    boolean uuid = entry.startsWith("GPU-") || entry.startsWith("MIG-");
    return entry.equals(address) || (uuid && address.startsWith(entry));
  }
}
