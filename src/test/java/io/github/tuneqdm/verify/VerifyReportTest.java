package io.github.tuneqdm.verify;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class VerifyReportTest {

  @Test
  void columns_are_aligned_and_the_last_line_counts() {
    List<VerifyRow> rows =
        List.of(
            new VerifyRow("a.safetensors", true, 1.25e-6, 0, "3 comparisons"),
            VerifyRow.failed("models/b.bin", "no check knows it"));

    assertThat(VerifyReport.render(rows))
        .isEqualTo(
            """
                  file            max-abs  relative
            ok    a.safetensors   1.3e-06         0  3 comparisons
            FAIL  models/b.bin          -         -  no check knows it
            1 of 2 files agree
            """);
  }
}
