package io.github.tuneqdm.deploy;

import static io.github.tuneqdm.deploy.DeployFolder.at;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.cli.CommandLines;
import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.ConfigSource;
import io.github.tuneqdm.deploy.DeployFolder.Ended;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.spark.deploy.SparkSubmitArguments;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import scala.jdk.javaapi.CollectionConverters;

/** Whatever {@code deploy/} and the pages tell to type is understood by Spark and by us. */
class CommandLinesIT {
  private static final Path HOME = Path.of("").toAbsolutePath();
  private static final Pattern OURS = Pattern.compile("/opt/tuneqdm/(jobs/[a-z-]+ .*)");

  @TempDir private Path folder;

  /** A SPARK_HOME whose spark-submit notes how it was called. */
  @BeforeEach
  void makeSpark() throws IOException {
    Path submit = Files.createDirectories(folder.resolve("bin")).resolve("spark-submit");
    Files.writeString(
        submit,
        """
        #!/usr/bin/env bash
        printf '%s\\0' "$@" END >>"$RECORD"
        """);
    assertThat(submit.toFile().setExecutable(true)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"standalone/train.sh", "yarn/train.sh"})
  void scriptsForClustersStartBothWaysRight(String script) throws IOException {
    List<SparkSubmitArguments> submitted =
        submitted(
            "deploy/" + script + " conf/sd14.conf -D tuneqdm.tuning.steps=10",
            Map.of("MASTER", "spark://head:7077"));

    assertThat(submitted).hasSize(script.startsWith("standalone") ? 2 : 1);
    assertThat(submitted)
        .allSatisfy(
            arguments -> {
              assertUnderstood(arguments);
              assertThat(CollectionConverters.asJava(arguments.childArgs()))
                  .contains("tuneqdm.tuning.steps=10");
              assertThat(properties(arguments))
                  .containsEntry("spark.executor.resource.gpu.amount", "1");
            });
  }

  @Test
  void theScriptForKubernetesStartsRight() throws IOException {
    SparkSubmitArguments arguments =
        submitted(
                "deploy/kubernetes/spark-submit.sh -D tuneqdm.tuning.steps=10",
                Map.of("API_SERVER", "https://example.com:6443"))
            .get(0);

    assertUnderstood(arguments);
    assertThat(arguments.master()).isEqualTo("k8s://https://example.com:6443");
    assertThat(properties(arguments).get("spark.kubernetes.driver.podTemplateFile"))
        .satisfies(file -> assertThat(Path.of(file)).isRegularFile());
    assertThat(properties(arguments).get("spark.kubernetes.executor.podTemplateFile"))
        .satisfies(file -> assertThat(Path.of(file)).isRegularFile());
  }

  static Stream<String> scheduled() {
    return Stream.of("systemd", "cron")
        .flatMap(name -> DeployFolder.files(DeployFolder.ROOT.resolve(name), "").stream())
        .flatMap(file -> DeployFolder.text(file).lines())
        .filter(line -> !line.startsWith("#"))
        .map(OURS::matcher)
        .filter(Matcher::find)
        .map(matcher -> matcher.group(1));
  }

  @ParameterizedTest
  @MethodSource("scheduled")
  void whatSystemdAndCronStartIsUnderstood(String command) throws IOException {
    assertThat(submitted(command, Map.of())).singleElement().satisfies(this::assertUnderstood);
  }

  @Test
  void systemdAndCronStartBothJobs() {
    assertThat(scheduled().map(command -> command.split(" ")[0]))
        .containsExactlyInAnyOrder(
            "jobs/train-all-subjects", "jobs/evaluate", "jobs/train-all-subjects", "jobs/evaluate");
  }

  @ParameterizedTest
  @ValueSource(strings = {"train.yaml", "evaluate.yaml"})
  void theOperatorsArgumentsAreUnderstood(String name) {
    Object spec =
        at(DeployFolder.documents(DeployFolder.ROOT.resolve("kubernetes/" + name)).get(0), "spec");

    assertThat(CommandLines.complaint(strings(at(spec, "arguments")))).isEmpty();
    assertThat(SparkSettings.unknown(strings(((Map<?, ?>) at(spec, "sparkConf")).keySet())))
        .isEmpty();
    assertThat(at(spec, "mainClass")).isEqualTo("io.github.tuneqdm.cli.Main");
  }

  @Test
  void theClustersConfigurationLoads() throws IOException {
    Path file = folder.resolve("tuneqdm.conf");
    Object configMap =
        DeployFolder.documents(DeployFolder.ROOT.resolve("kubernetes/prerequisites.yaml")).stream()
            .filter(document -> "ConfigMap".equals(document.get("kind")))
            .findFirst()
            .orElseThrow();
    Files.writeString(file, at(configMap, "data", "tuneqdm.conf").toString());

    assertThat(load(file, Map.of()).deviceKind()).isEqualTo("gpu");
  }

  @Test
  void workersOfAStandaloneClusterAreSetRight() {
    Ended ended =
        DeployFolder.run(
            "bash", "-c", "source deploy/standalone/spark-env.sh && echo $SPARK_WORKER_OPTS");

    List<String> keys =
        Stream.of(ended.output().strip().split("\\s+"))
            .map(option -> option.substring("-D".length(), option.indexOf('=')))
            .toList();
    assertThat(keys).contains("spark.worker.resource.gpu.discoveryScript");
    assertThat(SparkSettings.unknown(keys)).isEmpty();
  }

  static Stream<Path> pages() {
    return Stream.concat(
        Stream.of(Path.of("README.md"), Path.of("deploy/README.md")),
        DeployFolder.files(Path.of("src/docs"), ".md").stream());
  }

  @ParameterizedTest
  @MethodSource("pages")
  void commandsOnThePagesAreUnderstood(Path page) {
    List<List<String>> commands = commands(DeployFolder.text(page));

    assertThat(commands)
        .allSatisfy(
            command -> {
              assertThat(HOME.resolve(command.get(0))).isExecutable();
              assertThat(CommandLines.complaint(ours(command))).isEmpty();
              load(Path.of("conf/sd14.conf"), overrides(command));
            });
  }

  @Test
  void whatIsNotUnderstoodIsNoticed() {
    assertThat(CommandLines.complaint(List.of("evaluate", "--confg", "x"))).contains("--confg");
    assertThat(
            SparkSettings.unknown(
                List.of("spark.kubernetes.containr.image", "spark.executor.memory")))
        .containsExactly("spark.kubernetes.containr.image");
    assertThatThrownBy(() -> parsed(List.of("--mastr", "yarn", "a.jar")))
        .hasMessageContaining("--mastr");
  }

  private void assertUnderstood(SparkSubmitArguments arguments) {
    List<String> ours = new ArrayList<>(CollectionConverters.asJava(arguments.childArgs()));
    assertThat(CommandLines.complaint(ours)).isEmpty();
    assertThat(SparkSettings.unknown(properties(arguments).keySet())).isEmpty();
    assertThat(ours).contains("--config");
    load(Path.of("conf/sd14.conf"), overrides(ours));
  }

  /** Runs a line of shell in the project's folder and reads what it gave to spark-submit. */
  private List<SparkSubmitArguments> submitted(String line, Map<String, String> environment)
      throws IOException {
    Path record = folder.resolve("record");
    Map<String, String> all = new HashMap<>(environment);
    all.put("SPARK_HOME", folder.toString());
    all.put("RECORD", record.toString());
    Ended ended = DeployFolder.run(all, List.of("bash", "-c", line));
    assertThat(ended.status()).as(ended.output()).isZero();
    return Stream.of(Files.readString(record).split("END\0"))
        .map(call -> parsed(List.of(call.split("\0"))))
        .toList();
  }

  private static SparkSubmitArguments parsed(List<String> arguments) {
    Map<String, String> environment = Map.of("HADOOP_CONF_DIR", "conf"); // YARN insists
    return new SparkSubmitArguments(
        CollectionConverters.asScala(arguments).toSeq(),
        scala.collection.immutable.Map$.MODULE$.from(CollectionConverters.asScala(environment)));
  }

  private static Map<String, String> properties(SparkSubmitArguments arguments) {
    return CollectionConverters.asJava(arguments.sparkProperties());
  }

  private static List<String> ours(List<String> command) {
    int start = command.indexOf("--") + 1;
    List<String> ours = new ArrayList<>();
    ours.add(command.get(0).substring("jobs/".length()));
    ours.addAll(command.subList(Math.max(1, start), command.size()));
    return ours;
  }

  private static Map<String, String> overrides(List<String> arguments) {
    Map<String, String> overrides = new LinkedHashMap<>();
    for (int i = 0; i + 1 < arguments.size(); i++) {
      if (arguments.get(i).equals("-D")) {
        String[] pair = arguments.get(i + 1).split("=", 2);
        overrides.put(pair[0], pair[1]);
      }
    }
    return overrides;
  }

  private static io.github.tuneqdm.config.TuneQdmConfig load(
      Path file, Map<String, String> overrides) {
    return new ConfigLayers(overrides, Map.of(), Optional.of(ConfigSource.file(file))).load();
  }

  /** The words of each line in a block of shell that starts one of our jobs. */
  private static List<List<String>> commands(String page) {
    List<List<String>> commands = new ArrayList<>();
    boolean inShell = false;
    for (String line : page.replace("\\\n", " ").lines().toList()) {
      if (line.startsWith("```")) {
        inShell = line.equals("```sh");
      } else if (inShell && line.startsWith("jobs/")) {
        commands.add(List.of(line.replaceFirst("\\s#.*", "").strip().split("\\s+")));
      }
    }
    return commands;
  }

  private static List<String> strings(Object list) {
    return ((java.util.Collection<?>) list).stream().map(Object::toString).toList();
  }
}
