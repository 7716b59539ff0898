package io.github.tuneqdm.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

/** The finished jar: what is in it, whose it is, and that two builds of it are the same. */
class ProductJarIT {
  private static final Path JAR = Path.of("target/tuneqdm-spark.jar");
  private static final Path SBOM = Path.of("target/tuneqdm-spark-sbom.json");

  /** When all that the build makes was made. */
  private static final LocalDateTime BUILT =
      OffsetDateTime.parse(System.getProperty("project.build.outputTimestamp"))
          .withOffsetSameInstant(ZoneOffset.UTC)
          .toLocalDateTime();

  /** A library whose classes, natives or scripts are in the jar. */
  private record Library(String artifact, String version) {}

  @Test
  void noEntryKnowsWhenItWasBuilt() throws IOException {
    List<? extends ZipEntry> entries = entries(JAR.toFile());

    assertThat(entries).noneMatch(entry -> entry.getTimeLocal().isAfter(BUILT));
    assertThat(entries.stream().filter(entry -> entry.getName().startsWith("io/github/tuneqdm/")))
        .isNotEmpty()
        .allMatch(entry -> entry.getTimeLocal().equals(BUILT));
  }

  @Test
  void entriesStandInAFixedOrder() throws IOException {
    List<String> ours =
        entries(JAR.toFile()).stream()
            .map(ZipEntry::getName)
            .filter(name -> name.startsWith("io/github/tuneqdm/") && !name.endsWith("/"))
            .toList();

    assertThat(ours).isSorted();
  }

  @Test
  void noticeNamesEveryLibraryInTheJarWithItsLicence() throws IOException {
    String notice;
    try (ZipFile jar = new ZipFile(JAR.toFile())) {
      notice = new String(jar.getInputStream(jar.getEntry("META-INF/NOTICE")).readAllBytes());
      assertThat(jar.getEntry("META-INF/LICENSE")).isNotNull();
    }
    List<String> paragraphs = List.of(notice.split("\n(?=  \\S)"));

    assertThat(libraries()).hasSizeGreaterThan(5);
    for (Library library : libraries()) {
      Pattern named = Pattern.compile("[a-z]:" + Pattern.quote(library.artifact()) + "\\b(?!-)");
      assertThat(paragraphs)
          .as(library.artifact())
          .anyMatch(text -> named.matcher(text).find() && text.matches("(?s).*[Ll]icen[cs]e.*"));
    }
  }

  @Test
  void theBillOfMaterialsListsEveryLibraryWithHashAndLicence() throws IOException {
    for (Library library : libraries()) {
      JsonNode component = component(library).orElseThrow(() -> new AssertionError(library));
      assertThat(component.get("hashes")).as(library.artifact()).isNotEmpty();
      assertThat(component.get("licenses")).as(library.artifact()).isNotEmpty();
    }
  }

  @Test
  void theBillOfMaterialsIsOfTheProductAndTheSameInEveryBuild() throws IOException {
    JsonNode sbom = sbom();

    assertThat(sbom.get("bomFormat").asText()).isEqualTo("CycloneDX");
    assertThat(sbom.at("/metadata/component/name").asText()).isEqualTo("tuneqdm-spark");
    assertThat(sbom.has("serialNumber")).isFalse();
    JsonNode made = sbom.at("/metadata/timestamp");
    if (!made.isMissingNode()) {
      assertThat(OffsetDateTime.parse(made.asText()).toLocalDateTime()).isEqualTo(BUILT);
    }
    assertThat(sbom.get("components").findValuesAsText("group"))
        .contains("org.apache.spark", "ai.djl.pytorch")
        .doesNotContain("org.junit.jupiter", "org.assertj");
  }

  private static List<Library> libraries() throws IOException {
    Map<String, Long> inJar = new HashMap<>();
    entries(JAR.toFile()).forEach(entry -> inJar.put(entry.getName(), entry.getCrc()));
    List<Library> libraries = new ArrayList<>();
    for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (path.endsWith(".jar")
          && entries(new File(path)).stream()
              .filter(
                  entry -> entry.getName().matches("(?!META-INF/(?!resources/)).*\\.(class|so|js)"))
              .anyMatch(entry -> Long.valueOf(entry.getCrc()).equals(inJar.get(entry.getName())))) {
        Path version = Path.of(path).getParent();
        libraries.add(
            new Library(
                version.getParent().getFileName().toString(), version.getFileName().toString()));
      }
    }
    return libraries;
  }

  private static Optional<JsonNode> component(Library library) throws IOException {
    for (JsonNode component : sbom().get("components")) {
      if (component.get("name").asText().equals(library.artifact())
          && component.get("version").asText().equals(library.version())) {
        return Optional.of(component);
      }
    }
    return Optional.empty();
  }

  private static JsonNode sbom() throws IOException {
    assumeFalse(
        "offline=true".equals(System.getProperty("maven.mode")),
        "Skipped: Maven makes no bill of materials where -o says that it is offline");
    return new ObjectMapper().readTree(SBOM.toFile());
  }

  private static List<? extends ZipEntry> entries(File file) throws IOException {
    try (ZipFile zip = new ZipFile(file);
        Stream<? extends ZipEntry> entries = zip.stream()) {
      return entries.toList();
    }
  }
}
