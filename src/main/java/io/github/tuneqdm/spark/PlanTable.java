package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.ParquetTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.Stream;
import org.apache.hadoop.fs.FileSystem;

/**
 * {@code plan.parquet}: the batches of a run that is too large for {@code plan.json}. It is written
 * and read in one pass and never lies in memory as a whole.
 */
final class PlanTable {
  private static final ParquetTable<PlannedSubject> ROWS = ParquetTable.of(PlannedSubject.class);

  private PlanTable() {}

  /** A plan in the making: a file of this machine, until the run's id is known. */
  static final class Draft implements AutoCloseable {
    private final Path file;
    private final ParquetTable.Writer<PlannedSubject> rows;
    private final Packer packer;

    Draft(Packer packer) {
      this.packer = packer;
      try {
        this.file = Files.createTempFile("tuneqdm-plan-", ".parquet");
      } catch (IOException e) {
        throw TuneQdmException.environment("Cannot write a temporary file: " + e, e);
      }
      this.rows = ROWS.writer(file);
    }

    void add(SubjectEntry subject) {
      rows.write(PlannedSubject.of(packer.next(subject.photos().size()), subject));
    }

    int batches() {
      return packer.batches();
    }

    /** The whole file; nothing can be added any more. */
    Path finished() {
      rows.close();
      return file;
    }

    @Override
    public void close() {
      rows.close();
      try {
        Files.deleteIfExists(file);
      } catch (IOException e) {
        throw TuneQdmException.environment("Cannot delete " + file + ": " + e, e);
      }
    }
  }

  /** The batches, read as they are taken. */
  static Batches read(FileSystem fs, org.apache.hadoop.fs.Path file) {
    return new Rows(fs, file);
  }

  private static final class Rows implements Batches {
    private final Stream<PlannedSubject> stream;
    private final Iterator<PlannedSubject> rows;
    private PlannedSubject ahead;

    Rows(FileSystem fs, org.apache.hadoop.fs.Path file) {
      this.stream = ROWS.stream(fs, file);
      this.rows = stream.iterator();
      this.ahead = rows.hasNext() ? rows.next() : null;
    }

    @Override
    public boolean hasNext() {
      return ahead != null;
    }

    @Override
    public Batch next() {
      if (ahead == null) {
        throw new NoSuchElementException("all batches are taken");
      }
      int index = ahead.batch();
      List<SubjectEntry> members = new ArrayList<>();
      while (ahead != null && ahead.batch() == index) {
        members.add(ahead.entry());
        ahead = rows.hasNext() ? rows.next() : null;
      }
      return new Batch(index, members);
    }

    @Override
    public void close() {
      stream.close();
    }
  }
}
