package io.github.tuneqdm.report;

import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** What the page's script hands to the plotting library: JSON in an attribute of an empty box. */
final class PlotData {
  private final StringBuilder json = new StringBuilder();
  private final String kind;

  /**
   * @param kind of the plot, as the script knows it
   */
  PlotData(String kind) {
    this.kind = kind;
    text("kind", kind);
  }

  PlotData text(String name, String value) {
    return member(name, quoted(value));
  }

  PlotData texts(String name, List<String> values) {
    return member(
        name, values.stream().map(PlotData::quoted).collect(Collectors.joining(",", "[", "]")));
  }

  /**
   * @param digits significant ones; 0 for whole numbers
   */
  <T> PlotData numbers(String name, List<T> items, ToDoubleFunction<T> value, int digits) {
    return member(
        name,
        items.stream()
            .map(item -> number(value.applyAsDouble(item), digits))
            .collect(Collectors.joining(",", "[", "]")));
  }

  /**
   * @param label what it shows, for those who do not see it
   */
  void write(Html html, String label) {
    html.raw("<div class=\"plot ").raw(kind).raw("\" role=\"img\" aria-label=\"").text(label);
    html.raw("\" data-plot=\"").text("{" + json + "}").raw("\"></div>\n");
  }

  private PlotData member(String name, String value) {
    json.append(json.isEmpty() ? "" : ",").append(quoted(name)).append(':').append(value);
    return this;
  }

  private static String number(double value, int digits) {
    if (!Double.isFinite(value)) {
      return "null";
    }
    if (value == Math.rint(value) && Math.abs(value) < 1e12) {
      return Long.toString((long) value);
    }
    return Double.toString(Double.parseDouble(Html.format("%." + (digits - 1) + "e", value)));
  }

  private static String quoted(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\' || c < ' ') {
        quoted.append(Html.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
