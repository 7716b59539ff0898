package io.github.tuneqdm.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.StudySettings.Cell;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StudySettingsTest {
  private static final String CELLS = "cells = [{ name = a }]";

  @TempDir Path folder;

  @Test
  void aStudyIsReadAsItIsWritten() {
    StudySettings study =
        load(
            """
            tuneqdm.tuning.steps = 7
            tuneqdm.study {
              name = my-study, seeds = [3, 1], subjects = [ball1, mug1], reference = b, parallel = 2
              search { folds = 2, seed = 9, score = dino }
              cells = [
                { name = a, settings { tuning { experts = 2 }, quantizer.bits = 8 }, learning-rates = [1e-3, 1e-4] }
                { name = b, learning-rates = [3e-5], learning-rate-source = "a paper" }
              ]
            }
            """);

    assertThat(study.name()).isEqualTo("my-study");
    assertThat(study.seeds()).containsExactly(3L, 1L);
    assertThat(study.subjects()).containsExactly("ball1", "mug1");
    assertThat(study.reference()).contains("b");
    assertThat(study.search()).contains(new StudySettings.Search(List.of(), 2, 9, "dino"));
    assertThat(study.shared().tuningSteps()).isEqualTo(7);
    assertThat(study.shared().studyParallel()).isEqualTo(2);
    Cell a = study.cells().get(0);
    assertThat(a.settings())
        .isEqualTo(Map.of("tuneqdm.tuning.experts", "2", "tuneqdm.quantizer.bits", "8"));
    assertThat(a.learningRates()).containsExactly(1e-4, 1e-3);
    assertThat(a.isSearched()).isTrue();
    Cell b = study.cells().get(1);
    assertThat(b.isSearched()).isFalse();
    assertThat(b.learningRateSource()).contains("a paper");
    assertThat(b.config().tuningExperts()).isEqualTo(4);
  }

  @Test
  void theRunOfACellHasItsSettingsItsRateItsSeedAndItsSubjects() {
    StudySettings study =
        load(
            "tuneqdm.data.names = [x]\ntuneqdm.study { name = s, seeds = [1], cells = [{ name = a,"
                + " settings { tuning.experts = 2 } }] }");

    TuneQdmConfig run = study.cells().get(0).run(3e-5, 8, List.of("ball1", "mug1"));

    assertThat(run.tuningExperts()).isEqualTo(2);
    assertThat(run.tuningLearningRate()).isEqualTo(3e-5);
    assertThat(run.tuningSeed()).isEqualTo(8);
    assertThat(run.dataNames()).containsExactly("ball1", "mug1");
    assertThat(study.shared().tuningExperts()).isEqualTo(4);
  }

  @Test
  void aGridIsACellForEachCombinationOfItsValues() {
    StudySettings study =
        load(
            """
            tuneqdm.study { name = s, seeds = [1], cells = [{
              name = PEQA, settings { tuning.train-delta-in = false }
              grid { quantizer.bits = [8, 2], tuning.experts = [1, 4] }
            }] }
            """);

    assertThat(study.cells())
        .extracting(Cell::name)
        .containsExactly(
            "PEQA, bits 8, experts 1",
            "PEQA, bits 8, experts 4",
            "PEQA, bits 2, experts 1",
            "PEQA, bits 2, experts 4");
    TuneQdmConfig last = study.cells().get(3).config();
    assertThat(last.quantizerBits()).isEqualTo(2);
    assertThat(last.tuningExperts()).isEqualTo(4);
    assertThat(last.tuningTrainDeltaIn()).isFalse();
  }

  @Test
  void theFileLiesOverTheConfigurationAndUnderTheCommandLine() throws IOException {
    Path below = folder.resolve("below.conf");
    Files.writeString(below, "tuneqdm.tuning { steps = 1, batch-size = 1, experts = 1 }");
    String file =
        "tuneqdm.tuning { steps = 2, batch-size = 2 }\ntuneqdm.study { name = s, seeds = [1], "
            + CELLS
            + " }";

    StudySettings study = load(file, ConfigSource.file(below), Map.of("tuneqdm.tuning.steps", "3"));

    assertThat(study.shared().tuningSteps()).isEqualTo(3);
    assertThat(study.shared().tuningBatchSize()).isEqualTo(2);
    assertThat(study.shared().tuningExperts()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "seeds = [1], cells = [{ name = a }] | name is missing",
        "name = a/b, seeds = [1], cells = [{ name = a }] | Cannot use name = a/b",
        "name = s, cells = [{ name = a }] | seeds is missing",
        "name = s, seeds = [], cells = [{ name = a }] | it must be a list of at least one whole",
        "name = s, seeds = [1, 1], cells = [{ name = a }] | whole numbers, none twice",
        "name = s, seeds = [1.5], cells = [{ name = a }] | whole numbers, none twice",
        "name = s, seeds = 1, cells = [{ name = a }] | Cannot use seeds = 1",
        "name = s, seeds = [1], cells = [] | a list of at least one cell",
        "name = s, seeds = [1], cells = [a] | Cannot use a cell",
        "name = s, seed = [1], cells = [{ name = a }] | Unknown key seed of tuneqdm.study",
        "name = s, seeds = [1], cells = [{ name = a, rates = [1] }] | Unknown key rates of cell",
        "name = s, seeds = [1], cells = [{ name = a, settings { quantizer.bit = 2 } }] | did you mean quantizer.bits",
        "name = s, seeds = [1], cells = [{ name = a, settings { quantizer.bits = 3 } }] | it must be one of 2, 4, 8",
        "name = s, seeds = [1], cells = [{ name = a, settings { quantizer.bits = null } }] | quantizer.bits = null",
        "name = s, seeds = [1], cells = [{ name = a, settings { evaluate.steps = 3 } }] | Cannot use evaluate.steps",
        "name = s, seeds = [1], cells = [{ name = a, settings { tuning.seed = 3 } }] | Cannot use tuning.seed",
        "name = s, seeds = [1], cells = [{ name = a }, { name = a }] | two cells with the name",
        "name = s, seeds = [1], cells = [{ name = a }, { name = b }] | their settings are the same",
        "name = s, seeds = [1], cells = [{ name = a, grid { quantizer.bits = 4 } }] | it must be a list of values",
        "name = s, seeds = [1], cells = [{ name = a, learning-rates = [0] }] | numbers above 0",
        "name = s, seeds = [1], cells = [{ name = a, learning-rates = [11] }] | a number from 0 to 10",
        "name = s, seeds = [1], cells = [{ name = a, learning-rates = [1, 2] }] | the study has no search",
        "name = s, seeds = [1], reference = b, cells = [{ name = a }] | Cannot use reference = b",
        "name = s, seeds = [1], search { }, cells = [{ name = a }] | either subjects",
        "name = s, seeds = [1], search { folds = 2, subjects = [x] }, cells = [{ name = a }] | either subjects",
        "name = s, seeds = [1], search { folds = 1 }, cells = [{ name = a }] | from 2 to 100",
        "name = s, seeds = [1], subjects = [x, y], search { subjects = [y] }, cells = [{ name = a }] | on subjects of the final table: y",
      })
  void badStudiesAreRefused(String study, String message) {
    assertThatThrownBy(() -> load("tuneqdm.study { " + study + " }"))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining(message)
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
  }

  @Test
  void aFileWithoutAStudyIsRefused() {
    assertThatThrownBy(() -> load("tuneqdm.tuning.steps = 2"))
        .hasMessageContaining("Cannot find a study");
  }

  @Test
  void anOverrideThatTheStudyWouldNotHeedIsRefused() {
    String file =
        "tuneqdm.study { name = s, seeds = [1], cells = [{ name = a, settings { quantizer.bits = 2"
            + " } }] }";

    assertThatThrownBy(() -> load(file, nothing(), Map.of("tuneqdm.quantizer.bits", "8")))
        .hasMessageContaining("Cannot use -D tuneqdm.quantizer.bits: the study's cell \"a\"");
    assertThatThrownBy(() -> load(file, nothing(), Map.of("tuneqdm.tuning.seed", "8")))
        .hasMessageContaining("Cannot use -D tuneqdm.tuning.seed");
  }

  @Test
  void aStudysFileIsNoConfiguration() throws IOException {
    Path file = folder.resolve("study.conf");
    Files.writeString(file, "tuneqdm.study { name = s }");

    assertThatThrownBy(
            () -> new ConfigLayers(Map.of(), Map.of(), Optional.of(ConfigSource.file(file))).load())
        .hasMessageContaining("Unknown key tuneqdm.study.name")
        .hasMessageContaining("jobs/study --study FILE");
  }

  @ParameterizedTest
  @CsvSource({"quick.conf, 2, both scales", "toyworld.conf, 23, 'TuneQDM, bits 4'"})
  void theReadyStudiesLoad(String file, int cells, String reference) {
    StudySettings study =
        new ConfigLayers(
                Map.of(),
                Map.of("tuneqdm.demo.dir", "src/demo/toyworld"),
                Optional.of(
                    ConfigSource.study(
                        Path.of("conf/studies", file),
                        ConfigSource.file(Path.of("conf/toyworld.conf")))))
            .loadStudy();

    assertThat(study.cells()).hasSize(cells);
    assertThat(study.reference()).contains(reference);
  }

  private static ConfigSource nothing() {
    return ConfigSource.text("", "nothing");
  }

  private StudySettings load(String file) {
    return load(file, nothing(), Map.of());
  }

  private StudySettings load(String file, ConfigSource below, Map<String, String> overrides) {
    Path path = folder.resolve("my-study.conf");
    try {
      Files.writeString(path, file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return new ConfigLayers(overrides, Map.of(), Optional.of(ConfigSource.study(path, below)))
        .loadStudy();
  }
}
