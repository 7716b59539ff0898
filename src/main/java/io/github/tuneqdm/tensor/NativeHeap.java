package io.github.tuneqdm.tensor;

import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;

/**
 * The C library's memory, where a CPU's tensors live. As it comes, glibc hands freed memory back to
 * the system at once, and every step then waits for the system to clear the same pages again. Where
 * the C library is another, nothing changes.
 */
final class NativeHeap {
  // <malloc.h>
  private static final int M_TRIM_THRESHOLD = -1;
  private static final int M_TOP_PAD = -2;
  private static final int M_MMAP_THRESHOLD = -3;

  // A larger tensor still comes from the system: it would not fit a thread's heaps.
  private static final int LARGEST_BYTES = 32 << 20;

  // Threads have heaps of this size. Asked to keep as much free, glibc hands no heap back.
  private static final int HEAP_BYTES = 64 << 20;

  private static final int KEPT_BYTES = 512 << 20;

  private NativeHeap() {}

  /** Keeps freed memory for the next step. */
  static void keepFreed() {
    call("mallopt", M_MMAP_THRESHOLD, LARGEST_BYTES);
    call("mallopt", M_TOP_PAD, HEAP_BYTES);
    call("mallopt", M_TRIM_THRESHOLD, KEPT_BYTES);
  }

  /** Hands what was kept back to the system. */
  static void giveBack() {
    call("malloc_trim", 0L);
  }

  private static void call(String function, Object... arguments) {
    if (!Platform.isLinux()) {
      return;
    }
    try {
      NativeLibrary.getProcess().getFunction(function).invokeInt(arguments);
    } catch (LinkageError e) {
      return; // musl has neither; JNA finds no folder to unpack into: slower, not wrong
    }
  }
}
