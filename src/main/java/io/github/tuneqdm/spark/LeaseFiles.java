package io.github.tuneqdm.spark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Publisher;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The files {@code lease/<n>.json} of a run. The highest number holds; every change, a renewal too,
 * is the creation of the next number, which only one of many can do. So no file is ever changed,
 * and no storage has to replace one atomically.
 */
final class LeaseFiles {
  private static final String FOLDER = "lease";
  private static final Pattern NAME = Pattern.compile("\\d{1,18}\\.json");
  private static final int LARGEST = 1 << 16;
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES);

  private final FileSystem fs;
  private final Path folder;

  LeaseFiles(RunFolder run) {
    this.fs = run.fileSystem();
    this.folder = run.path(FOLDER);
  }

  /** What a file says: who holds the run, and until when. */
  private record Content(DriverProcess holder, String until) {}

  /** A lease as it lies on storage. */
  record Lease(long number, DriverProcess holder, Instant until) {}

  /** The lease that holds, or nothing: nobody works on the run. */
  Optional<Lease> current() {
    while (true) {
      List<Long> numbers = numbers();
      if (numbers.isEmpty()) {
        return Optional.empty();
      }
      Optional<Lease> highest = read(numbers.get(numbers.size() - 1));
      if (highest.isPresent()) {
        return highest;
      } // else it was given up or renewed between the two looks
    }
  }

  /**
   * Creates the next lease.
   *
   * @return false where another driver has created that number first
   * @throws TuneQdmException (environment) where storage fails
   */
  boolean create(Lease lease) {
    try {
      Publisher.publish(fs, file(lease.number()), toJson(lease));
    } catch (TuneQdmException e) {
      if (read(lease.number()).isEmpty()) {
        throw e;
      }
    }
    return read(lease.number()).map(there -> there.holder().equals(lease.holder())).orElse(false);
  }

  /** Deletes the leases up to a number. */
  void deleteUpTo(long number) {
    try {
      for (long old : numbers()) {
        if (old <= number) {
          fs.delete(file(old), false);
        }
      }
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot delete a file in " + folder + ": " + e, e);
    }
  }

  private Path file(long number) {
    return new Path(folder, number + ".json");
  }

  private List<Long> numbers() {
    try {
      return Arrays.stream(fs.listStatus(folder))
          .map(FileStatus::getPath)
          .map(Path::getName)
          .filter(name -> NAME.matcher(name).matches())
          .map(name -> Long.valueOf(name.substring(0, name.indexOf('.'))))
          .sorted(Comparator.naturalOrder())
          .toList();
    } catch (FileNotFoundException e) {
      return List.of();
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot list " + folder + ": " + e, e);
    }
  }

  private Optional<Lease> read(long number) {
    Path file = file(number);
    try (InputStream in = fs.open(file)) {
      Content content = JSON.readValue(in.readNBytes(LARGEST), Content.class);
      if (content == null) {
        throw new DateTimeException("it says nothing");
      }
      return Optional.of(new Lease(number, content.holder(), Instant.parse(content.until())));
    } catch (FileNotFoundException e) {
      return Optional.empty();
    } catch (JsonProcessingException | DateTimeException e) {
      throw TuneQdmException.inputData(
          "Cannot read %s: %s (delete it where no job works on this run)"
              .formatted(file, e.getMessage()),
          e);
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot read " + file + ": " + e, e);
    }
  }

  private static byte[] toJson(Lease lease) {
    try {
      Content content = new Content(lease.holder(), lease.until().toString());
      return (JSON.writeValueAsString(content) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
