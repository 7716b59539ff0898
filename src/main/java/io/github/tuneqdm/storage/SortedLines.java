package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Consumer;

/**
 * Sorts any number of lines in little memory: what is too much for it lies in temporary files,
 * sorted in stretches that are merged when they are read.
 */
public final class SortedLines implements AutoCloseable {
  private final int inMemory;
  private final List<String> lines = new ArrayList<>();
  private final List<Path> stretches = new ArrayList<>();

  /**
   * @param inMemory lines that are held before they go to a file
   */
  public SortedLines(int inMemory) {
    this.inMemory = inMemory;
  }

  public void add(String line) {
    lines.add(line);
    if (lines.size() >= inMemory) {
      spill();
    }
  }

  private void spill() {
    lines.sort(Comparator.naturalOrder());
    try {
      Path file = Files.createTempFile("tuneqdm-lines-", ".txt");
      stretches.add(file);
      Files.write(file, lines);
      lines.clear();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Hands all lines over, in order, in pages of {@code size}; the last may be shorter. */
  public void forEachPage(int size, Consumer<List<String>> page) {
    if (stretches.isEmpty()) {
      lines.sort(Comparator.naturalOrder());
      for (int i = 0; i < lines.size(); i += size) {
        page.accept(List.copyOf(lines.subList(i, Math.min(lines.size(), i + size))));
      }
      return;
    }
    if (!lines.isEmpty()) {
      spill();
    }
    merge(size, page);
  }

  /** A stretch and its next line. */
  private record Head(String line, BufferedReader rest) {}

  private void merge(int size, Consumer<List<String>> page) {
    PriorityQueue<Head> heads = new PriorityQueue<>(Comparator.comparing(Head::line));
    List<BufferedReader> open = new ArrayList<>();
    try {
      for (Path stretch : stretches) {
        BufferedReader reader = Files.newBufferedReader(stretch);
        open.add(reader);
        heads.add(new Head(reader.readLine(), reader));
      }
      List<String> next = new ArrayList<>();
      while (!heads.isEmpty()) {
        Head head = heads.poll();
        next.add(head.line);
        String following = head.rest.readLine();
        if (following != null) {
          heads.add(new Head(following, head.rest));
        }
        if (next.size() == size || heads.isEmpty()) {
          page.accept(List.copyOf(next));
          next.clear();
        }
      }
    } catch (IOException e) {
      throw failed(e);
    } finally {
      open.forEach(SortedLines::closeQuietly);
    }
  }

  private static void closeQuietly(BufferedReader reader) {
    try {
      reader.close();
    } catch (IOException e) {
      return; // it was read only
    }
  }

  private static TuneQdmException failed(IOException e) {
    return TuneQdmException.environment(
        "Cannot use a temporary file in %s: %s (is the disk full?)"
            .formatted(System.getProperty("java.io.tmpdir"), e),
        e);
  }

  @Override
  public void close() {
    for (Path stretch : stretches) {
      try {
        Files.deleteIfExists(stretch);
      } catch (IOException e) {
        continue; // the system clears its folder of temporary files
      }
    }
  }
}
