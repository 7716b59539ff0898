package io.github.tuneqdm.tensor;

import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Tells failures that leave this process unfit for any further work from those of one piece of
 * work. After a sticky CUDA error every later call on the GPU fails with the same error, and
 * libraries that did not load are not tried again: only a new process helps. A full GPU is no such
 * failure, and neither is a call that was refused for its arguments.
 *
 * @see <a href="https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html">Errors
 *     after which "the process must be terminated and relaunched"</a>
 */
public final class BrokenEngine {
  private static final int DEEPEST_CAUSE = 50;

  /** As PyTorch passes on what cudaGetErrorString says, and the libraries above CUDA their own. */
  private static final Pattern STICKY =
      Pattern.compile(
          "CUDA (?:driver )?error: (?:an illegal memory access was encountered"
              + "|device-side assert triggered"
              + "|uncorrectable ECC error encountered"
              + "|uncorrectable NVLink error"
              + "|unspecified launch failure"
              + "|misaligned address"
              + "|an illegal instruction was encountered"
              + "|invalid program counter"
              + "|hardware stack error"
              + "|operation not supported on global/shared address space"
              + "|the launch timed out and was terminated"
              + "|context is destroyed"
              + "|driver shutting down"
              + "|initialization error"
              + "|all CUDA-capable devices are busy or unavailable"
              + "|unknown error"
              + "|CUBLAS_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR))"
              + "|cuDNN error: CUDNN_STATUS_(?:EXECUTION_FAILED|INTERNAL_ERROR|MAPPING_ERROR)"
              + "|Failed to load PyTorch native library"
              + "|GPU (?:is lost|has fallen off the bus)");

  /** As {@link io.github.tuneqdm.tensor.cuda.CudaDevice} says it. */
  private static final Pattern BY_NUMBER = Pattern.compile("returned CUDA error (\\d+)");

  /** The numbers of the errors above in CUDA's driver interface. */
  private static final Set<String> STICKY_NUMBERS =
      Set.of(
          "4", "46", "201", "214", "220", "226", "700", "702", "709", "710", "714", "715", "716",
          "717", "718", "719", "999");

  private BrokenEngine() {}

  /** Whether such a failure is among {@code failure} and its causes. */
  public static boolean isBehind(Throwable failure) {
    Throwable current = failure;
    for (int depth = 0; current != null && depth < DEEPEST_CAUSE; depth++) {
      if (hasNoLibrary(current) || saysSo(String.valueOf(current.getMessage()))) {
        return true;
      }
      current = current.getCause();
    }
    return false;
  }

  /**
   * Whether a failure's text alone tells of one: for failures that come without their exception.
   */
  public static boolean saysSo(String text) {
    Matcher number = BY_NUMBER.matcher(text);
    return STICKY.matcher(text).find()
        || (number.find() && STICKY_NUMBERS.contains(number.group(1)));
  }

  private static boolean hasNoLibrary(Throwable failure) {
    if (failure instanceof UnsatisfiedLinkError) {
      return true;
    }
    String message = String.valueOf(failure.getMessage());
    return failure instanceof NoClassDefFoundError
        && message.startsWith("Could not initialize class ")
        && (message.contains("ai.djl.") || message.contains("com.sun.jna."));
  }
}
