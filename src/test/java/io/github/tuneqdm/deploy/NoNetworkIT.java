package io.github.tuneqdm.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.tuneqdm.deploy.DeployFolder.Ended;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** All commands of the demo, as real processes without a network: nobody calls home. */
class NoNetworkIT {
  private static final Path HOME = Path.of("").toAbsolutePath();
  private static final Path WORK = HOME.resolve("target/no-network");

  private static List<String> said = List.of();

  @BeforeAll
  static void runTheDemo() throws IOException {
    List<String> alone = alone();
    delete();
    Files.createDirectories(WORK.resolve("goldens/dino_vit"));
    for (String golden :
        List.of("dino_vit.safetensors", "dino_vit/config.json", "dino_vit/model.safetensors")) {
      Files.copy(
          HOME.resolve("src/test/goldens").resolve(golden),
          WORK.resolve("goldens").resolve(golden));
    }
    Files.writeString(WORK.resolve("prompts.txt"), "a photo of a {0} {1}\n");
    Path script = WORK.resolve("no-network.sh");
    try (InputStream text = NoNetworkIT.class.getResourceAsStream("no-network.sh")) {
      Files.copy(text, script);
    }
    List<String> command = new ArrayList<>(alone);
    command.addAll(List.of("bash", script.toString(), HOME.toString(), WORK.toString()));
    Ended ended = DeployFolder.run(Map.of(), command);
    assertThat(ended.status()).as(ended.output()).isZero();
    said = ended.output().lines().toList();
    said.forEach(System.out::println);
  }

  /** The command that gives a process namespaces of its own. */
  private static List<String> alone() {
    List<String> asRoot = List.of("unshare", "--net", "--mount");
    List<String> asUser = List.of("unshare", "--user", "--map-root-user", "--net", "--mount");
    for (List<String> start : List.of(asRoot, asUser)) {
      List<String> probe = new ArrayList<>(start);
      probe.addAll(List.of("ip", "link", "set", "lo", "up"));
      if (DeployFolder.has("unshare") && DeployFolder.run(Map.of(), probe).status() == 0) {
        return start;
      }
    }
    String reason = "Skipped: unshare and ip may not make a network namespace here";
    System.out.println(reason);
    assumeTrue(false, reason);
    return List.of();
  }

  @Test
  void everyCommandOfTheDemoEndsWell() throws IOException {
    for (String command :
        List.of(
            "bench",
            "inspect",
            "verify-model",
            "quantize-base",
            "train-all-subjects",
            "evaluate")) {
      assertThat(said)
          .as(DeployFolder.text(WORK.resolve(command + ".log")))
          .anyMatch(line -> line.startsWith(command + ": 0 at "));
    }
    try (Stream<Path> all = Files.walk(WORK.resolve("runs"))) {
      assertThat(all.map(Path::getFileName).map(Path::toString))
          .contains("ball1", "cube1", "deltas.safetensors", "scores.parquet", "index.html");
    }
  }

  @Test
  void nothingTriesToReachTheNetwork() {
    assertThat(said).contains("dropped: 0");
    assertThat(said).anyMatch(line -> line.matches("dropped after a try: [1-9]\\d*"));
  }

  @Test
  void nothingButTheFoldersForItIsWrittenTo() {
    assertThat(said).noneMatch(line -> line.startsWith("writable: "));
  }

  @AfterAll
  static void delete() throws IOException {
    if (Files.exists(WORK)) {
      try (Stream<Path> all = Files.walk(WORK)) {
        all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
      }
    }
  }
}
