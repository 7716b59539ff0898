package io.github.tuneqdm.report;

import io.github.tuneqdm.report.ReportData.StepLoss;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A training's loss: single steps faint, since the loss of one timestep says little, and a running
 * mean over them strong. A sentence says how it went where no script draws it.
 */
final class LossCurve {
  private static final int MAX_POINTS = 160; // more than there are pixels to tell apart

  private final List<StepLoss> steps;
  private final List<StepLoss> smooth;
  private final double firstStep;
  private final double lastStep;

  private LossCurve(List<StepLoss> finite) {
    firstStep = finite.get(0).step();
    lastStep = finite.get(finite.size() - 1).step();
    smooth = thinned(runningMean(finite));
    steps = thinned(finite);
  }

  /** Empty where no step has a finite loss. */
  static Optional<LossCurve> of(List<StepLoss> losses) {
    List<StepLoss> finite = losses.stream().filter(loss -> Double.isFinite(loss.loss())).toList();
    return finite.isEmpty() ? Optional.empty() : Optional.of(new LossCurve(finite));
  }

  /** The running mean at the end. */
  double end() {
    return smooth.get(smooth.size() - 1).loss();
  }

  void write(Html html) {
    String description =
        Html.format(
            "%s at step %.0f, %s at step %.0f",
            number(smooth.get(0).loss()), firstStep, number(end()), lastStep);
    new PlotData("loss")
        .numbers("x", steps, StepLoss::step, 6)
        .numbers("y", steps, StepLoss::loss, 3)
        .numbers("mean", smooth, StepLoss::loss, 3)
        .write(html, "Training loss: running mean " + description);
    html.raw("<p class=\"note\">Running mean ").text(description).raw("</p>\n");
  }

  static String number(double loss) {
    boolean plain = loss == 0 || loss >= 0.001 && loss < 1000;
    return loss == 0 ? "0" : String.format(Locale.ROOT, plain ? "%.3f" : "%.1e", loss);
  }

  /** The mean over a tenth of the training around each step. */
  private static List<StepLoss> runningMean(List<StepLoss> points) {
    int reach = Math.max(1, points.size() / 20);
    double[] sums = new double[points.size() + 1];
    for (int i = 0; i < points.size(); i++) {
      sums[i + 1] = sums[i] + points.get(i).loss();
    }
    List<StepLoss> means = new ArrayList<>(points.size());
    for (int i = 0; i < points.size(); i++) {
      int from = Math.max(0, i - reach);
      int to = Math.min(points.size(), i + reach + 1);
      means.add(new StepLoss(points.get(i).step(), (sums[to] - sums[from]) / (to - from)));
    }
    return means;
  }

  /** Means of neighbouring points, so that no more than MAX_POINTS are left. */
  private static List<StepLoss> thinned(List<StepLoss> points) {
    int stride = (points.size() + MAX_POINTS - 1) / MAX_POINTS;
    if (stride <= 1) {
      return points;
    }
    List<StepLoss> few = new ArrayList<>();
    for (int from = 0; from < points.size(); from += stride) {
      List<StepLoss> part = points.subList(from, Math.min(from + stride, points.size()));
      few.add(
          new StepLoss(
              part.stream().mapToDouble(StepLoss::step).average().orElseThrow(),
              part.stream().mapToDouble(StepLoss::loss).average().orElseThrow()));
    }
    return few;
  }
}
