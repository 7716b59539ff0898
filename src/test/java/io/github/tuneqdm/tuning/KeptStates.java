package io.github.tuneqdm.tuning;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Keeps the state of every step in memory. */
final class KeptStates implements TrainingStates {
  private final Optional<TrainingState> start;
  private final List<TrainingState> kept = new ArrayList<>();

  private KeptStates(Optional<TrainingState> start) {
    this.start = start;
  }

  /** For training from the beginning. */
  static KeptStates none() {
    return new KeptStates(Optional.empty());
  }

  /** For training that goes on from {@code start}. */
  static KeptStates from(TrainingState start) {
    return new KeptStates(Optional.of(start));
  }

  List<TrainingState> kept() {
    return kept;
  }

  @Override
  public Optional<TrainingState> latest() {
    return start;
  }

  @Override
  public boolean isDue(int step) {
    return true;
  }

  @Override
  public void keep(TrainingState state) {
    kept.add(state);
  }
}
