package io.github.tuneqdm.tuning;

import ai.djl.ndarray.NDArray;
import io.github.tuneqdm.tensor.Compute;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Losses and gradient norms of every subject. They stay on the device until {@link #flush}: a step
 * does not wait for the host.
 */
final class StepLog {
  private record Losses(NDArray each, int[] owner, int step) {}

  private record Norms(NDArray each, double[] rates) {}

  private final int subjects;
  private final List<List<StepRecord>> records = new ArrayList<>();
  private final List<Losses> losses = new ArrayList<>();
  private final List<Norms> norms = new ArrayList<>();
  private final Set<Integer> diverged = new HashSet<>();
  private int finished;
  private double lastMeanLoss;

  StepLog(int subjects, int steps) {
    this.subjects = subjects;
    for (int s = 0; s < subjects; s++) {
      records.add(new ArrayList<>(steps));
    }
  }

  /** Goes on after the steps that a state has. */
  StepLog(int subjects, int steps, TrainingState state) {
    this(subjects, steps);
    for (int s = 0; s < subjects; s++) {
      records.get(s).addAll(state.log().get(s));
      if (!records.get(s).stream().allMatch(StepRecord::isFinite)) {
        diverged.add(s);
      }
    }
    finished = state.step();
  }

  /**
   * @param each weighted loss of every sample (B,)
   * @param owner each sample's subject
   */
  void losses(NDArray each, int[] owner) {
    losses.add(new Losses(each, owner, finished + norms.size()));
  }

  /**
   * Ends a step.
   *
   * @param rates each subject's learning rate
   * @param gradNorms (S,)
   */
  void step(double[] rates, NDArray gradNorms) {
    norms.add(new Norms(gradNorms, rates));
  }

  /** Brings everything since the last flush to the host. */
  void flush(int parts) {
    double[][] sums = new double[norms.size()][subjects];
    for (Losses l : losses) {
      float[] values = Compute.take(l.each);
      for (int b = 0; b < values.length; b++) {
        sums[l.step - finished][l.owner[b]] += values[b] / parts;
      }
    }
    double total = 0;
    int finite = 0;
    for (int i = 0; i < norms.size(); i++) {
      float[] values = Compute.take(norms.get(i).each);
      for (int s = 0; s < subjects; s++) {
        StepRecord record =
            new StepRecord(finished + i + 1, sums[i][s], values[s], norms.get(i).rates[s]);
        records.get(s).add(record);
        if (record.isFinite()) {
          total += record.loss();
          finite++;
        } else {
          diverged.add(s);
        }
      }
    }
    lastMeanLoss = finite == 0 ? Double.NaN : total / finite;
    finished += norms.size();
    losses.clear();
    norms.clear();
  }

  /** Over the subjects that have not diverged. */
  double lastMeanLoss() {
    return lastMeanLoss;
  }

  /** How many subjects have had a loss or a gradient that is not a number. */
  int diverged() {
    return diverged.size();
  }

  /** As far as it was flushed. */
  List<StepRecord> records(int subject) {
    return records.get(subject);
  }

  /** Of all subjects, as far as it was flushed. */
  List<List<StepRecord>> records() {
    return records;
  }
}
