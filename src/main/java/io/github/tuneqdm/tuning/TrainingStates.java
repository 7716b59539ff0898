package io.github.tuneqdm.tuning;

import java.util.Optional;

/** Where training finds the state to go on from, and leaves states on its way. */
public interface TrainingStates {

  /** Training starts anew and leaves nothing. */
  TrainingStates NONE =
      new TrainingStates() {
        @Override
        public Optional<TrainingState> latest() {
          return Optional.empty();
        }

        @Override
        public boolean isDue(int step) {
          return false;
        }

        @Override
        public void keep(TrainingState state) {}
      };

  /** The state to go on from, or nothing: start anew. Asked once, before the first step. */
  Optional<TrainingState> latest();

  /** Whether the state after this step is wanted; asked after every step but the last. */
  boolean isDue(int step);

  /** Takes a state on; training goes on at once. */
  void keep(TrainingState state);
}
