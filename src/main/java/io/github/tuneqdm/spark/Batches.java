package io.github.tuneqdm.spark;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** A run's batches in the plan's order, some or all of them still to be read. */
interface Batches extends Iterator<Batch>, AutoCloseable {

  @Override
  void close();

  static Batches of(List<Batch> batches) {
    Iterator<Batch> all = batches.iterator();
    return new Batches() {
      @Override
      public boolean hasNext() {
        return all.hasNext();
      }

      @Override
      public Batch next() {
        return all.next();
      }

      @Override
      public void close() {}
    };
  }

  /** The next ones, at most so many. */
  default List<Batch> next(int most) {
    List<Batch> taken = new ArrayList<>();
    while (taken.size() < most && hasNext()) {
      taken.add(next());
    }
    return taken;
  }
}
