package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.Hashes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SubjectCatalogTest {
  @TempDir Path folder;

  @Test
  void theDemosSubjectsAreReadInNameOrder() {
    List<SubjectEntry> subjects =
        SubjectCatalog.read(
            config(Path.of("src/demo/toyworld/subjects")),
            new Configuration(),
            List.of("mug1", "ball1"));

    assertThat(subjects).extracting(SubjectEntry::name).containsExactly("ball1", "mug1");
    SubjectEntry ball = subjects.get(0);
    assertThat(ball.classNoun()).isEqualTo("ball");
    assertThat(ball.identifier()).isEqualTo("sks");
    assertThat(ball.instancePrompt()).isEqualTo("a photo of a sks ball");
    assertThat(ball.photos()).hasSize(5);
    assertThat(ball.photos().get(0).sha256())
        .isEqualTo(Hashes.sha256(Path.of("src/demo/toyworld/subjects/ball1/0.png")));
  }

  @Test
  void withoutATableNamesSayWhatSubjectsAre() throws IOException {
    photo("dog_2/a.JPG");
    photo("dog_2/b.png");
    photo("dog_2/notes.txt");
    photo("dog_2/.hidden.png");
    photo("teddy-bear1/a.png");
    Files.createDirectory(folder.resolve("empty"));
    Files.createDirectory(folder.resolve(".cache"));

    List<SubjectEntry> subjects = read();

    assertThat(subjects)
        .extracting(SubjectEntry::name, SubjectEntry::instancePrompt, s -> s.photos().size())
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("dog_2", "a photo of sks dog", 2),
            org.assertj.core.groups.Tuple.tuple("empty", "a photo of sks empty", 0),
            org.assertj.core.groups.Tuple.tuple("teddy-bear1", "a photo of sks teddy bear", 1));
  }

  @Test
  void aSubjectOfTheTableWithoutAFolderHasNoPhotos() throws IOException {
    Files.writeString(folder.resolve("subjects.csv"), "name,class\nghost,ghost\n");

    assertThat(read()).singleElement().extracting(s -> s.photos().size()).isEqualTo(0);
  }

  @Test
  void dreamBoothsTableSaysWhatSubjectsAreWhereSubjectsCsvDoesNot() throws IOException {
    photo("mug1/a.png");
    photo("ball1/a.png");
    photo("dog_2/a.png");
    Files.writeString(folder.resolve("prompts_and_classes.txt"), DreamBoothFileTest.FORM);
    Files.writeString(folder.resolve("subjects.csv"), "name,class\nmug1,cup\n");

    assertThat(read())
        .extracting(SubjectEntry::instancePrompt)
        .containsExactly("a photo of sks toy ball", "a photo of sks dog", "a photo of sks cup");
  }

  @Test
  void aSubjectOfDreamBoothsTableWithoutAFolderIsNotThere() throws IOException {
    photo("mug1/a.png");
    Files.writeString(folder.resolve("prompts_and_classes.txt"), DreamBoothFileTest.FORM);

    assertThat(read()).extracting(SubjectEntry::name).containsExactly("mug1");
  }

  @ParameterizedTest
  @CsvSource({
    "a photo of a sks mug, mug, sks",
    "a photo of zwx stuffed animal, stuffed animal, zwx",
    "a photo of a mug, mug, sks",
    "a mug by sks, mug, sks",
    "mug, mug, sks"
  })
  void theIdentifierStandsBeforeTheClassNoun(String prompt, String noun, String identifier) {
    assertThat(SubjectCatalog.identifierIn(prompt, noun)).isEqualTo(identifier);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../ball1", "a..b", "", "-x", "a/b", "a b", "ünï"})
  void namesThatLeaveTheirFolderAreUsageErrors(String name) {
    assertThatThrownBy(
            () -> SubjectCatalog.read(config(folder), new Configuration(), List.of(name)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot use \"" + name + "\" (tuneqdm.data.names)")
        .extracting(e -> ((TuneQdmException) e).exitCode())
        .isEqualTo(ExitCode.USAGE);
  }

  @Test
  void anUnknownNameIsAUsageErrorThatListsTheKnown() throws IOException {
    photo("a/1.png");
    photo("b/1.png");

    assertThatThrownBy(() -> SubjectCatalog.read(config(folder), new Configuration(), List.of("c")))
        .hasMessageStartingWith("Cannot find subject c in ")
        .hasMessageEndingWith("there are a, b");
  }

  @Test
  void aMissingOrEmptyFolderIsBadInput() {
    for (Path data : List.of(folder, folder.resolve("none"))) {
      assertThatThrownBy(() -> SubjectCatalog.read(config(data), new Configuration(), List.of()))
          .extracting(e -> ((TuneQdmException) e).exitCode())
          .isEqualTo(ExitCode.INPUT_DATA);
    }
  }

  private List<SubjectEntry> read() {
    return SubjectCatalog.read(config(folder), new Configuration(), List.of());
  }

  private void photo(String path) throws IOException {
    Files.createDirectories(folder.resolve(path).getParent());
    Files.writeString(folder.resolve(path), path);
  }

  private static TuneQdmConfig config(Path subjects) {
    Map<String, String> overrides = Map.of("tuneqdm.data.subjects", subjects.toString());
    return new ConfigLayers(overrides, Map.of(), Optional.empty()).load();
  }
}
