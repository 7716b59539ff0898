package io.github.tuneqdm.tensor.cuda;

import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtNDArray;
import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.List;

/**
 * NVIDIA's driver and run-time compiler for one GPU that PyTorch has opened: compiles and launches
 * kernels on PyTorch's current stream and over PyTorch's tensors. Not for several threads at once.
 */
public final class CudaDevice {
  private static final int COMPUTE_MAJOR = 75;
  private static final int COMPUTE_MINOR = 76;
  private static final int LARGEST_ARGUMENTS = 64;

  private final int index;
  private final NativeLibrary driver;
  private final NativeLibrary nvrtc;
  private final NativeLibrary torchCuda;
  private final Function dataPointer;
  private final Function currentStream;
  private final Function launch;
  private final Pointer context;
  private final Memory values = new Memory(8L * LARGEST_ARGUMENTS);
  private final Memory arguments = new Memory(8L * LARGEST_ARGUMENTS);
  private final PointerByReference result = new PointerByReference();

  /**
   * @param index the GPU, which PyTorch has used already
   */
  public CudaDevice(int index) {
    this.index = index;
    NativeLibraries libraries = new NativeLibraries();
    this.driver = libraries.loaded("libcuda.so");
    this.torchCuda = libraries.loaded("libtorch_cuda.so");
    this.nvrtc = libraries.nvrtc();
    this.dataPointer = libraries.loaded("libtorch_cpu.so").getFunction("aoti_torch_get_data_ptr");
    this.currentStream = torchCuda.getFunction("aoti_torch_get_current_cuda_stream");
    this.launch = driver.getFunction("cuLaunchKernel");
    for (int i = 0; i < LARGEST_ARGUMENTS; i++) {
      arguments.setPointer(8L * i, values.share(8L * i));
    }
    PointerByReference retained = new PointerByReference();
    check("cuDevicePrimaryCtxRetain", retained, index);
    this.context = retained.getValue();
  }

  NativeLibrary torchCuda() {
    return torchCuda;
  }

  int index() {
    return index;
  }

  /** A kernel that can be launched. */
  public record Kernel(String name, Pointer function) {}

  /** What one source compiled to. */
  public final class Module {
    private final Pointer handle;

    private Module(Pointer handle) {
      this.handle = handle;
    }

    public Kernel kernel(String name) {
      PointerByReference function = new PointerByReference();
      check("cuModuleGetFunction", function, handle, name);
      return new Kernel(name, function.getValue());
    }
  }

  /** Compiles CUDA C++ for this GPU. */
  public Module compile(String source, List<String> options) {
    String[] all = new String[options.size() + 1];
    all[0] = "--gpu-architecture=sm_" + attribute(COMPUTE_MAJOR) + attribute(COMPUTE_MINOR);
    for (int i = 0; i < options.size(); i++) {
      all[i + 1] = options.get(i);
    }
    PointerByReference program = new PointerByReference();
    compiler("nvrtcCreateProgram", program, source, "fused.cu", 0, null, null);
    int status =
        nvrtc
            .getFunction("nvrtcCompileProgram")
            .invokeInt(new Object[] {program.getValue(), all.length, all});
    if (status != 0) {
      throw TuneQdmException.environment(
          "Cannot compile the GPU kernels with "
              + nvrtc.getFile()
              + ": "
              + log(program.getValue()));
    }
    LongByReference size = new LongByReference();
    compiler("nvrtcGetCUBINSize", program.getValue(), size);
    Memory cubin = new Memory(size.getValue());
    compiler("nvrtcGetCUBIN", program.getValue(), cubin);
    compiler("nvrtcDestroyProgram", program);
    makeCurrent();
    PointerByReference module = new PointerByReference();
    check("cuModuleLoadData", module, cubin);
    return new Module(module.getValue());
  }

  private String log(Pointer program) {
    LongByReference size = new LongByReference();
    compiler("nvrtcGetProgramLogSize", program, size);
    Memory text = new Memory(Math.max(1, size.getValue()));
    compiler("nvrtcGetProgramLog", program, text);
    return text.getString(0);
  }

  private int attribute(int which) {
    IntByReference value = new IntByReference();
    check("cuDeviceGetAttribute", value, which, index);
    return value.getValue();
  }

  /**
   * Queues a kernel on PyTorch's current stream.
   *
   * @param grid blocks in x, y and z
   * @param block threads in x and y
   * @param shared bytes of dynamic shared memory
   * @param parameters NDArray or null as pointers, Long as addresses, Integer, Float
   */
  public void launch(Kernel kernel, int[] grid, int[] block, int shared, Object... parameters) {
    for (int i = 0; i < parameters.length; i++) {
      Object p = parameters[i];
      long at = 8L * i;
      if (p instanceof Integer n) {
        values.setInt(at, n);
      } else if (p instanceof Float f) {
        values.setFloat(at, f);
      } else if (p instanceof NDArray array) {
        values.setLong(at, address(array));
      } else {
        values.setLong(at, p == null ? 0 : (Long) p);
      }
    }
    makeCurrent();
    require(
        kernel.name(),
        launch.invokeInt(
            new Object[] {
              kernel.function(),
              grid[0],
              grid[1],
              grid[2],
              block[0],
              block[1],
              1,
              shared,
              stream(),
              arguments,
              null
            }));
  }

  /** Where a tensor's first number lies. */
  public long address(NDArray array) {
    Pointer tensor = new Pointer(((PtNDArray) array).getHandle());
    require("aoti_torch_get_data_ptr", dataPointer.invokeInt(new Object[] {tensor, result}));
    return Pointer.nativeValue(result.getValue());
  }

  private Pointer stream() {
    require(
        "aoti_torch_get_current_cuda_stream",
        currentStream.invokeInt(new Object[] {index, result}));
    return result.getValue();
  }

  /** Free and total bytes of the device. */
  public long[] memory() {
    makeCurrent();
    LongByReference free = new LongByReference();
    LongByReference total = new LongByReference();
    check("cuMemGetInfo_v2", free, total);
    return new long[] {free.getValue(), total.getValue()};
  }

  /** A stream of its own, never waiting for the default one. */
  Pointer newStream() {
    makeCurrent();
    PointerByReference stream = new PointerByReference();
    check("cuStreamCreate", stream, 1);
    return stream.getValue();
  }

  void destroyStream(Pointer stream) {
    makeCurrent();
    check("cuStreamDestroy_v2", stream);
  }

  /** Waits for all work on the device. */
  public void synchronize() {
    makeCurrent();
    check("cuCtxSynchronize");
  }

  private void makeCurrent() {
    check("cuCtxSetCurrent", context);
  }

  void check(String function, Object... parameters) {
    require(function, driver.getFunction(function).invokeInt(parameters));
  }

  private void compiler(String function, Object... parameters) {
    require(function, nvrtc.getFunction(function).invokeInt(parameters));
  }

  private static void require(String what, int status) {
    if (status != 0) {
      throw TuneQdmException.environment(
          "The GPU failed: " + what + " returned CUDA error " + status);
    }
  }
}
