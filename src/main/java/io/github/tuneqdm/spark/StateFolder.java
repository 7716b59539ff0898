package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.parallel.Background;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.tuning.TrainingState;
import io.github.tuneqdm.tuning.TrainingStates;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The training states of one batch: {@code state/batch-<i>/step-<n>-<sha256>.safetensors} in the
 * run's folder. The name vouches for the content, so a state needs no companion; its metadata says
 * whose it is. States are written beside training, one at a time.
 */
final class StateFolder implements TrainingStates, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StateFolder.class);
  private static final String FORMAT = "tuneqdm-state-1";
  private static final String STATES = "state";
  private static final String BATCH = "batch-";
  private static final String STEP = "step";
  private static final Pattern NAME =
      Pattern.compile(STEP + "-(\\d{8})-([0-9a-f]{64})\\.safetensors");

  private final FileSystem fs;
  private final Path folder;
  private final Map<String, String> owner;
  private final TuneQdmConfig config;
  private final Background writer = new Background(1);
  private final Deque<Path> valid = new ArrayDeque<>(); // read or written here, the newest last
  private final List<Path> damaged = new ArrayList<>();
  private volatile boolean writing;
  private int lastStep;
  private long lastTime = System.nanoTime();

  /**
   * @param subjects that train together, in order; a state of others is not used
   */
  StateFolder(RunFolder run, RunPlan plan, int batch, List<String> subjects, TuneQdmConfig config) {
    this.fs = run.fileSystem();
    this.folder = run.path(STATES + "/" + BATCH + batch);
    this.config = config;
    this.owner = new TreeMap<>();
    owner.put("format", FORMAT);
    owner.put("run", plan.runId());
    owner.put("base", plan.baseId());
    owner.put("batch", Integer.toString(batch));
    owner.put("subjects", String.join("\n", subjects));
    owner.put("config", config.renderOnly(RunPlan.DETERMINING));
  }

  /** The newest state that is whole and this batch's; those that are not are passed over. */
  @Override
  public Optional<TrainingState> latest() {
    lastTime = System.nanoTime();
    for (Path file : files()) {
      try {
        TrainingState state = read(file);
        valid.add(file);
        lastStep = state.step();
        return Optional.of(state);
      } catch (TuneQdmException e) {
        if (e.exitCode() == ExitCode.ENVIRONMENT) {
          throw e;
        }
        LOG.warn("{}; training goes on from the state before it", e.getMessage());
        damaged.add(file);
      }
    }
    return Optional.empty();
  }

  /** All states, the newest first. */
  private List<Path> files() {
    try {
      return Arrays.stream(fs.listStatus(folder))
          .filter(FileStatus::isFile)
          .map(FileStatus::getPath)
          .filter(file -> NAME.matcher(file.getName()).matches())
          .sorted(Comparator.comparing(Path::getName).reversed())
          .toList();
    } catch (FileNotFoundException e) {
      return List.of();
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot list " + folder + ": " + e, e);
    }
  }

  private TrainingState read(Path file) {
    Matcher name = NAME.matcher(file.getName());
    if (!name.matches()) {
      throw new IllegalArgumentException(file.toString());
    }
    int step = Integer.parseInt(name.group(1));
    try (SafetensorsFile tensors = SafetensorsFile.open(fs, file, name.group(2))) {
      if (!tensors.metadata().equals(metadata(step))) {
        throw TuneQdmException.inputData(
            "Cannot use the training state " + file + ": it is of other subjects or settings");
      }
      TrainingState state = TrainingState.fromTensors(tensors, file.toString());
      if (state.step() != step) {
        throw TuneQdmException.inputData(
            "Cannot use the training state " + file + ": it is of step " + state.step());
      }
      return state;
    }
  }

  private Map<String, String> metadata(int step) {
    Map<String, String> metadata = new LinkedHashMap<>(owner);
    metadata.put(STEP, Integer.toString(step));
    return metadata;
  }

  /** While a state is being written none is due: storage that is slow does not hold training up. */
  @Override
  public boolean isDue(int step) {
    int everySteps = config.checkpointEverySteps();
    int everySeconds = config.checkpointEverySeconds();
    return !writing
        && (everySteps > 0 && step - lastStep >= everySteps
            || everySeconds > 0
                && System.nanoTime() - lastTime >= TimeUnit.SECONDS.toNanos(everySeconds));
  }

  @Override
  public void keep(TrainingState state) {
    lastStep = state.step();
    lastTime = System.nanoTime();
    writing = true;
    writer.run(
        () -> {
          try {
            write(state);
          } finally {
            writing = false;
          }
        });
  }

  private void write(TrainingState state) {
    List<ByteBuffer> content =
        SafetensorsWriter.toBuffers(state.toTensors(), metadata(state.step()));
    String name = "%s-%08d-%s.safetensors".formatted(STEP, state.step(), Hashes.sha256(content));
    Path file = new Path(folder, name);
    Publisher.publish(fs, file, content);
    valid.addLast(file);
    while (valid.size() > config.checkpointKeep()) {
      valid.removeFirst();
    }
    if (valid.size() == config.checkpointKeep()) {
      deleteOlderThan(valid.getFirst());
    }
    damaged.forEach(this::delete);
    damaged.clear();
  }

  /**
   * Another attempt at this batch may write here too. It knows states that this one has not read,
   * so only what is older than one's own goes: the newest of all always stays.
   */
  private void deleteOlderThan(Path oldest) {
    files().stream().filter(file -> stepOf(file) < stepOf(oldest)).forEach(this::delete);
  }

  private static int stepOf(Path file) {
    return Integer.parseInt(file.getName().split("-")[1]);
  }

  private void delete(Path file) {
    try {
      fs.delete(file, false);
    } catch (IOException e) {
      LOG.warn("Cannot delete {}: {}", file, e.toString());
    }
  }

  /** Waits until the last state is written. */
  @Override
  public void close() {
    writer.close();
  }

  /** Deletes the states of all batches but those that still have to be trained. */
  static void sweep(RunFolder run, Set<Integer> unfinished) {
    FileSystem fs = run.fileSystem();
    Path states = run.path(STATES);
    Set<String> stay = unfinished.stream().map(index -> BATCH + index).collect(Collectors.toSet());
    try {
      for (FileStatus batch : fs.listStatus(states)) {
        if (!stay.contains(batch.getPath().getName())) {
          fs.delete(batch.getPath(), true);
        }
      }
      if (unfinished.isEmpty()) {
        fs.delete(states, true);
      }
    } catch (FileNotFoundException e) {
      return; // no batch has left a state
    } catch (IOException e) {
      LOG.warn(
          "Cannot delete the training states of finished batches in {}: {}", states, e.toString());
    }
  }

  /** Deletes everything; for a batch whose members are all published. */
  void delete() {
    try {
      fs.delete(folder, true);
    } catch (IOException e) {
      LOG.warn("Cannot delete {}: {}", folder, e.toString());
    }
  }
}
