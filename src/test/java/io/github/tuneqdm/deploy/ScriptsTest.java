package io.github.tuneqdm.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.tuneqdm.deploy.DeployFolder.Ended;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ScriptsTest {
  /** Every script of the shell in the project. */
  static List<Path> scripts() {
    return Stream.of(".ci", "deploy", "jobs", "src/main/spark")
        .flatMap(folder -> DeployFolder.files(Path.of(folder), "").stream())
        .filter(
            file ->
                file.toString().endsWith(".sh")
                    || DeployFolder.text(file).startsWith("#!/usr/bin/env bash"))
        .toList();
  }

  @ParameterizedTest
  @MethodSource("scripts")
  void bashCanReadIt(Path script) {
    Ended ended = DeployFolder.run("bash", "-n", script.toString());

    assertThat(ended.output()).isEmpty();
    assertThat(ended.status()).isZero();
  }

  @Test
  void shellcheckHasNothingToSay() {
    assumeTrue(DeployFolder.has("shellcheck"), "Skipped: no shellcheck on the PATH");
    List<String> command = new ArrayList<>(List.of("shellcheck", "--severity=warning"));
    scripts().forEach(script -> command.add(script.toString()));

    assertThat(DeployFolder.run(java.util.Map.of(), command).output()).isEmpty();
  }
}
