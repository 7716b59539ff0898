package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.fuzz.Fuzzer;
import io.github.tuneqdm.fuzz.Mutator;
import io.github.tuneqdm.spark.SubjectEntry.Photo;
import io.github.tuneqdm.tuning.StepRecord;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostileSubjectsTest {
  private static final Path DEMO = Path.of("src/demo/toyworld/subjects/mug1");

  @TempDir Path folder;

  static Stream<String> badNames() {
    return Stream.of(
        "",
        ".",
        "..",
        "../etc",
        "a/../b",
        "a/b",
        "a\\b",
        "/etc",
        "C:x",
        "a..b",
        ".hidden",
        "-rf",
        "--help",
        "_x",
        "a\0b",
        "a\nb",
        "a\tb",
        "a\u001b[31mb",
        "a".repeat(101),
        "a".repeat(300),
        "con",
        "NUL",
        "aux.txt",
        "COM1",
        "lpt9.csv",
        "dog.",
        "dog ",
        " dog",
        "a b",
        "d\u00f6g",
        "d\u043eg",
        "dog\u202egpj",
        "\ufeffdog",
        "\uff44og",
        "dog\u200b",
        "\ud83d\udc36",
        "\ud83d",
        "a:b",
        "a*b",
        "a|b",
        "<a>",
        "$(id)",
        "`id`",
        "a;b",
        "%2e%2e",
        "~",
        "*");
  }

  @ParameterizedTest
  @MethodSource("badNames")
  void badNamesAreUsageErrorsThatATerminalCanShow(String name) {
    assertThatThrownBy(() -> SubjectName.require(name, "subjects.csv, row 1"))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE))
        .hasMessageStartingWith("Cannot use \"")
        .hasMessageContaining("(subjects.csv, row 1) as a subject's name")
        .satisfies(
            e ->
                assertThat(e.getMessage())
                    .doesNotContain("\u001b", "\u202e", "\0", "\n", "\u200b")
                    .hasSizeLessThan(700));
  }

  @ParameterizedTest
  @ValueSource(strings = {"dog", "dog.2", "a-b_c.D", "console", "com10", "0", "nullable"})
  void goodNamesPass(String name) {
    assertThat(SubjectName.require(name, "x")).isEqualTo(name);
  }

  @Test
  void namesThatDifferInCaseAloneAreRefused() throws IOException {
    photo("Dog/1.png");
    photo("dog/1.png");

    assertThatThrownBy(this::read)
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.USAGE))
        .hasMessageStartingWith("Cannot use both Dog and dog as subjects of ")
        .hasMessageContaining("ignores case");
  }

  @Test
  void litterIsNoSubjectAndNoPhoto() throws IOException {
    photo("dog/1.png");
    for (String litter :
        List.of(
            ".DS_Store",
            "Thumbs.db",
            "._1.png",
            "desktop.ini",
            ".1.png.swp",
            "notes.txt",
            "README",
            "sub/2.png",
            "__MACOSX/._1.png",
            "3.png/inner.png",
            "1.xmp",
            ".hidden.jpg")) {
      photo("dog/" + litter);
    }
    for (String litter :
        List.of(
            ".DS_Store",
            ".git/x.png",
            "__MACOSX/x.png",
            "@eaDir/x.png",
            "lost+found/x.png",
            "$RECYCLE.BIN/x.png",
            "System Volume Information/x.png",
            "stray.png")) {
      photo(litter);
    }

    assertThat(read())
        .singleElement()
        .satisfies(
            dog -> assertThat(dog.photos()).extracting(Photo::fileName).containsExactly("1.png"));
  }

  @Test
  @Timeout(60)
  void linksThatLeadOutAndPipesAndHugeFilesAreNotOpened() throws Exception {
    Path secret = Files.writeString(folder.resolve("secret.png"), "another user's");
    Path data = Files.createDirectory(folder.resolve("data"));
    photo("data/dog/1.png");
    Files.createSymbolicLink(data.resolve("dog/2.png"), secret);
    Files.createSymbolicLink(data.resolve("dog/3.png"), Path.of("/dev/zero"));
    Files.createSymbolicLink(data.resolve("dog/4.png"), Path.of("1.png"));
    assertThat(new ProcessBuilder("mkfifo", data + "/dog/5.png").start().waitFor()).isZero();
    try (var huge = new java.io.RandomAccessFile(data + "/dog/6.png", "rw")) {
      huge.setLength(1L << 42);
    }

    SubjectEntry dog =
        SubjectCatalog.read(config(data, Map.of()), new Configuration(), List.of()).get(0);

    assertThat(dog.photos())
        .extracting(Photo::fileName, photo -> photo.problem().replaceAll(" \\(.*", ""))
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple("1.png", ""),
            org.assertj.core.groups.Tuple.tuple(
                "2.png", "it is a link that leads out of tuneqdm.data.subjects"),
            org.assertj.core.groups.Tuple.tuple("3.png", "it is not an ordinary file"),
            org.assertj.core.groups.Tuple.tuple("4.png", ""),
            org.assertj.core.groups.Tuple.tuple("5.png", "it is not an ordinary file"),
            org.assertj.core.groups.Tuple.tuple(
                "6.png", "4398046511104 bytes exceed the limit of 268435456"));
  }

  @Test
  void photosThatCannotBeUsedAreLeftOutWithTheirReasons() throws IOException {
    Files.createDirectories(folder.resolve("mug1"));
    for (String name : List.of("0.png", "1.png")) {
      Files.copy(DEMO.resolve(name), folder.resolve("mug1").resolve(name));
    }
    Files.write(folder.resolve("mug1/bad.jpg"), new byte[] {1, 2, 3});
    Files.write(
        folder.resolve("mug1/cut.png"),
        java.util.Arrays.copyOf(Files.readAllBytes(DEMO.resolve("2.png")), 900));
    Files.write(folder.resolve("mug1/empty.jpg"), new byte[0]);
    Files.write(
        folder.resolve("mug1/new.heic"), "\0\0\0\30ftypheic".getBytes(StandardCharsets.ISO_8859_1));

    SubjectPhotos photos = photos(Map.of());

    assertThat(photos.pictures()).hasSize(2).allMatch(picture -> picture.width() == 64);
    assertThat(photos.rejects())
        .extracting(RejectedPhoto::photo, RejectedPhoto::reason)
        .containsExactly(
            org.assertj.core.groups.Tuple.tuple(
                "bad.jpg", "Cannot read mug1/bad.jpg: it is no JPEG, PNG, BMP or GIF picture"),
            org.assertj.core.groups.Tuple.tuple(
                "cut.png", "Cannot read mug1/cut.png: the file is truncated (copy it again)"),
            org.assertj.core.groups.Tuple.tuple(
                "empty.jpg", "Cannot read mug1/empty.jpg: the file is empty"),
            org.assertj.core.groups.Tuple.tuple(
                "new.heic",
                "Cannot read mug1/new.heic: HEIF/AVIF pictures are not supported (convert it to PNG or JPEG)"));
  }

  @Test
  void limitsAreNamedByTheirKeysAndASubjectOfBadPhotosAloneFails() throws IOException {
    Files.createDirectories(folder.resolve("mug1"));
    Files.copy(DEMO.resolve("0.png"), folder.resolve("mug1/0.png"));
    Files.copy(DEMO.resolve("1.png"), folder.resolve("mug1/1.png"));

    for (String key : List.of("tuneqdm.data.max-photo-bytes", "tuneqdm.data.max-pixels")) {
      assertThatThrownBy(() -> photos(Map.of(key, "100")))
          .isInstanceOfSatisfying(
              TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
          .hasMessageStartingWith(
              "Cannot train mug1: none of its photos can be used (Cannot read mug1/0.png: ")
          .hasMessageContaining("(" + key + ")")
          .hasMessageEndingWith("; 1 more)");
    }
  }

  static Stream<Map.Entry<byte[], String>> badTables() {
    return Stream.of(
        Map.entry("name\na\0b".getBytes(StandardCharsets.UTF_8), "row 1 holds a control character"),
        Map.entry(
            "name,class\na,\u001b[2J".getBytes(StandardCharsets.UTF_8), "row 1 holds a control"),
        Map.entry(
            "name,class\na,caf\u00e9".getBytes(StandardCharsets.ISO_8859_1),
            "it is not UTF-8 text"),
        Map.entry("name\na".getBytes(StandardCharsets.UTF_16), "it is not UTF-8 text"),
        Map.entry(new byte[(16 << 20) + 1], "larger than 16 MiB"),
        Map.entry(
            ("name\n" + "a".repeat(5000)).getBytes(StandardCharsets.UTF_8),
            "more than 1000 characters"),
        Map.entry(
            ("name\n\"" + "a,\n".repeat(5000)).getBytes(StandardCharsets.UTF_8),
            "does a quote end?"),
        Map.entry("name\ra\rb".getBytes(StandardCharsets.UTF_8), "unknown column"),
        Map.entry("name;class\na;b".getBytes(StandardCharsets.UTF_8), "unknown column"),
        Map.entry(
            "name\nDog\ndog\n".getBytes(StandardCharsets.UTF_8), "Cannot use both Dog and dog"),
        Map.entry("name\ndog\ndog\n".getBytes(StandardCharsets.UTF_8), "dog is there twice"),
        Map.entry("\uFEFF\uFEFFname\ndog".getBytes(StandardCharsets.UTF_8), "unknown column"));
  }

  @ParameterizedTest
  @MethodSource("badTables")
  void badTablesAreRefused(Map.Entry<byte[], String> table) throws IOException {
    Files.write(folder.resolve("subjects.csv"), table.getKey());

    assertThatThrownBy(this::read)
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining(table.getValue());
  }

  @Test
  void aTableThatIsALinkElsewhereTellsNothingOfWhatIsThere() throws IOException {
    Path data = Files.createDirectory(folder.resolve("data"));
    Files.createSymbolicLink(data.resolve("subjects.csv"), Path.of("/etc/passwd"));

    assertThatThrownBy(
            () -> SubjectCatalog.read(config(data, Map.of()), new Configuration(), List.of()))
        .hasMessageContaining("leads out of tuneqdm.data.subjects")
        .hasMessageNotContaining("root");
  }

  @Test
  void cellsThatLookLikeFormulasAreTextAndQuotesDoNotSlowTheTableDown() {
    String quotes = "x" + "\"".repeat(900);
    StringBuilder text = new StringBuilder("name,class\nformula,\"=cmd|'/c calc'!A0\"\n");
    for (int i = 0; i < 10_000; i++) {
      text.append('s').append(i).append(',').append(quotes).append('\n');
    }

    SubjectTable table = SubjectTable.parse(text.toString(), "subjects.csv");

    assertThat(table.row("formula").classNoun()).isEqualTo("=cmd|'/c calc'!A0");
    assertThat(table.row("s9999").classNoun()).isEqualTo(quotes);
  }

  @Test
  @Tag("fuzz")
  void noTextBringsTheTableOfSubjectsDown() {
    Fuzzer.fuzz(
        "table of subjects",
        List.of(
            "name,class,instance_prompt\r\nmug1,mug,\"a photo of a \"\"sks\"\" mug\"\r\nb,,\r\n"
                .getBytes(StandardCharsets.UTF_8)),
        bytes -> SubjectTable.parse(new String(bytes, StandardCharsets.UTF_8), "subjects.csv"),
        (input, others, mutator) ->
            Mutator.latin1(
                mutator.tokens(
                    Mutator.latin1(input),
                    Pattern.compile("[,\"\\r\\n]"),
                    List.of(",", "\"", "\"\"", "\n", "\r\n", "name", "class", "../x"))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{",
        "{\"runId\":\"a\"}",
        "{\"runId\":\"a\",\"baseId\":\"b\",\"batches\":[null],\"torchThreads\":2}",
        "{\"runId\":\"a\",\"baseId\":\"b\",\"batches\":[[\"../../etc\"]],\"torchThreads\":2}",
        "{\"runId\":\"a\",\"baseId\":\"b\",\"batches\":[[null]],\"torchThreads\":2}",
        "{\"runId\":\"a\",\"baseId\":\"../b\",\"batches\":[[\"a\"]],\"torchThreads\":2}",
        "{\"runId\":\"a\",\"baseId\":\"b\",\"batches\":[[\"a\"]],\"torchThreads\":1e99}",
        "{\"runId\":\"a\",\"baseId\":\"b\",\"batches\":[[\"a\"]],\"evil\":true}"
      })
  void plansThatWereTamperedWithAreRefused(String json) {
    assertThatThrownBy(() -> RunPlan.fromJson(json.getBytes(StandardCharsets.UTF_8), "r/plan.json"))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageStartingWith("Cannot read r/plan.json: it is not the plan of a run")
        .hasMessageNotContaining("io.github");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "{\"state\":\"DONE\"}",
        "{\"subject\":\"a\",\"state\":\"MAYBE\"}",
        "{\"subject\":\"a\",\"state\":\"DONE\",\"steps\":\"x\"}"
      })
  void statesThatWereTamperedWithAreRefused(String json) {
    assertThatThrownBy(
            () -> SubjectStatus.fromJson(json.getBytes(StandardCharsets.UTF_8), "a/status.json"))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageStartingWith("Cannot read a/status.json: ")
        .hasMessageNotContaining("io.github");
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        "",
        "/etc/passwd",
        "../x.png",
        "images/../../x.png",
        "images/a/../b.png",
        "subjects/a.png",
        "images/a/0.png\n",
        "images//0.png",
        "images/a/0.jpg",
        "s3a://b/images/a/0.png"
      })
  void tablesCannotLeadToFilesOutsideTheRun(String path) {
    assertThat(PlannedImage.isOwn(path)).isFalse();
    assertThat(PlannedImage.isOwn("images/a.b/00-1002.png")).isTrue();
    assertThat(PlannedImage.isOwn(PlannedImage.folder("quantised un-tuned", "a") + "/00-1.png"))
        .isTrue();
  }

  @Test
  void rejectsComeBackFromTheStatus() {
    List<RejectedPhoto> rejects = List.of(new RejectedPhoto("a.png", "Cannot read d/a.png: no"));
    SubjectStatus status = SubjectStatus.done(trained(rejects), "00", 8);

    assertThat(SubjectStatus.fromJson(status.toJson(), "x")).isEqualTo(status);
    assertThat(
            new String(
                SubjectStatus.done(trained(List.of()), "00", 8).toJson(), StandardCharsets.UTF_8))
        .doesNotContain("rejects");
  }

  private static TrainedSubject trained(List<RejectedPhoto> rejects) {
    return new TrainedSubject("d", List.of(), 5, List.of(new StepRecord(2, 0.5, 1, 1e-4)), rejects);
  }

  private SubjectPhotos photos(Map<String, String> more) {
    TuneQdmConfig config = config(folder, more);
    SubjectEntry mug = SubjectCatalog.read(config, new Configuration(), List.of("mug1")).get(0);
    return SubjectPhotos.read(mug, config, new Configuration());
  }

  private List<SubjectEntry> read() {
    return SubjectCatalog.read(config(folder, Map.of()), new Configuration(), List.of());
  }

  private void photo(String path) throws IOException {
    Files.createDirectories(folder.resolve(path).getParent());
    Files.writeString(folder.resolve(path), path);
  }

  private static TuneQdmConfig config(Path subjects, Map<String, String> more) {
    Map<String, String> overrides = new HashMap<>(more);
    overrides.put("tuneqdm.data.subjects", subjects.toString());
    overrides.put("tuneqdm.data.resolution", "64");
    return new ConfigLayers(overrides, Map.of(), Optional.empty()).load();
  }
}
