package io.github.tuneqdm.verify;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** All goldens of the reference, and the embedded base model's pictures. */
class ParityTest {
  private static final Path GOLDENS = Path.of("src/test/goldens");
  private static final Path BASE = Path.of("src/demo/toyworld/base");

  @TestFactory
  Stream<DynamicTest> every_file_agrees() {
    List<VerifyRow> rows;
    try (Compute compute = Compute.cpu(1)) {
      rows = ModelVerifier.verify(GOLDENS, BASE, compute, row -> {});
    }
    Stream<DynamicTest> files =
        rows.stream()
            .map(
                row ->
                    DynamicTest.dynamicTest(
                        row.file(), () -> assertThat(row.passed()).as(row.detail()).isTrue()));
    return Stream.concat(
        Stream.of(
            DynamicTest.dynamicTest(
                "every file has its row",
                () ->
                    assertThat(rows)
                        .extracting(VerifyRow::file)
                        .containsExactlyInAnyOrderElementsOf(ModelVerifier.files(GOLDENS)))),
        files);
  }
}
