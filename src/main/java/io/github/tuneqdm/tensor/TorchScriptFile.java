package io.github.tuneqdm.tensor;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** A network that somebody saved as TorchScript, with its weights. */
public final class TorchScriptFile implements AutoCloseable {
  private final String shown;
  private final PtSymbolBlock module;

  private TorchScriptFile(String shown, PtSymbolBlock module) {
    this.shown = shown;
    this.module = module;
  }

  /**
   * @param shown what messages call it
   * @throws TuneQdmException (input data) where the file is no TorchScript or cannot be read
   */
  public static TorchScriptFile open(Compute compute, Path file, String shown) {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      PtSymbolBlock module = JniUtils.loadModule((PtNDManager) compute.manager(), in, true, false);
      return new TorchScriptFile(shown, module);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + shown + ": " + e, e);
    } catch (EngineException e) {
      throw TuneQdmException.inputData(
          "Cannot open %s: PyTorch does not take it for TorchScript: %s (save it with torch.jit.save)"
              .formatted(shown, firstLine(e)),
          e);
    }
  }

  /**
   * Calls {@code forward} without gradients.
   *
   * @param owner of the results
   * @return its tensor, or those of its tuple or list
   */
  public List<NDArray> forward(NDManager owner, NDArray input) {
    JniUtils.setGraphExecutorOptimize(false); // thread-local: no profiling runs, the same bits
    try (IValue argument = IValue.from((PtNDArray) input);
        IValue result =
            Compute.withGradients(
                false, () -> TorchScriptCall.run(module, "forward", new IValue[] {argument}))) {
      return tensors(result, (PtNDManager) owner);
    } catch (EngineException e) {
      throw TuneQdmException.inputData(
          "Cannot use %s: its forward refuses a tensor of shape %s: %s"
              .formatted(shown, input.getShape(), firstLine(e)),
          e);
    }
  }

  private List<NDArray> tensors(IValue result, PtNDManager owner) {
    if (result.isTensor()) {
      return List.of(result.toTensor(owner));
    }
    if (result.isTensorList()) {
      return List.of(result.toTensorArray(owner));
    }
    if (result.isTuple()) {
      IValue[] parts = result.toIValueTuple();
      try {
        if (Arrays.stream(parts).allMatch(IValue::isTensor)) {
          return Arrays.stream(parts).map(part -> (NDArray) part.toTensor(owner)).toList();
        }
      } finally {
        Arrays.stream(parts).forEach(IValue::close);
      }
    }
    throw TuneQdmException.inputData(
        "Cannot use " + shown + ": its forward returns neither a tensor nor a tuple of tensors");
  }

  private static String firstLine(EngineException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  @Override
  public void close() {
    module.close();
  }
}
