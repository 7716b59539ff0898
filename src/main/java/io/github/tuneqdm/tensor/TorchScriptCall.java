package io.github.tuneqdm.tensor;

import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.util.NativeResource;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;

/**
 * Calls a method of a TorchScript module under the thread's own gradient mode. DJL's public {@code
 * IValueUtils.runMethod} runs everything in libtorch's inference mode, whose tensors may never meet
 * autograd; the native call below it takes the choice as a flag, but is package-private.
 */
final class TorchScriptCall {
  private static final MethodHandle RUN;
  private static final MethodHandle RESULT;

  static {
    try {
      Class<?> library = Class.forName("ai.djl.pytorch.jni.PyTorchLibrary");
      MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(library, MethodHandles.lookup());
      MethodType run =
          MethodType.methodType(
              long.class, long.class, String.class, long[].class, boolean.class, boolean.class);
      RUN =
          lookup
              .findVirtual(library, "moduleRunMethod", run)
              .bindTo(lookup.findStaticVarHandle(library, "LIB", library).get());
      RESULT = lookup.findConstructor(IValue.class, MethodType.methodType(void.class, long.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private TorchScriptCall() {}

  static IValue run(PtSymbolBlock module, String method, IValue[] arguments) {
    long[] handles = Arrays.stream(arguments).mapToLong(NativeResource::getHandle).toArray();
    try {
      long result = (long) RUN.invoke(module.getHandle().longValue(), method, handles, true, false);
      return (IValue) RESULT.invoke(result);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
