package io.github.tuneqdm.spark;

import java.util.Comparator;
import java.util.List;

/**
 * Subjects that train together.
 *
 * @param index in the plan
 * @param members in the plan's order
 */
record Batch(int index, List<SubjectEntry> members) {
  /**
   * The batch that takes longest comes first, so that none is begun when the others are all but
   * done. Every subject takes the same steps; what differs is how many there are and how many
   * photos have to be encoded.
   */
  static final Comparator<Batch> LONGEST_FIRST =
      Comparator.<Batch>comparingInt(batch -> -batch.members().size())
          .thenComparingLong(batch -> -batch.photos())
          .thenComparingInt(Batch::index);

  Batch {
    members = List.copyOf(members);
  }

  private long photos() {
    return members.stream().mapToLong(subject -> subject.photos().size()).sum();
  }
}
