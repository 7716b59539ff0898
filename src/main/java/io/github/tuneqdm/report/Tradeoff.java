package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.ConfidenceInterval;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Quality against what it costs: a point a method. More quality is better, less cost is better.
 *
 * @param title of the plot
 * @param cost of what the x axis shows, with its unit
 * @param quality of what the y axis shows
 */
public record Tradeoff(String title, String cost, String quality, List<Point> points) {
  public Tradeoff {
    points = List.copyOf(points);
  }

  /**
   * @param cost in the axis's unit, at least 0
   */
  public record Point(String name, double cost, ConfidenceInterval quality) {}

  /** The points that no other beats in one without losing in the other, the cheapest first. */
  public List<Point> frontier() {
    List<Point> byCost = new ArrayList<>(points);
    byCost.sort(
        Comparator.comparingDouble(Point::cost).thenComparingDouble(p -> -p.quality().mean()));
    List<Point> frontier = new ArrayList<>();
    double best = Double.NEGATIVE_INFINITY;
    for (Point point : byCost) {
      if (point.quality().mean() > best) {
        best = point.quality().mean();
        frontier.add(point);
      }
    }
    return frontier;
  }

  /** Draws the points where scripts run; the table below says the same without. */
  void write(Html html) {
    Set<Point> frontier = new HashSet<>(frontier());
    List<Point> sorted = new ArrayList<>(points);
    sorted.sort(Comparator.comparingDouble(Point::cost));
    html.raw("<figure class=\"card\"><h3>").text(title).raw("</h3>\n");
    PlotData plot = new PlotData("tradeoff");
    plot.text("cost", cost).text("quality", quality);
    plot.texts("names", sorted.stream().map(Point::name).toList());
    plot.numbers("colours", sorted, this::colour, 0);
    plot.numbers("x", sorted, Point::cost, 4);
    plot.numbers("y", sorted, point -> point.quality().mean(), 4);
    plot.numbers("low", sorted, point -> point.quality().low(), 4);
    plot.numbers("high", sorted, point -> point.quality().high(), 4);
    plot.numbers("best", sorted, point -> frontier.contains(point) ? 1 : 0, 0);
    plot.write(
        html, title + ": " + quality + " against " + cost + "; the table below has the numbers");
    html.raw("<details><summary>Numbers</summary>\n<div class=\"scroll\" tabindex=\"0\"");
    html.raw(" role=\"region\" aria-label=\"").text(title).raw("\"><table class=\"numbers\">");
    html.raw("<thead><tr><th scope=\"col\">Method</th><th scope=\"col\" class=\"number\">");
    html.text(cost).raw("</th><th scope=\"col\" class=\"number\">").text(quality);
    html.raw("</th><th scope=\"col\" class=\"number\">95 % interval</th></tr></thead><tbody>\n");
    for (Point point : sorted) {
      html.raw("<tr><th scope=\"row\">").raw(Colours.dot(colour(point))).text(point.name());
      html.raw(frontier.contains(point) ? " <small>on the frontier</small>" : "");
      html.raw(Html.format("</th><td class=\"number\">%s</td>", plain(point.cost())));
      html.raw(Html.format("<td class=\"number\">%.3f</td>", point.quality().mean()));
      html.raw(
          Html.format(
              "<td class=\"number\">%.3f to %.3f</td></tr>\n",
              point.quality().low(), point.quality().high()));
    }
    html.raw("</tbody></table></div></details></figure>\n");
  }

  private int colour(Point point) {
    return Colours.of(point.name(), points.stream().map(Point::name).distinct().toList());
  }

  private static String plain(double cost) {
    return cost == Math.rint(cost) ? Html.format("%.0f", cost) : Html.format("%.3g", cost);
  }
}
