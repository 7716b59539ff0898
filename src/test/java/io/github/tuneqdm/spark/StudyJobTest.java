package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.ConfigSource;
import io.github.tuneqdm.config.StudySettings;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.spark.StudyJob.Result;
import io.github.tuneqdm.storage.ParquetTable;
import io.github.tuneqdm.study.SearchRow;
import io.github.tuneqdm.study.StudyMetric;
import io.github.tuneqdm.study.StudyRow;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StudyJobTest {
  private static final Path DEMO = Path.of("src/demo/toyworld").toAbsolutePath();
  private static final List<String> STABLE =
      List.of("results.parquet", "search.parquet", "protocol.json");

  @TempDir Path folder;

  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private String bases = "bases";
  private int leaseSeconds = 60;

  @Test
  void aStudyGoesOnWhereItWasAndSaysTheSameAgain() throws IOException {
    String study =
        """
        seeds = [1], subjects = [mug1, ball1], reference = both, search { folds = 2 }
        cells = [
          { name = both, learning-rates = [1e-4, 1e-3] }
          { name = out, settings { tuning { train-delta-in = false, experts = 1 } } }
        ]
        """;

    Result first = run(study);
    assertThat(first.exitCode()).isEqualTo(ExitCode.DONE);
    Path made = Path.of(URI.create(first.folder()));
    List<StudyRow> rows = ParquetTable.of(StudyRow.class).read(made.resolve("results.parquet"));
    assertThat(rows)
        .extracting(StudyRow::cell, StudyRow::subject)
        .containsExactly(
            tuple("both", "ball1"),
            tuple("both", "mug1"),
            tuple("out", "ball1"),
            tuple("out", "mug1"));
    assertThat(rows).allSatisfy(row -> assertThat(row.dino()).isBetween(-1.0, 1.0));
    assertThat(rows.get(0).storedBytes()).isGreaterThan(rows.get(2).storedBytes());
    assertThat(first.table().cells().get(1).differences()).containsKey(StudyMetric.CLIP_T);
    List<SearchRow> search = ParquetTable.of(SearchRow.class).read(made.resolve("search.parquet"));
    assertThat(search).extracting(SearchRow::learningRate).containsExactly(1e-4, 1e-3, 1e-4, 1e-3);
    assertThat(search.stream().filter(SearchRow::chosen)).hasSize(2);
    assertThat(made.resolve("protocol.json"))
        .content()
        .contains("promptsSha256", "chosenBy", "sample with identifier", "\"dino\"");
    assertThat(made.resolve("study.html")).content().contains("<h2>Difference to both</h2>");
    Map<String, String> before = SparkTests.hashes(made);
    Map<String, String> runsBefore = runs();

    said.reset();
    Result second = run(study);
    assertThat(said.toString(StandardCharsets.UTF_8)).doesNotContain("Sampling", "Scoring");
    assertThat(second.table()).isEqualTo(first.table());
    assertThat(SparkTests.hashes(made)).as("speeds are kept too").isEqualTo(before);

    Path lost = folder.resolve("runs").resolve(rows.get(2).runId());
    FileUtil.fullyDelete(lost.toFile());
    Files.delete(made.resolve("results.parquet"));
    run(study);
    assertThat(SparkTests.hashes(made)).containsAllEntriesOf(stable(before));
    assertThat(runs().keySet()).isEqualTo(runsBefore.keySet());
  }

  @Test
  void aCellThatFailsIsARowAndTheOthersAreMade() throws IOException {
    Result result =
        run(
            """
            seeds = [1], subjects = [ball1], reference = good, parallel = 2
            cells = [
              { name = bad, settings.tuning { weight-decay = 10, steps = 24 }, learning-rates = [10] }
              { name = good }
            ]
            """);

    assertThat(result.exitCode()).isEqualTo(ExitCode.SOME_SUBJECTS_FAILED);
    assertThat(result.table().cells().get(0).failures()).singleElement().asString().isNotBlank();
    assertThat(result.table().cells().get(1).subjects()).isEqualTo(1);
    assertThat(result.text()).contains("## Failed", "- bad: ");
    List<StudyRow> rows =
        ParquetTable.of(StudyRow.class)
            .read(Path.of(URI.create(result.folder())).resolve("results.parquet"));
    assertThat(rows.get(0).failure()).isNotBlank();
    assertThat(rows.get(0).dino()).isNull();
    assertThat(rows.get(1).failure()).isNull();
  }

  @Test
  void whereMachinesAloneAreToBlameTheExitStatusSaysSo() throws IOException {
    bases = "prompts.txt/bases"; // below a file

    Result result = run("seeds = [1], subjects = [ball1], cells = [{ name = a }]");

    assertThat(result.exitCode()).isEqualTo(ExitCode.ENVIRONMENT);
    assertThat(result.text()).contains("## Failed", "prompts.txt/bases");
  }

  @Test
  void aStudyThatIsTakenOverStopsAndLeavesTheFolderAsItIs() throws Exception {
    leaseSeconds = 3;
    String endless =
        "seeds = [1], subjects = [ball1], cells = [{ name = a, settings.tuning.steps = 1000000 }]";
    ExecutorService driver = Executors.newSingleThreadExecutor();
    try {
      Future<Result> running = driver.submit(() -> run(endless));
      Killing.await(() -> !Killing.files(folder, "/run.conf").isEmpty() || running.isDone());
      Path studies = folder.resolve("runs/studies");
      String id = studies.toFile().list()[0];
      RunFolder study = RunFolder.of(studies.toString(), id, new Configuration());
      LeaseFiles lease = new LeaseFiles(study);
      DriverProcess other = Killing.takeOver(lease);

      assertThatThrownBy(running::get)
          .cause()
          .hasMessageContaining("Cannot go on with the run ")
          .hasMessageContaining("has taken it over")
          .extracting(e -> ((TuneQdmException) e).exitCode())
          .isEqualTo(ExitCode.ENVIRONMENT);
      assertThat(lease.current().orElseThrow().holder()).isEqualTo(other);
      assertThat(studies.resolve(id).resolve("results.parquet")).doesNotExist();
    } finally {
      driver.shutdown();
    }
  }

  @Test
  void aSubjectThatIsNotThereIsRefusedBeforeAnyWork() {
    assertThatThrownBy(() -> run("seeds = [1], subjects = [nobody], cells = [{ name = a }]"))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("Cannot find subject nobody");
    assertThat(folder.resolve("runs")).doesNotExist();
  }

  @Test
  void aSubjectWithARateOfItsOwnIsRefused() throws IOException {
    Path data = Files.createDirectories(folder.resolve("data"));
    Files.createDirectories(data.resolve("mug1"));
    Files.copy(DEMO.resolve("subjects/mug1/0.png"), data.resolve("mug1/0.png"));
    Files.writeString(data.resolve("subjects.csv"), "name,class,learning-rate\nmug1,mug,1e-3\n");

    assertThatThrownBy(
            () -> run("seeds = [1], subjects = [mug1], cells = [{ name = a }]", data.toString()))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("Cannot study mug1: subjects.csv in " + data)
        .hasMessageContaining("sets its learning-rate");
    assertThat(folder.resolve("runs")).doesNotExist();
  }

  @Test
  void whatAllCellsNeedIsLookedAtBeforeAnyWork() {
    assertThatThrownBy(
            () ->
                run(
                    "seeds = [1], subjects = [mug1], cells = [{ name = a }] }, evaluate { prompts = nowhere.txt"))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("nowhere.txt");
    assertThat(folder.resolve("runs")).doesNotExist();
  }

  @Test
  void cellsMayShareARun() throws IOException {
    Result result =
        run(
            """
            seeds = [1], subjects = [ball1, mug1], parallel = 2, search { subjects = [cube1] }
            cells = [
              { name = fixed, settings { tuning.experts = 1 }, learning-rates = [1e-3] }
              { name = searched, settings { tuning.experts = 1 }, learning-rates = [1e-4, 1e-3] }
            ]
            """);

    assertThat(result.exitCode()).isEqualTo(ExitCode.DONE);
    assertThat(result.table().cells()).allMatch(cell -> cell.failures().isEmpty());
  }

  @Test
  void theProtocolTellsWhatARecipeBringsAlong() throws IOException {
    Result result =
        run(
            """
            seeds = [1], subjects = [mug1]
            cells = [{ name = paper, settings { tuning.recipe = paper } }]
            """);

    assertThat(Path.of(URI.create(result.folder())).resolve("protocol.json"))
        .content()
        .contains("\"tuneqdm.tuning.parametrization\" : \"absolute\"")
        .contains("\"tuneqdm.tuning.lr-schedule\" : \"constant\"");
  }

  private static Map<String, String> stable(Map<String, String> hashes) {
    return STABLE.stream().collect(Collectors.toMap(name -> name, hashes::get));
  }

  /** Folders of runs. */
  private Map<String, String> runs() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("runs"))) {
      return files.collect(Collectors.toMap(file -> file.getFileName().toString(), file -> ""));
    }
  }

  /** Two steps of training, two prompts, two steps of sampling. */
  private Result run(String study) throws IOException {
    return run(study, DEMO.resolve("subjects").toString());
  }

  private Result run(String study, String data) throws IOException {
    Path prompts = folder.resolve("prompts.txt");
    Files.writeString(prompts, "a photo of a {0} {1}\na {0} {1} at night\n");
    Path file = folder.resolve("study.conf");
    Files.writeString(
        file,
        """
        tuneqdm {
          storage { runs = "%1$s/runs", bases = "%1$s/%4$s", lease-seconds = %5$d }
          data.subjects = "%3$s"
          tuning { steps = 2, batch-size = 1 }
          evaluate { prompts = "%1$s/prompts.txt", steps = 2 }
          study { name = tiny, %2$s }
        }
        """
            .formatted(folder, study, data, bases, leaseSeconds));
    StudySettings settings =
        new ConfigLayers(
                Map.of(),
                Map.of("tuneqdm.demo.dir", DEMO.toString()),
                Optional.of(
                    ConfigSource.study(file, ConfigSource.file(Path.of("conf/toyworld.conf")))))
            .loadStudy();
    try (SparkTests.Master master = SparkTests.Master.local();
        OnDemandSpark spark = new OnDemandSpark("test", settings.shared())) {
      assertThat(master).isNotNull();
      return new StudyJob(
              settings,
              spark,
              SparkTests.nowhere(),
              new PrintStream(said, true, StandardCharsets.UTF_8))
          .run();
    }
  }
}
