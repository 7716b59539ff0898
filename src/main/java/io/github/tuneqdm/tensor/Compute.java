package io.github.tuneqdm.tensor;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.parallel.Team;
import io.github.tuneqdm.tensor.cuda.CudaDevice;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;

/**
 * A device, a precision and the kernels on it. Everything allocated through one {@code Compute} is
 * freed when it is closed; short-lived tensors belong into {@link #scope() scopes}.
 */
public final class Compute implements AutoCloseable {
  private static final String ENGINE = "PyTorch";

  private final Precision precision;
  private final NDManager manager;
  private final TorchKernels kernels;
  private final TorchScriptModule tokenModule;
  private final TokenOps tokenOps;
  private final NDArray empty;
  private final CudaDevice cuda;
  private final Team team;

  private Compute(Device device, Precision precision, int threads) {
    this.precision = precision;
    this.manager = NDManager.newBaseManager(device, ENGINE);
    this.manager.setName("compute-" + device);
    this.kernels = TorchKernels.load(manager);
    this.tokenModule = TokenOps.loadModule(manager);
    this.empty = typed(floats(manager, new float[0], 0));
    this.cuda = device.isGpu() ? new CudaDevice(device.getDeviceId()) : null;
    this.team = new Team(cuda == null ? threads : 1, JniUtils::setNumThreads);
    this.tokenOps =
        cuda == null
            ? new TokenOps(tokenModule, precision, manager)
            : new FusedOps(tokenModule, precision, manager, new FusedOps.Kernels(cuda, precision));
  }

  /**
   * Opens the CPU or the GPU with the given index. Intra-operation threads are part of a result's
   * identity (they order float reductions), so they are set here and not left to the environment.
   */
  public static Compute open(Device device, Precision precision, int threads) {
    try {
      Engine engine = Engine.getEngine(ENGINE);
      NativeExit.skipDestructors();
      if (device.isGpu() && device.getDeviceId() >= engine.getGpuCount()) {
        throw TuneQdmException.environment(
            "Cannot use GPU %d: PyTorch sees %d here (is its CUDA build installed, and does nvidia-smi list the GPU? or set tuneqdm.device.kind=cpu)"
                .formatted(device.getDeviceId(), engine.getGpuCount()));
      }
      if (!device.isGpu()) {
        NativeHeap.keepFreed();
      }
      JniUtils.setNumThreads(threads);
      return new Compute(device, precision, threads);
    } catch (EngineException | UnsatisfiedLinkError e) {
      throw noEngine(device.toString(), e);
    }
  }

  /** How many GPUs this process may use; no context is opened on any of them. */
  public static int gpuCount() {
    try {
      return Engine.getEngine(ENGINE).getGpuCount();
    } catch (EngineException | UnsatisfiedLinkError e) {
      throw noEngine("any device", e);
    }
  }

  private static TuneQdmException noEngine(String device, Throwable e) {
    return TuneQdmException.environment(
        "Cannot start PyTorch on "
            + device
            + ": "
            + e.getMessage()
            + " (check that the cache folder DJL_CACHE_DIR, by default ~/.djl.ai, is writable and"
            + " has 500 MB free)",
        e);
  }

  /** The engine's version, such as {@code 2.7.1}. */
  public static String engineVersion() {
    return Engine.getEngine(ENGINE).getVersion();
  }

  /** Gives what the engine keeps of the GPU's memory for later back; nothing on the CPU. */
  public void emptyCache() {
    if (cuda != null) {
      JniUtils.emptyCudaCache();
    }
  }

  /** Bytes in use on the GPU, by everybody; 0 on the CPU. */
  public long gpuBytesInUse() {
    if (cuda == null) {
      return 0;
    }
    long[] freeAndTotal = cuda.memory();
    return freeAndTotal[1] - freeAndTotal[0];
  }

  /** Float32 on the CPU. */
  public static Compute cpu(int threads) {
    return open(Device.cpu(), Precision.FLOAT32, threads);
  }

  public Precision precision() {
    return precision;
  }

  public Device device() {
    return manager.getDevice();
  }

  public NDManager manager() {
    return manager;
  }

  public TorchKernels kernels() {
    return kernels;
  }

  /** Steps of blocks in channels-last form; results belong to this compute. */
  public TokenOps tokenOps() {
    return tokenOps;
  }

  /** The GPU, or nothing on the CPU. */
  public Optional<CudaDevice> cuda() {
    return Optional.ofNullable(cuda);
  }

  /** A zero-length tensor of this precision: how kernels are told that an operand is absent. */
  public NDArray empty() {
    return empty;
  }

  /**
   * Computes the samples of a batch in parts: on a CPU side by side, since threads that share each
   * small operation mostly wait for each other; on a GPU all at once. Results in order.
   *
   * @param work runs on several threads, each with its own gradient mode
   */
  public <T> List<T> divide(int samples, Team.Work<T> work) {
    return team.divide(samples, work);
  }

  /** A manager for short-lived tensors; close it to free them. */
  public NDManager scope() {
    return manager.newSubManager();
  }

  /** A float32 tensor with {@code values} in row-major order. */
  public static NDArray floats(NDManager manager, float[] values, long... shape) {
    return manager.create(FloatBuffer.wrap(values), new Shape(shape), DataType.FLOAT32);
  }

  /**
   * The numbers of a tensor that is needed no more: it is freed. From a GPU they come through a
   * copy that would otherwise stay as long as the tensor's manager.
   */
  public static float[] take(NDArray x) {
    try (NDManager scope = x.getManager().newSubManager()) {
      x.attach(scope);
      return x.toFloatArray();
    }
  }

  /** The bytes of a tensor that stays, copied to the host; a GPU keeps nothing of the copy. */
  public static ByteBuffer copy(NDArray x) {
    if (!x.getDevice().isGpu()) {
      return x.toByteBuffer(false);
    }
    try (NDArray host = x.toDevice(Device.cpu(), true)) {
      return host.toByteBuffer(false);
    }
  }

  /** {@code values} in this compute's precision. */
  public NDArray weights(NDManager owner, float[] values, long... shape) {
    NDArray full = floats(owner, values, shape);
    if (precision == Precision.FLOAT32) {
      return full;
    }
    NDArray narrow = typed(full);
    full.close();
    return narrow;
  }

  private NDArray typed(NDArray x) {
    return tokenModule.tensor("typed", x.getManager(), x, precision.torchType());
  }

  /** Runs {@code work} with gradient recording on or off in this thread, then restores it. */
  public static <T> T withGradients(boolean enabled, java.util.function.Supplier<T> work) {
    boolean before = JniUtils.isGradMode();
    JniUtils.setGradMode(enabled);
    try {
      return work.get();
    } finally {
      JniUtils.setGradMode(before);
    }
  }

  @Override
  public void close() {
    team.close();
    tokenModule.close();
    kernels.close();
    manager.close();
    if (cuda == null) {
      NativeHeap.giveBack();
    }
  }
}
