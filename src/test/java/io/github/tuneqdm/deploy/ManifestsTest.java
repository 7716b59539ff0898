package io.github.tuneqdm.deploy;

import static io.github.tuneqdm.deploy.DeployFolder.at;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ManifestsTest {
  private static final Path FOLDER = DeployFolder.ROOT.resolve("kubernetes");
  private static final FieldTable FIELDS = FieldTable.read();

  static List<Path> manifests() {
    return DeployFolder.files(DeployFolder.ROOT, ".yaml");
  }

  @ParameterizedTest
  @MethodSource("manifests")
  void everyFieldIsKnownOfTheRightTypeAndNoneIsMissing(Path file) {
    List<Map<?, ?>> documents = DeployFolder.documents(file);

    assertThat(documents).isNotEmpty();
    assertThat(documents).flatExtracting(FIELDS::problems).isEmpty();
  }

  @Test
  void wrongFieldsAreNoticed() {
    Map<Object, Object> document =
        new LinkedHashMap<>(DeployFolder.documents(FOLDER.resolve("train.yaml")).get(0));
    Map<Object, Object> spec = new LinkedHashMap<>((Map<?, ?>) document.get("spec"));
    spec.remove("sparkVersion");
    spec.put("restartPolicy", Map.of("type", "Sometimes"));
    spec.put("sparkConfig", Map.of());
    spec.put("sparkConf", Map.of("spark.executor.resource.gpu.amount", 1));
    spec.put("volumes", List.of(Map.of("emptyDir", Map.of("sizeLimit", "5 GB"))));
    document.put("spec", spec);

    assertThat(FIELDS.problems(document))
        .containsExactlyInAnyOrder(
            "spec.sparkVersion is missing",
            "spec.restartPolicy.type must be Never|Always|OnFailure, not Sometimes",
            "spec.sparkConfig is no field of SparkApplicationSpec",
            "spec.sparkConf must be map, not {spark.executor.resource.gpu.amount=1}",
            "spec.volumes[0].name is missing",
            "spec.volumes[0].emptyDir.sizeLimit must be quantity, not 5 GB");
  }

  @Test
  void theTableAgreesWithTheOperatorsOwnDefinitionsWhereTheyAreGiven() {
    String folder = System.getProperty("tuneqdm.operator-crds");
    assumeTrue(
        folder != null,
        "Skipped: pass -Dtuneqdm.operator-crds=FOLDER with the operator's resource definitions");

    List<ResourceDefinition> definitions =
        DeployFolder.files(Path.of(folder), ".yaml").stream()
            .map(ResourceDefinition::read)
            .toList();

    assertThat(definitions)
        .extracting(ResourceDefinition::kind)
        .contains("SparkApplication", "ScheduledSparkApplication");
    for (ResourceDefinition definition : definitions) {
      if (FIELDS.objects().containsKey(definition.kind())) {
        assertThat(definition.disagreements(FIELDS)).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"train", "evaluate"})
  void theNightlyJobIsTheOneThatRunsOnce(String job) {
    Object once = at(DeployFolder.documents(FOLDER.resolve(job + ".yaml")).get(0), "spec");
    Map<?, ?> nightly = DeployFolder.documents(FOLDER.resolve(job + "-nightly.yaml")).get(0);

    assertThat(at(nightly, "spec", "template")).isEqualTo(once);
    assertThat(at(nightly, "spec", "schedule").toString()).matches("(\\d+ ){2}\\* \\* \\*");
    assertThat(at(nightly, "spec", "concurrencyPolicy")).isEqualTo("Forbid");
  }

  @Test
  void whatJobsNameIsThere() {
    Map<String, Set<String>> made = new LinkedHashMap<>();
    for (Map<?, ?> document : DeployFolder.documents(FOLDER.resolve("prerequisites.yaml"))) {
      made.computeIfAbsent(document.get("kind").toString(), kind -> new TreeSet<>())
          .add(at(document, "metadata", "name").toString());
    }
    Map<?, ?> spec = (Map<?, ?>) at(train(), "spec");

    assertThat(made.get("PersistentVolumeClaim"))
        .containsExactly(at(spec, "volumes", 0, "persistentVolumeClaim", "claimName").toString());
    assertThat(made.get("ServiceAccount"))
        .containsExactly(at(spec, "driver", "serviceAccount").toString());
    assertThat(made.get("ConfigMap"))
        .containsExactly(at(spec, "driver", "configMaps", 0, "name").toString());
    for (Object pod : pods()) {
      Set<Object> volumes = names(pod, "volumes");
      assertThat(volumes).containsAll(names(at(pod, "containers", 0), "volumeMounts"));
      assertThat(made).containsKeys("Role", "RoleBinding");
    }
  }

  /** Containers never run as root and write to nothing but volumes. */
  @Test
  void everyContainerIsLockedDown() {
    for (Object pod : pods()) {
      Object container = at(pod, "containers", 0);
      assertThat(at(pod, "securityContext", "runAsNonRoot")).isEqualTo(true);
      assertThat((Map<?, ?>) at(container, "securityContext"))
          .isEqualTo(
              Map.of(
                  "runAsNonRoot",
                  true,
                  "runAsUser",
                  185,
                  "runAsGroup",
                  185,
                  "readOnlyRootFilesystem",
                  true,
                  "allowPrivilegeEscalation",
                  false,
                  "capabilities",
                  Map.of("drop", List.of("ALL")),
                  "seccompProfile",
                  Map.of("type", "RuntimeDefault")));
      assertThat(((List<?>) at(container, "volumeMounts")).stream().map(m -> at(m, "mountPath")))
          .contains("/tmp", "/opt/spark/work-dir", "/var/cache/tuneqdm");
    }
  }

  @Test
  void secretsAreNamedNeverWritten() {
    for (Object pod : pods()) {
      for (Object variable : (List<?>) at(pod, "containers", 0, "env")) {
        assertThat(((Map<?, ?>) variable).keySet()).hasToString("[name, valueFrom]");
        assertThat(at(variable, "valueFrom", "secretKeyRef", "name")).isEqualTo("tuneqdm-s3");
      }
    }
    for (Path file : DeployFolder.files(DeployFolder.ROOT, "")) {
      assertThat(DeployFolder.text(file))
          .as(file.toString())
          .doesNotContain("kind: Secret\n", "stringData")
          .doesNotContainPattern(
              "(?i)(password|secret[._-]?(access[._-]?)?key|token)\\s*[=:]\\s*[\"']?[A-Za-z0-9+/]{8}");
    }
  }

  private static Map<?, ?> train() {
    return DeployFolder.documents(FOLDER.resolve("train.yaml")).get(0);
  }

  /** The pods that the manifests lead to, in one form. */
  private static List<Object> pods() {
    List<Object> pods = new ArrayList<>();
    for (String job : List.of("train", "evaluate")) {
      Map<?, ?> spec =
          (Map<?, ?>) at(DeployFolder.documents(FOLDER.resolve(job + ".yaml")).get(0), "spec");
      for (String role : List.of("driver", "executor")) {
        Map<?, ?> part = (Map<?, ?>) spec.get(role);
        pods.add(
            Map.of(
                "volumes", spec.get("volumes"),
                "securityContext", part.get("podSecurityContext"),
                "containers", List.of(part)));
      }
    }
    Stream.of("driver-pod.yaml", "executor-pod.yaml")
        .map(name -> at(DeployFolder.documents(FOLDER.resolve(name)).get(0), "spec"))
        .forEach(pods::add);
    return pods;
  }

  private static Set<Object> names(Object holder, String list) {
    Set<Object> names = new TreeSet<>();
    ((List<?>) at(holder, list)).forEach(member -> names.add(at(member, "name")));
    return names;
  }
}
