package io.github.tuneqdm.spark;

import io.github.tuneqdm.spark.SubjectTable.Row;
import java.io.Serializable;
import java.util.List;

/**
 * Which subjects there are, before anyone has looked into their folders.
 *
 * @param names in order
 * @param table what {@code subjects.csv} says of them
 */
record SubjectIndex(List<String> names, SubjectTable table) {

  /** A stretch of the index, for one task. */
  record Page(List<String> names, List<Row> rows) implements Serializable {
    Page {
      names = List.copyOf(names);
    }
  }

  Page page(int from, int to) {
    List<String> some = names.subList(from, to);
    return new Page(some, some.stream().map(table::row).toList());
  }
}
