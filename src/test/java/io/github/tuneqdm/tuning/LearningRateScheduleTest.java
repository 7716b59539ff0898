package io.github.tuneqdm.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.tuneqdm.error.TuneQdmException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LearningRateScheduleTest {

  /** Values of diffusers' get_scheduler with 4 warm-up steps of 20 and a base rate of 1. */
  @ParameterizedTest
  @CsvSource({
    "constant, 0, 1",
    "constant, 19, 1",
    "constant-with-warmup, 0, 0",
    "constant-with-warmup, 1, 0.25",
    "constant-with-warmup, 10, 1",
    "linear, 2, 0.5",
    "linear, 4, 1",
    "linear, 12, 0.5",
    "linear, 20, 0",
    "cosine, 4, 1",
    "cosine, 12, 0.5",
    "cosine, 8, 0.8535533905932737",
    "cosine-with-restarts, 12, 0.5",
    "cosine-with-restarts, 20, 0",
    "polynomial, 12, 0.50000005",
    "polynomial, 20, 1e-7",
  })
  void followsDiffusers(String name, int done, double expected) {
    assertThat(LearningRateSchedule.parse(name).rate(1, done, 4, 20))
        .isCloseTo(expected, within(1e-12));
  }

  @ParameterizedTest
  @CsvSource({"cosinus", "''"})
  void refusesUnknownNames(String name) {
    assertThatThrownBy(() -> LearningRateSchedule.parse(name))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("constant-with-warmup");
  }
}
