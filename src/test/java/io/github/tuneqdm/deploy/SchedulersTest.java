package io.github.tuneqdm.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.tuneqdm.cli.CommandLines;
import io.github.tuneqdm.deploy.DeployFolder.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SchedulersTest {
  private static final Path DAG = DeployFolder.ROOT.resolve("airflow/tuneqdm_nightly.py");

  /** Prints the arguments and then the Spark settings of each SparkSubmitOperator, a line each. */
  private static final String READ_DAG =
      """
      import ast, sys
      for node in ast.walk(ast.parse(open(sys.argv[1]).read())):
          if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SparkSubmitOperator":
              given = {k.arg: k.value for k in node.keywords}
              print(*ast.literal_eval(given["application_args"]), sep="\\t")
              print(*ast.literal_eval(given["conf"]), sep="\\t")
      """;

  @TempDir private Path folder;

  @Test
  void theDagCompiles() {
    assumeTrue(DeployFolder.has("python3"), "Skipped: no python3 on the PATH");

    Ended ended =
        DeployFolder.run(
            Map.of("PYTHONPYCACHEPREFIX", folder.toString()),
            List.of("python3", "-W", "error", "-m", "py_compile", DAG.toString()));

    assertThat(ended.status()).as(ended.output()).isZero();
  }

  @Test
  void theDagStartsBothJobsWithOptionsThatThereAre() {
    assumeTrue(DeployFolder.has("python3"), "Skipped: no python3 on the PATH");

    Ended ended = DeployFolder.run("python3", "-c", READ_DAG, DAG.toString());

    List<List<String>> lines =
        ended.output().lines().map(line -> List.of(line.split("\t"))).toList();
    assertThat(lines).as(ended.output()).hasSize(4);
    assertThat(List.of(lines.get(0).get(0), lines.get(2).get(0)))
        .containsExactly("train-all-subjects", "evaluate");
    assertThat(CommandLines.complaint(lines.get(0))).isEmpty();
    assertThat(CommandLines.complaint(lines.get(2))).isEmpty();
    assertThat(SparkSettings.unknown(lines.get(1))).isEmpty();
    assertThat(SparkSettings.unknown(lines.get(3))).isEmpty();
  }

  @Test
  void systemdFindsNothingWrongWithTheUnits() throws IOException {
    assumeTrue(DeployFolder.has("systemd-analyze"), "Skipped: no systemd-analyze on the PATH");
    List<String> command = new ArrayList<>(List.of("systemd-analyze", "verify"));
    String home = Path.of("").toAbsolutePath().toString();
    for (Path unit : DeployFolder.files(DeployFolder.ROOT.resolve("systemd"), "")) {
      // It looks whether the programs are there.
      String text = DeployFolder.text(unit).replace("ExecStart=/opt/tuneqdm", "ExecStart=" + home);
      command.add(Files.writeString(folder.resolve(unit.getFileName()), text).toString());
    }

    Ended ended = DeployFolder.run(Map.of(), command);

    assertThat(ended.output().lines().filter(line -> line.contains("tuneqdm"))).isEmpty();
    assertThat(ended.status()).as(ended.output()).isZero();
  }

  @Test
  void onlyWhatAnotherTryCanMendIsTriedAgain() {
    assertThat(Stream.of("train", "evaluate"))
        .allSatisfy(
            job ->
                assertThat(
                        DeployFolder.text(
                            DeployFolder.ROOT.resolve("systemd/tuneqdm-" + job + ".service")))
                    .contains("\nRestart=on-failure\n", "\nRestartPreventExitStatus=2 3 5\n"));
  }
}
