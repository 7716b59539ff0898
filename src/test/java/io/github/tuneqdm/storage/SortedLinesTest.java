package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SortedLinesTest {
  @ParameterizedTest
  @CsvSource({"1000, 7, 15", "10, 7, 15", "3, 100, 1", "100, 50, 2", "50, 1, 100"})
  void linesComeInOrderAndInPagesHoweverFewFitInMemory(int inMemory, int page, int pages) {
    List<String> expected =
        new ArrayList<>(IntStream.range(100, 200).mapToObj(i -> "é" + i).toList());
    List<String> shuffled = new ArrayList<>(expected);
    Collections.shuffle(shuffled, new Random(1));
    List<List<String>> got = new ArrayList<>();
    try (SortedLines lines = new SortedLines(inMemory)) {
      shuffled.forEach(lines::add);
      lines.forEachPage(page, got::add);
    }
    assertThat(got).hasSize(pages);
    assertThat(got.subList(0, pages - 1)).allMatch(lines -> lines.size() == page);
    assertThat(got.stream().flatMap(List::stream)).containsExactlyElementsOf(expected);
  }
}
