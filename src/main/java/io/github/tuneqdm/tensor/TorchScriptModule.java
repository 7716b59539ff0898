package io.github.tuneqdm.tensor;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** TorchScript of this project, loaded into libtorch, with its methods by name. */
final class TorchScriptModule implements AutoCloseable {
  private final PtSymbolBlock module;

  private TorchScriptModule(PtSymbolBlock module) {
    this.module = module;
  }

  /**
   * @param resource TorchScript source beside this class, which declares {@code class <className>}
   */
  static TorchScriptModule load(NDManager manager, String className, String resource) {
    byte[] archive = TorchScriptArchive.of(className, source(resource));
    try {
      return new TorchScriptModule(
          JniUtils.loadModule(
              (PtNDManager) manager, new ByteArrayInputStream(archive), false, false));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The text of a resource beside this class. */
  static String source(String resource) {
    try (InputStream in = TorchScriptModule.class.getResourceAsStream(resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The one result of {@code method}, which belongs to {@code owner}. */
  NDArray tensor(String method, NDManager owner, Object... arguments) {
    try (IValue result = call(method, arguments)) {
      return result.toTensor((PtNDManager) owner);
    }
  }

  /** The results of {@code method}, which belong to {@code owner}. */
  List<NDArray> tensors(String method, NDManager owner, Object... arguments) {
    try (IValue result = call(method, arguments)) {
      return new ArrayList<>(List.of(result.toTensorArray((PtNDManager) owner)));
    }
  }

  void run(String method, Object... arguments) {
    call(method, arguments).close();
  }

  private IValue call(String method, Object... arguments) {
    // Thread-local in libtorch. Off, kernels run as written from the first call on: no profiling
    // runs, no rewritten gradients, so a resumed run computes the same bits as an unbroken one.
    JniUtils.setGraphExecutorOptimize(false);
    IValue[] values = new IValue[arguments.length];
    try {
      for (int i = 0; i < values.length; i++) {
        values[i] = toIValue(arguments[i]);
      }
      return OpTimes.measure(method, () -> TorchScriptCall.run(module, method, values));
    } finally {
      for (int i = 0; i < values.length; i++) {
        if (values[i] != null && values[i] != arguments[i]) {
          values[i].close();
        }
      }
    }
  }

  private static IValue toIValue(Object argument) {
    if (argument instanceof IValue value) {
      return value;
    }
    if (argument instanceof PtNDArray array) {
      return IValue.from(array);
    }
    if (argument instanceof NDArray[] arrays) {
      PtNDArray[] list = new PtNDArray[arrays.length];
      System.arraycopy(arrays, 0, list, 0, list.length);
      return IValue.listFrom(list);
    }
    if (argument instanceof long[] longs) {
      return IValue.listFrom(longs);
    }
    if (argument instanceof Boolean flag) {
      return IValue.from(flag.booleanValue());
    }
    if (argument instanceof Double number) {
      return IValue.from(number.doubleValue());
    }
    return IValue.from(((Number) argument).longValue());
  }

  @Override
  public void close() {
    module.close();
  }
}
