package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.FaultyDisk;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.SafetensorsWriter;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tuning.StepRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunFolderTest {
  private static final List<StepRecord> STEPS = List.of(new StepRecord(1, 0.5, 1, 1e-4));

  @TempDir Path runs;

  private RunFolder run;
  private Path subject;

  @BeforeEach
  void open() {
    run = RunFolder.of(runs.toString(), "0123", new Configuration(false));
    subject = runs.resolve("0123/subjects/mug1");
  }

  /** Neither "there is no run" nor the run before it. */
  @Test
  void theNewestRunIsNotGuessedWhereTheStorageIsSilent() throws IOException {
    Files.createDirectories(runs.resolve("0123"));
    Files.writeString(runs.resolve("0123/run.conf"), "");
    assertThat(RunFolder.newest(runs.toString(), new Configuration(false)).id()).isEqualTo("0123");

    assertThatThrownBy(() -> RunFolder.newest("faulty:" + runs, FaultyDisk.configuration("silent")))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("0123/run.conf")
        .satisfies(
            e -> assertThat(((TuneQdmException) e).exitCode()).isEqualTo(ExitCode.ENVIRONMENT));
  }

  @Test
  void aLateAttemptWithOtherRoundingTakesOverWhatIsPublished() throws IOException {
    SubjectStatus first = run.publish(mug("0123", 1));
    Map<String, String> published = SparkTests.hashes(subject);

    assertThat(run.publish(mug("0123", 1.0001f))).isEqualTo(first);
    assertThat(SparkTests.hashes(subject)).isEqualTo(published);
  }

  @Test
  void whatAnAttemptPublishedBeforeItDiedIsFinishedByTheNext() throws IOException {
    run.publish(mug("0123", 1));
    Files.delete(subject.resolve("status.json"));
    Files.delete(subject.resolve("steps.parquet"));

    SubjectStatus status = run.publish(mug("0123", 1.0001f));

    assertThat(status.deltasSha256()).isEqualTo(Hashes.sha256(deltas("0123", 1)));
    assertThat(Hashes.sha256(subject.resolve("deltas.safetensors")))
        .isEqualTo(status.deltasSha256());
    assertThat(run.isDone("mug1")).isTrue();
  }

  @Test
  void theStatusSaysWhatASubjectCosts() throws IOException {
    SubjectStatus status = run.publish(mug("0123", 1));

    assertThat(status.trainedParameters()).isEqualTo(2);
    assertThat(status.storedBytes()).isEqualTo(Files.size(subject.resolve("deltas.safetensors")));
    assertThat(run.subjectStatus("mug1")).contains(status);
  }

  @Test
  void scalesOfAnotherRunAreNotTakenOver() throws IOException {
    Files.createDirectories(subject);
    SafetensorsWriter.write(
        subject.resolve("deltas.safetensors"),
        Map.of("conv_in.delta_out", StoredTensor.of(new float[] {1, 2}, 1, 2)),
        Map.of("run", "4567", "subject", "mug1"));

    assertThatThrownBy(() -> run.publish(mug("0123", 1)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("mug1/deltas.safetensors")
        .hasMessageContaining("move it away")
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.ENVIRONMENT);
    assertThat(subject.resolve("status.json")).doesNotExist();
  }

  @Test
  void aFailureDoesNotTakeBackWhatAnotherAttemptPublished() {
    run.publishFailure(SubjectStatus.failed("mug1", "no memory"));
    assertThat(run.isDone("mug1")).isFalse();
    run.publish(mug("0123", 1));

    run.publishFailure(SubjectStatus.failed("mug1", "no memory"));

    assertThat(run.isDone("mug1")).isTrue();
  }

  @Test
  void scalesThatTheirStatusDoesNotVouchForAreTrainedAgain() throws IOException {
    run.publish(mug("0123", 1));
    Files.delete(subject.resolve("deltas.safetensors"));

    SubjectStatus status = run.publish(mug("0123", 1.0001f));

    assertThat(Hashes.sha256(subject.resolve("deltas.safetensors")))
        .isEqualTo(status.deltasSha256());
    assertThat(run.subjectStatus("mug1")).contains(status);
  }

  private static TrainedSubject mug(String runId, float scale) {
    return new TrainedSubject("mug1", deltas(runId, scale), 2, STEPS, List.of());
  }

  private static List<ByteBuffer> deltas(String runId, float scale) {
    return SafetensorsWriter.toBuffers(
        Map.of("conv_in.delta_out", StoredTensor.of(new float[] {scale, 2}, 1, 2)),
        Map.of("run", runId, "subject", "mug1"));
  }
}
