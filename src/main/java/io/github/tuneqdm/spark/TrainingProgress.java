package io.github.tuneqdm.spark;

import io.github.tuneqdm.report.ReportData.BatchLine;
import io.github.tuneqdm.report.ReportData.Progress;
import io.github.tuneqdm.report.ReportData.StepLoss;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the report shows of training that goes on; remembers only batches that are under way. */
final class TrainingProgress {
  private static final int MOST_BATCHES = 24;
  private static final int MOST_LOSSES = 400;

  private final Map<Integer, Integer> subjectsOfBatch;
  private final int steps;

  /** Those last heard of come last. */
  private final Map<Integer, List<StepLoss>> losses = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * @param subjectsOfBatch how many subjects each batch has
   * @param steps of each batch
   */
  TrainingProgress(Map<Integer, Integer> subjectsOfBatch, int steps) {
    this.subjectsOfBatch = Map.copyOf(subjectsOfBatch);
    this.steps = steps;
  }

  /** Takes a batch's latest news; a batch that was started again begins anew. */
  synchronized void update(BatchProgress progress) {
    if (progress.step() >= steps) {
      losses.remove(progress.batch());
      return;
    }
    List<StepLoss> known = losses.computeIfAbsent(progress.batch(), b -> new ArrayList<>());
    double last = known.isEmpty() ? 0 : known.get(known.size() - 1).step();
    if (progress.step() < last) {
      known.clear();
    } else if (progress.step() == last) {
      return; // a heartbeat within a step
    }
    if (known.size() == MOST_LOSSES) {
      List<StepLoss> half = new ArrayList<>();
      for (int i = 0; i < known.size(); i += 2) {
        half.add(known.get(i));
      }
      known.clear();
      known.addAll(half);
    }
    known.add(new StepLoss(progress.step(), progress.meanLoss()));
  }

  /**
   * @param ended subjects that are done or failed
   * @param total subjects of the run
   * @param detail the line that the terminal shows
   */
  synchronized Progress shown(long ended, long total, String detail, Instant now) {
    List<BatchLine> batches =
        losses.entrySet().stream()
            .skip(Math.max(0, losses.size() - MOST_BATCHES))
            .sorted(Map.Entry.comparingByKey())
            .map(
                batch ->
                    new BatchLine(
                        batch.getKey(),
                        subjectsOfBatch.get(batch.getKey()),
                        (int) batch.getValue().get(batch.getValue().size() - 1).step(),
                        steps,
                        batch.getValue()))
            .toList();
    return new Progress(
        "Training", ended, total, "subjects are done or failed", detail, now, batches);
  }
}
