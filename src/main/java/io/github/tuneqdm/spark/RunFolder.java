package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.storage.Attempts;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Moves;
import io.github.tuneqdm.storage.ParquetTable;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.SafetensorsFile;
import io.github.tuneqdm.storage.ScalarEvents;
import io.github.tuneqdm.storage.StorageProblem;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tuning.StepRecord;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;

/** The files of one run and how they are read and published; the same on any storage. */
public final class RunFolder {
  private static final ParquetTable<StepRecord> STEPS = ParquetTable.of(StepRecord.class);
  private static final String DELTAS = "subjects/%s/deltas.safetensors";
  private static final String EVENTS = "subjects/%s/events.out.tfevents.0.tuneqdm";

  /** Figures of each batch's training; they are no result of the run. */
  static final String SPEED = "speed";

  private static final String RUN_CONF = "run.conf";
  private static final String PROTOCOL = "protocol.json";

  /**
   * In this order: the protocol goes last, so that an interrupted move is finished the next time.
   */
  private static final List<String> OF_ONE_PROTOCOL =
      List.of(
          "report",
          "subject-scores.parquet",
          "scores.parquet",
          "images.parquet",
          "baselines",
          "images",
          PROTOCOL);

  private static final int LARGEST_TEXT = 64 << 20;

  private final FileSystem fs;
  private final Path root;

  private RunFolder(FileSystem fs, Path root) {
    this.fs = fs;
    this.root = root;
  }

  static RunFolder of(String runs, String runId, Configuration hadoop) {
    Path folder = new Path(runs, runId);
    FileSystem fs = Publisher.fileSystem(folder, hadoop);
    return new RunFolder(fs, fs.makeQualified(folder));
  }

  /**
   * The run that the configuration names, else the newest.
   *
   * @throws TuneQdmException (input data) where there is none; (environment) where the storage
   *     fails
   */
  public static RunFolder find(TuneQdmConfig config) {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    String runs = config.storageRuns();
    if (config.evaluateRun().isEmpty()) {
      return newest(runs, hadoop);
    }
    String id = SubjectName.require(config.evaluateRun().get(), "tuneqdm.evaluate.run");
    RunFolder run = of(runs, id, hadoop);
    if (!run.exists(RUN_CONF)) {
      throw TuneQdmException.inputData(
          "Cannot find the run " + run.root + " (tuneqdm.evaluate.run, tuneqdm.storage.runs)");
    }
    return run;
  }

  /** The run whose training was started last. */
  static RunFolder newest(String runs, Configuration hadoop) {
    Path folder = new Path(runs);
    FileSystem fs = Publisher.fileSystem(folder, hadoop);
    try {
      return Arrays.stream(fs.listStatus(folder))
          .filter(FileStatus::isDirectory)
          .flatMap(run -> startOf(fs, run.getPath()).stream())
          .max(Comparator.comparingLong(FileStatus::getModificationTime))
          .map(conf -> new RunFolder(fs, fs.makeQualified(conf.getPath().getParent())))
          .orElseThrow(() -> noRun(folder));
    } catch (FileNotFoundException e) {
      throw noRun(folder);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot list " + folder, e);
    }
  }

  /** None where the folder is no run's, or not ours to look into. */
  private static Optional<FileStatus> startOf(FileSystem fs, Path run) {
    Path conf = new Path(run, RUN_CONF);
    try {
      return Optional.of(fs.getFileStatus(conf));
    } catch (FileNotFoundException | AccessControlException | AccessDeniedException e) {
      return Optional.empty();
    } catch (IOException e) { // without it, an older run would pass for the newest
      throw StorageProblem.environment("Cannot read " + conf, e);
    }
  }

  private static TuneQdmException noRun(Path folder) {
    return TuneQdmException.inputData(
        "Cannot find a run in " + folder + ": run train-all-subjects first (tuneqdm.storage.runs)");
  }

  public String id() {
    return root.getName();
  }

  public Path root() {
    return root;
  }

  FileSystem fileSystem() {
    return fs;
  }

  Path path(String relative) {
    return new Path(root, relative);
  }

  Path deltas(String subject) {
    return path(DELTAS.formatted(subject));
  }

  Path steps(String subject) {
    return path("subjects/" + subject + "/steps.parquet");
  }

  private Path status(String subject) {
    return path("subjects/" + subject + "/status.json");
  }

  /**
   * Writes what the run was started with, makes this the newest run, and clears what dead attempts
   * left in it.
   */
  void start(RunPlan plan, String configuration) {
    sweepOld();
    Path conf = path(RUN_CONF);
    Publisher.publish(fs, path("plan.json"), plan.toJson());
    Publisher.replace(fs, conf, configuration.getBytes(StandardCharsets.UTF_8));
    try {
      fs.setTimes(conf, System.currentTimeMillis(), -1);
    } catch (IOException | UnsupportedOperationException e) {
      return; // object stores date a file by its last write, which was now
    }
  }

  /** Publishes the batches of a large run, which {@code plan.json} then refers to. */
  void publishTable(java.nio.file.Path table) {
    Path target = path(RunPlan.TABLE_FILE);
    if (plan().isPresent()) {
      return; // the table came first
    }
    try {
      fs.delete(target, false); // of a start that was cut off
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot write " + target + ": " + e, e);
    }
    Publisher.publish(fs, target, table);
  }

  /** The plan that the run was started with, if it was. */
  Optional<RunPlan> plan() {
    return text("plan.json").map(json -> RunPlan.fromJson(json, path("plan.json").toString()));
  }

  RunPlan planOrRefuse() {
    return plan()
        .orElseThrow(
            () ->
                TuneQdmException.inputData(
                    "Cannot read the run "
                        + root
                        + ": it has no plan.json (is it a run's folder?)"));
  }

  /** {@code run.conf}: what the run was started with. */
  public Optional<String> configuration() {
    return text(RUN_CONF).map(bytes -> new String(bytes, StandardCharsets.UTF_8));
  }

  Optional<SubjectStatus> subjectStatus(String subject) {
    return text("subjects/" + subject + "/status.json")
        .map(json -> SubjectStatus.fromJson(json, status(subject).toString()));
  }

  /** The photos that a subject was trained without. */
  List<RejectedPhoto> rejects(String subject) {
    return subjectStatus(subject).map(SubjectStatus::rejects).orElse(List.of());
  }

  boolean isDone(String subject) {
    return subjectStatus(subject).map(SubjectStatus::isDone).orElse(false);
  }

  /**
   * Publishes a trained subject: scales and steps first, the status that vouches for them last. Of
   * attempts that train the same subject the first to publish wins; a later one, whose numbers may
   * be rounded otherwise on a GPU, takes over what it finds.
   */
  SubjectStatus publish(TrainedSubject trained) {
    String subject = trained.name();
    Optional<SubjectStatus> first = vouchedFor(subject);
    if (first.isPresent()) {
      return first.get();
    }
    try {
      Publisher.Published published =
          Publisher.publishOrAdopt(fs, deltas(subject), trained.deltas());
      if (!published.sha256().equals(Hashes.sha256(trained.deltas()))) {
        requireTwin(subject, trained.deltas());
      }
      Publisher.publishOrAdopt(fs, steps(subject), STEPS.toBytes(trained.steps()));
      SubjectStatus status = SubjectStatus.done(trained, published.sha256(), published.length());
      write(status);
      return status;
    } catch (TuneQdmException e) {
      return vouchedFor(subject).orElseThrow(() -> e);
    }
  }

  /** A subject's steps as TensorBoard reads them; the first attempt's stay. */
  void publishEvents(String subject, List<StepRecord> steps) {
    ScalarEvents events = new ScalarEvents();
    for (StepRecord step : steps) {
      Map<String, Double> values = new LinkedHashMap<>();
      values.put("loss", step.loss());
      values.put("gradient norm", step.gradNorm());
      values.put("learning rate", step.learningRate());
      events.add(step.step(), values);
    }
    Publisher.publishOrAdopt(fs, path(EVENTS.formatted(subject)), events.toBytes());
  }

  /** The status of a subject whose published scales are those that it vouches for. */
  private Optional<SubjectStatus> vouchedFor(String subject) {
    return subjectStatus(subject)
        .filter(SubjectStatus::isDone)
        .filter(status -> exists(DELTAS.formatted(subject)))
        .filter(status -> Hashes.sha256(fs, deltas(subject)).equals(status.deltasSha256()));
  }

  /**
   * Scales of the same run and subject differ in their numbers alone: the file's header, with its
   * metadata, is the same.
   */
  private void requireTwin(String subject, List<ByteBuffer> deltas) {
    long length = deltas.stream().mapToLong(ByteBuffer::remaining).sum();
    int header = deltas.get(0).remaining() + deltas.get(1).remaining();
    ByteBuffer expected = ByteBuffer.allocate(header);
    expected.put(deltas.get(0).duplicate()).put(deltas.get(1).duplicate()).flip();
    Path file = deltas(subject);
    try (InputStream in = fs.open(file)) {
      boolean twin =
          fs.getFileStatus(file).getLen() == length
              && Arrays.equals(in.readNBytes(header), expected.array());
      if (!twin) {
        throw TuneQdmException.environment(
            "Cannot write %s: a file of another run is there already (move it away)"
                .formatted(file));
      }
    } catch (IOException e) {
      throw unreadable(DELTAS.formatted(subject), e);
    }
  }

  /** Says why a subject failed, unless another attempt did better. */
  void publishFailure(SubjectStatus failed) {
    if (!isDone(failed.subject())) {
      write(failed);
    }
  }

  /** Notes how fast a batch was trained; the last to train it is right. */
  void publishSpeed(int batch, TrainingSpeed speed) {
    Publisher.replace(fs, path(SPEED + "/batch-" + batch + ".json"), speed.toJson());
  }

  /** How fast the run's batches were trained, as far as it was noted; in no order. */
  List<TrainingSpeed> speeds() {
    return list(SPEED).stream()
        .filter(file -> file.matches(SPEED + "/batch-\\d+\\.json"))
        .map(file -> TrainingSpeed.fromJson(read(file), path(file).toString()))
        .toList();
  }

  /** Clears what attempts that must be dead by now left in the run. */
  void sweepOld() {
    Attempts.sweepOld(fs, root);
  }

  /** Clears folders in which all is published from whatever attempts left there. */
  void sweepAll(String... folders) {
    for (String folder : folders) {
      Attempts.sweepAll(fs, path(folder));
    }
  }

  private void write(SubjectStatus status) {
    Publisher.replace(fs, status(status.subject()), status.toJson());
  }

  List<StepRecord> readSteps(String subject) {
    return STEPS.read(fs, steps(subject));
  }

  /** Relative paths of the files in a folder of the run; none where it is not there. */
  Set<String> list(String folder) {
    try {
      return Arrays.stream(fs.listStatus(path(folder)))
          .filter(FileStatus::isFile)
          .map(file -> folder + "/" + file.getPath().getName())
          .collect(Collectors.toSet());
    } catch (FileNotFoundException e) {
      return Set.of();
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
  }

  /** Bytes of a file of the run. */
  long length(Path file) {
    try {
      return fs.getFileStatus(file).getLen();
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot read " + file, e);
    }
  }

  /** How many files lie in folders of the run and below. */
  long count(String... folders) {
    long files = 0;
    for (String folder : folders) {
      try {
        files += fs.getContentSummary(path(folder)).getFileCount();
      } catch (FileNotFoundException e) {
        continue; // not there yet
      } catch (IOException e) {
        throw unreadable(folder, e);
      }
    }
    return files;
  }

  byte[] read(String relative) {
    try (InputStream in = fs.open(path(relative))) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw unreadable(relative, e);
    }
  }

  /** When the run was started. */
  Instant started() {
    try {
      return Instant.ofEpochMilli(fs.getFileStatus(path("plan.json")).getModificationTime());
    } catch (IOException e) {
      throw unreadable("plan.json", e);
    }
  }

  /** A subject's scales, once it is sure that they are what was published. */
  DeltaScales readDeltas(String subject, ScaleLayout layout) {
    try (TensorSource tensors = openDeltas(subject)) {
      return DeltaScales.fromTensors(tensors, layout, deltas(subject).toString());
    }
  }

  /** What was published of a subject, once it is sure that it is that. */
  TensorSource openDeltas(String subject) {
    Path file = deltas(subject);
    String published = subjectStatus(subject).map(SubjectStatus::deltasSha256).orElse("");
    if (!Hashes.sha256(fs, file).equals(published)) {
      throw TuneQdmException.inputData(
          "Cannot use %s: its content does not match its sha256 in status.json (delete the subject's folder and train again)"
              .formatted(file));
    }
    return SafetensorsFile.open(fs, file, published);
  }

  /** {@code protocol.json}, if the run was evaluated. */
  Optional<EvaluationProtocol> protocol() {
    return text(PROTOCOL).map(json -> EvaluationProtocol.fromJson(json, path(PROTOCOL).toString()));
  }

  /** Whether {@code protocol.json} is this protocol. */
  boolean uses(EvaluationProtocol protocol) {
    return text(PROTOCOL).filter(json -> Arrays.equals(json, protocol.toJson())).isPresent();
  }

  /**
   * Makes {@code protocol.json} this protocol. Pictures and scores of another one are moved to
   * {@code earlier/}: they cannot be compared with what is made now.
   */
  void useProtocol(EvaluationProtocol protocol, PrintStream out) {
    byte[] json = protocol.toJson();
    Optional<byte[]> before = text(PROTOCOL);
    if (before.isPresent() && !Arrays.equals(before.get(), json)) {
      String earlier = "earlier/" + Hashes.sha256(before.get()).substring(0, 8);
      out.println(
          "The evaluation's settings changed: what was made with others is now in "
              + path(earlier));
      try {
        for (String made : OF_ONE_PROTOCOL) {
          Moves.move(fs, path(made), path(earlier + "/" + made));
        }
      } catch (IOException e) {
        throw StorageProblem.environment("Cannot clear " + root, e);
      }
    }
    Publisher.replace(fs, path(PROTOCOL), json);
  }

  boolean exists(String relative) {
    try {
      return fs.exists(path(relative));
    } catch (IOException e) {
      throw unreadable(relative, e);
    }
  }

  private Optional<byte[]> text(String relative) {
    Path file = path(relative);
    try {
      if (fs.getFileStatus(file).getLen() > LARGEST_TEXT) {
        throw TuneQdmException.inputData("Cannot read " + file + ": it is larger than 64 MiB");
      }
      try (InputStream in = fs.open(file)) {
        return Optional.of(in.readAllBytes());
      }
    } catch (FileNotFoundException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw unreadable(relative, e);
    }
  }

  private TuneQdmException unreadable(String relative, IOException e) {
    return StorageProblem.environment("Cannot read " + path(relative), e);
  }
}
