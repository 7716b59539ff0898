package io.github.tuneqdm.storage;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The remaining bytes of buffers, one after the other; the buffers' own positions stay. */
final class BufferInputStream extends InputStream {
  private final Deque<ByteBuffer> pieces = new ArrayDeque<>();

  BufferInputStream(List<ByteBuffer> pieces) {
    pieces.forEach(piece -> this.pieces.add(piece.duplicate()));
  }

  @Override
  public int read() {
    return skipEmpty() ? pieces.element().get() & 0xff : -1;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) {
    if (length == 0) {
      return 0;
    }
    if (!skipEmpty()) {
      return -1;
    }
    ByteBuffer first = pieces.element();
    int count = Math.min(length, first.remaining());
    first.get(bytes, offset, count);
    return count;
  }

  /** Whether anything is left. */
  private boolean skipEmpty() {
    while (!pieces.isEmpty() && !pieces.element().hasRemaining()) {
      pieces.remove();
    }
    return !pieces.isEmpty();
  }
}
