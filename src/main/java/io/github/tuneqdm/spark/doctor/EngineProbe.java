package io.github.tuneqdm.spark.doctor;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.SelfTest;
import java.util.function.Supplier;

/** Starts the tensor engine and lets it compute. */
public final class EngineProbe {
  private static final String CHECK = "engine";

  private EngineProbe() {}

  /**
   * @param open opens the device that jobs would use here
   */
  public static Finding of(Supplier<Compute> open) {
    try (Compute compute = open.get()) {
      return Finding.ok(CHECK, SelfTest.run(compute));
    } catch (TuneQdmException e) {
      return Finding.fail(CHECK, e);
    } catch (RuntimeException | LinkageError e) {
      return Finding.fail(
          CHECK,
          "PyTorch cannot compute here: " + e.toString().lines().findFirst().orElse(""),
          "look at nvidia-smi, PYTORCH_LIBRARY_PATH and the cache folder; a CPU needs"
              + " tuneqdm.device.kind = cpu");
    }
  }
}
