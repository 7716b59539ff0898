package io.github.tuneqdm.tensor;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The end of the process while threads compute, as after a signal. PyTorch's destructors would take
 * away what they still use; Java would die of that and report a crash in place of the exit status.
 */
final class NativeExit {
  private static final AtomicBoolean DONE = new AtomicBoolean();

  private NativeExit() {}

  /**
   * Lets the process end without the destructors of libraries. Whatever Java does at its end comes
   * before. Where the C library is not glibc, nothing changes.
   */
  static void skipDestructors() {
    if (!Platform.isLinux() || DONE.getAndSet(true)) {
      return;
    }
    try {
      NativeLibrary c = NativeLibrary.getProcess();
      Function onExit = c.getFunction("on_exit"); // (void (*)(int status, void *), void *)
      Function exit = c.getFunction("_exit"); // (int status)
      // What was registered last runs first, and PyTorch goes on registering while it works.
      Runnable last = () -> onExit.invokeInt(new Object[] {exit, null});
      Runtime.getRuntime().addShutdownHook(new Thread(last, "tuneqdm-exit"));
    } catch (LinkageError | IllegalStateException e) {
      return; // musl has no on_exit; JNA finds no folder to unpack into; the end has begun already
    }
  }
}
