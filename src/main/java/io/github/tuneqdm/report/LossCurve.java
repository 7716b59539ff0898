package io.github.tuneqdm.report;

import io.github.tuneqdm.report.ReportData.StepLoss;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A training's loss as a small inline SVG: single steps faint, since the loss of one timestep says
 * little, and a running mean over them strong.
 */
final class LossCurve {
  private static final int WIDTH = 320;
  private static final int HEIGHT = 120;
  private static final int LEFT = 40;
  private static final int RIGHT = 6;
  private static final int TOP = 8;
  private static final int BOTTOM = 20;
  private static final int MAX_POINTS = 240; // more than there are pixels to tell apart

  private record Point(double step, double loss) {}

  private final List<Point> steps;
  private final List<Point> smooth;
  private final double firstStep;
  private final double lastStep;
  private final double low;
  private final double high;

  private LossCurve(List<Point> finite) {
    firstStep = finite.get(0).step();
    lastStep = finite.get(finite.size() - 1).step();
    smooth = thinned(runningMean(finite));
    steps = thinned(finite);
    low = 0;
    double max = steps.stream().mapToDouble(Point::loss).max().orElse(0);
    high = max > 0 ? max : 1;
  }

  /** Empty where no step has a finite loss. */
  static Optional<LossCurve> of(List<StepLoss> losses) {
    List<Point> finite =
        losses.stream()
            .filter(loss -> Double.isFinite(loss.loss()))
            .map(loss -> new Point(loss.step(), loss.loss()))
            .toList();
    return finite.isEmpty() ? Optional.empty() : Optional.of(new LossCurve(finite));
  }

  void write(Html html) {
    String description =
        Html.format(
            "Training loss from step %.0f to %.0f; running mean %s at the start, %s at the end",
            firstStep,
            lastStep,
            number(smooth.get(0).loss()),
            number(smooth.get(smooth.size() - 1).loss()));
    html.raw(Html.format("<svg class=\"loss\" role=\"img\" viewBox=\"0 0 %d %d\">", WIDTH, HEIGHT));
    html.raw("<title>").text(description).raw("</title>");
    for (double value : new double[] {low, (low + high) / 2, high}) {
      String y = coordinate(y(value));
      html.raw(Html.format("<line class=\"grid\" x1=\"%d\" x2=\"%d\"", LEFT, WIDTH - RIGHT));
      html.raw(" y1=\"" + y + "\" y2=\"" + y + "\"/>");
      html.raw(
          Html.format("<text class=\"y\" x=\"%d\" y=\"%s\">", LEFT - 5, coordinate(y(value) + 3)));
      html.raw(number(value)).raw("</text>");
    }
    html.raw("<path class=\"steps\" d=\"").raw(path(steps)).raw("\"/>");
    html.raw("<path class=\"mean\" d=\"").raw(path(smooth)).raw("\"/>");
    label(html, "start", LEFT, Html.format("step %.0f", firstStep));
    label(html, "end", WIDTH - RIGHT, Html.format("%.0f", lastStep));
    html.raw("</svg>");
  }

  private static void label(Html html, String anchor, int x, String text) {
    html.raw(Html.format("<text class=\"%s\" x=\"%d\" y=\"%d\">", anchor, x, HEIGHT - 6));
    html.text(text).raw("</text>");
  }

  private String path(List<Point> points) {
    StringBuilder path = new StringBuilder();
    for (Point point : points) {
      path.append(path.isEmpty() ? 'M' : 'L');
      path.append(coordinate(x(point.step()))).append(' ').append(coordinate(y(point.loss())));
    }
    return path.toString();
  }

  private double x(double step) {
    double share = lastStep > firstStep ? (step - firstStep) / (lastStep - firstStep) : 0.5;
    return LEFT + share * (WIDTH - LEFT - RIGHT);
  }

  private double y(double loss) {
    return TOP + (high - loss) / (high - low) * (HEIGHT - TOP - BOTTOM);
  }

  /** The mean over a tenth of the training around each step. */
  private static List<Point> runningMean(List<Point> points) {
    int reach = Math.max(1, points.size() / 20);
    double[] sums = new double[points.size() + 1];
    for (int i = 0; i < points.size(); i++) {
      sums[i + 1] = sums[i] + points.get(i).loss();
    }
    List<Point> means = new ArrayList<>(points.size());
    for (int i = 0; i < points.size(); i++) {
      int from = Math.max(0, i - reach);
      int to = Math.min(points.size(), i + reach + 1);
      means.add(new Point(points.get(i).step(), (sums[to] - sums[from]) / (to - from)));
    }
    return means;
  }

  /** Means of neighbouring points, so that no more than MAX_POINTS are left. */
  private static List<Point> thinned(List<Point> points) {
    int stride = (points.size() + MAX_POINTS - 1) / MAX_POINTS;
    if (stride <= 1) {
      return points;
    }
    List<Point> few = new ArrayList<>();
    for (int from = 0; from < points.size(); from += stride) {
      List<Point> part = points.subList(from, Math.min(from + stride, points.size()));
      few.add(
          new Point(
              part.stream().mapToDouble(Point::step).average().orElseThrow(),
              part.stream().mapToDouble(Point::loss).average().orElseThrow()));
    }
    return few;
  }

  private static String coordinate(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  private static String number(double loss) {
    boolean plain = loss == 0 || loss >= 0.001 && loss < 1000;
    return loss == 0 ? "0" : String.format(Locale.ROOT, plain ? "%.3f" : "%.1e", loss);
  }
}
