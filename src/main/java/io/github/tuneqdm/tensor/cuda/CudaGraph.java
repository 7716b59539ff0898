package io.github.tuneqdm.tensor.cuda;

import ai.djl.pytorch.jni.JniUtils;
import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import io.github.tuneqdm.error.TuneQdmException;

/**
 * GPU work recorded once and replayed at no cost to the host: PyTorch's own {@code
 * at::cuda::CUDAGraph}, whose tensors live in a memory pool apart. Work reads its inputs where they
 * lay when it was recorded, so callers copy new inputs there before each replay.
 */
public final class CudaGraph implements AutoCloseable {
  private static final String CLASS = "_ZN2at4cuda9CUDAGraph";

  /** More than the object takes in any release. */
  private static final int OBJECT_BYTES = 8192;

  private static final int RELAXED = 2;

  private final Memory object = new Memory(OBJECT_BYTES);
  private final CudaDevice device;
  private final Function replay;
  private final Pointer stream;

  private CudaGraph(CudaDevice device) {
    this.device = device;
    object.clear();
    NativeLibrary torch = device.torchCuda();
    try {
      torch.getFunction(CLASS + "C1Eb").invokeVoid(new Object[] {object, (byte) 0});
    } catch (UnsatisfiedLinkError e) {
      torch.getFunction(CLASS + "C1Ev").invokeVoid(new Object[] {object}); // before PyTorch 2.8
    }
    this.replay = torch.getFunction(CLASS + "6replayEv");
    this.stream = device.newStream();
  }

  /**
   * Records what {@code work} queues on this thread; nothing runs yet. Work must have run before,
   * so that libraries have chosen their kernels, and may copy nothing from or to the host.
   */
  public static CudaGraph record(CudaDevice device, Runnable work) {
    device.synchronize();
    JniUtils.emptyCudaCache(); // what the rehearsal held, the graph's own pool will need
    CudaGraph graph = new CudaGraph(device);
    NativeLibrary torch = device.torchCuda();
    PointerByReference guard = new PointerByReference();
    int status =
        torch
            .getFunction("aoti_torch_create_cuda_stream_guard")
            .invokeInt(new Object[] {graph.stream, device.index(), guard});
    if (status != 0) {
      throw TuneQdmException.environment("The GPU failed: PyTorch cannot use a stream");
    }
    try {
      torch
          .getFunction(CLASS + "13capture_beginESt4pairIyyE21cudaStreamCaptureMode")
          .invokeVoid(new Object[] {graph.object, 0L, 0L, RELAXED});
      try {
        work.run();
      } catch (RuntimeException | Error e) {
        // PyTorch would end a broken recording with an exception that Java cannot catch.
        device.check("cuStreamEndCapture", graph.stream, new PointerByReference());
        throw e;
      }
      torch.getFunction(CLASS + "11capture_endEv").invokeVoid(new Object[] {graph.object});
    } finally {
      torch
          .getFunction("aoti_torch_delete_cuda_stream_guard")
          .invokeInt(new Object[] {guard.getValue()});
    }
    return graph;
  }

  /** Queues the recorded work on PyTorch's current stream. */
  public void replay() {
    replay.invokeVoid(new Object[] {object});
  }

  @Override
  public void close() {
    device.synchronize();
    device.torchCuda().getFunction(CLASS + "D1Ev").invokeVoid(new Object[] {object});
    device.destroyStream(stream);
  }
}
