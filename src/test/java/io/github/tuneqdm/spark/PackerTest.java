package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.config.ConfigLayers;
import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.tuning.SubjectOverrides;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PackerTest {
  @Test
  void theConfiguredNumberStandsWhateverTheSubjectsAre() {
    assertThat(sizes(Packer.of(config("3"), 25), Collections.nCopies(25, 9_999)))
        .containsExactly(3, 3, 3, 3, 3, 3, 3, 3, 1);
  }

  @Test
  void leftOpenTheLastBatchesAreHalved() {
    assertThat(sizes(Packer.of(config("0"), 50).fitting(8), Collections.nCopies(50, 5)))
        .containsExactly(8, 8, 8, 8, 8, 4, 4, 2);
  }

  @Test
  void aFewSubjectsAreNotTornApart() {
    assertThat(sizes(Packer.of(config("0"), 4), Collections.nCopies(4, 5))).containsExactly(4);
  }

  @Test
  void leftOpenABatchHoldsNoMorePicturesThanTheHostCan() {
    assertThat(sizes(Packer.of(config("0"), 5), List.of(400, 400, 400, 5_000, 1)))
        .containsExactly(2, 1, 1, 1);
  }

  @Test
  void longerBatchesAreBegunFirst() {
    Batch small = new Batch(0, List.of(subject("a", 1)));
    Batch large = new Batch(1, List.of(subject("b", 1), subject("c", 1)));
    Batch withPhotos = new Batch(2, List.of(subject("d", 2), subject("e", 1)));

    List<Batch> batches = new ArrayList<>(List.of(small, large, withPhotos));
    batches.sort(Batch.LONGEST_FIRST);

    assertThat(batches).containsExactly(withPhotos, large, small);
  }

  private static SubjectEntry subject(String name, int photos) {
    return new SubjectEntry(
        name,
        "mug",
        "sks",
        "a photo of a sks mug",
        IntStream.range(0, photos).mapToObj(i -> new SubjectEntry.Photo("p" + i, "0")).toList(),
        SubjectOverrides.NONE);
  }

  private static List<Integer> sizes(Packer packer, List<Integer> pictures) {
    List<Integer> sizes = new ArrayList<>();
    for (int more : pictures) {
      int batch = packer.next(more);
      if (batch == sizes.size()) {
        sizes.add(0);
      }
      sizes.set(batch, sizes.get(batch) + 1);
    }
    assertThat(packer.batches()).isEqualTo(sizes.size());
    return sizes;
  }

  private static TuneQdmConfig config(String together) {
    return new ConfigLayers(
            Map.of("tuneqdm.tuning.subjects-per-batch", together), Map.of(), Optional.empty())
        .load();
  }
}
