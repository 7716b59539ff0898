package io.github.tuneqdm.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ContainerTest {
  private static final Path RECIPE = DeployFolder.ROOT.resolve("container/Dockerfile");

  @Test
  void itRunsAsAUserThatIsNotRoot() {
    assertThat(instructions("USER")).last().asString().matches("[1-9]\\d*:[1-9]\\d*");
  }

  @Test
  void nothingIsDownloaded() {
    assertThat(instructions("RUN"))
        .singleElement()
        .asString()
        .contains("-Dai.djl.offline=true")
        .doesNotContainPattern("\\b(curl|wget|apt|apt-get|apk|dnf|yum|pip|mvn|git)\\b");
    assertThat(instructions("ADD")).isEmpty();
  }

  @Test
  void whatIsCopiedIsBuiltOrInTheProjectAndNotIgnored() {
    List<String> sources =
        instructions("COPY").stream()
            .flatMap(copy -> Stream.of(copy.split(" ")))
            .filter(word -> !word.startsWith("--") && !word.equals("./"))
            .toList();
    List<String> kept =
        DeployFolder.text(RECIPE.resolveSibling("Dockerfile.dockerignore"))
            .lines()
            .filter(line -> line.startsWith("!"))
            .map(line -> line.substring(1))
            .toList();

    assertThat(sources).containsExactlyInAnyOrderElementsOf(kept);
    assertThat(sources)
        .allSatisfy(
            source ->
                assertThat(
                        source.startsWith("target/tuneqdm-spark")
                            || Path.of(source).toFile().isFile())
                    .as(source)
                    .isTrue());
  }

  @Test
  void itsWritableFoldersAreTheOnesThatPodsMount() {
    String volumes = instructions("VOLUME").get(0);

    assertThat(volumes).isEqualTo("[\"/tmp\", \"/opt/spark/work-dir\", \"/var/cache/tuneqdm\"]");
    for (String pod : List.of("driver-pod.yaml", "executor-pod.yaml")) {
      assertThat(DeployFolder.text(DeployFolder.ROOT.resolve("kubernetes/" + pod)))
          .contains(
              "mountPath: /tmp", "mountPath: /opt/spark/work-dir", "mountPath: /var/cache/tuneqdm");
    }
  }

  /** What stands behind an instruction, wherever it is given, on one line. */
  private static List<String> instructions(String name) {
    return DeployFolder.text(RECIPE)
        .replaceAll("\\\\\n\\s*", "")
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .map(line -> line.substring(name.length() + 1))
        .toList();
  }
}
