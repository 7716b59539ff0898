package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.Metric;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.report.ReportData.Picture;
import io.github.tuneqdm.report.ReportData.Sample;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** One subject: its photos and its training, then prompt by method, the same seeds side by side. */
final class SubjectSection {
  private final SubjectReport subject;
  private final int number;
  private final ScoreTable scores;
  private final List<String> methods;

  /**
   * @param number of the subject on the page, for links to it
   */
  SubjectSection(SubjectReport subject, int number, ScoreTable scores) {
    this.subject = subject;
    this.number = number;
    this.scores = scores;
    this.methods =
        subject.samples().stream()
            .map(sample -> sample.row().method())
            .distinct()
            .sorted(Methods.ORDER)
            .toList();
  }

  void write(Html html) {
    html.raw(Html.format("<article class=\"subject\" id=\"subject-%d\" data-name=\"", number));
    html.text(subject.name()).raw("\">\n<h3>").text(subject.name());
    html.raw(" <span>").text(subject.classNoun()).raw("</span></h3>\n<div class=\"real\">\n");
    photos(html);
    means(html);
    training(html);
    html.raw("</div>\n");
    samples(html);
    html.raw("</article>\n");
  }

  private void photos(Html html) {
    if (subject.photos().isEmpty() && subject.leftOut().isEmpty()) {
      return;
    }
    html.raw("<div><h4>Photos <span>").text(subject.photos().size()).raw("</span></h4>\n");
    html.raw("<div class=\"photos\">");
    int photoNumber = 0;
    for (Picture photo : subject.photos()) {
      photoNumber++;
      Pictures.write(html, photo, Html.format("Photo %d of %s", photoNumber, subject.name()), "");
    }
    html.raw("</div>\n");
    for (ReportData.LeftOut photo : subject.leftOut()) {
      html.raw("<p class=\"left-out\"><b>Trained without ").text(photo.photo()).raw("</b> ");
      html.text(photo.reason()).raw("</p>\n");
    }
    html.raw("</div>\n");
  }

  private void means(Html html) {
    if (methods.isEmpty()) {
      return;
    }
    html.raw("<div><h4>Mean scores</h4>\n<table class=\"means\"><thead><tr>");
    html.raw("<th scope=\"col\"><span class=\"unseen\">Method</span></th>");
    for (Metric metric : Metric.values()) {
      html.raw("<th scope=\"col\" class=\"number\">").text(metric.label()).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for (String method : methods) {
      html.raw("<tr><th scope=\"row\">").raw(dot(method)).text(method).raw("</th>");
      SubjectsTable.cells(html, scores.scores(subject.name(), method));
      html.raw("</tr>");
    }
    html.raw("</tbody></table></div>\n");
  }

  private void training(Html html) {
    LossCurve.of(subject.losses())
        .ifPresent(
            curve -> {
              html.raw("<div><h4>Training loss</h4>\n");
              curve.write(html);
              html.raw("</div>\n");
            });
  }

  private void samples(Html html) {
    if (methods.isEmpty()) {
      html.raw("<p class=\"note\">No samples yet.</p>\n");
      return;
    }
    html.raw(Html.format("<table class=\"matrix of-%d\"><thead><tr>", Math.min(methods.size(), 4)));
    html.raw("<th scope=\"col\">Prompt</th>");
    for (String method : methods) {
      html.raw("<th scope=\"col\">").raw(dot(method)).text(method).raw("</th>");
    }
    html.raw("</tr></thead>\n<tbody>\n");
    for (Map<String, List<Sample>> prompt : byPromptThenMethod()) {
      String text = prompt.values().iterator().next().get(0).row().prompt();
      html.raw("<tr><th scope=\"row\">").text(text).raw("</th>");
      for (String method : methods) {
        cell(html, method, prompt.getOrDefault(method, List.of()));
      }
      html.raw("</tr>\n");
    }
    html.raw("</tbody></table>\n");
  }

  private List<Map<String, List<Sample>>> byPromptThenMethod() {
    Map<Integer, Map<String, List<Sample>>> prompts =
        subject.samples().stream()
            .sorted(Comparator.comparingLong(sample -> sample.row().seed()))
            .collect(
                Collectors.groupingBy(
                    sample -> sample.row().promptIndex(),
                    TreeMap::new,
                    Collectors.groupingBy(
                        sample -> sample.row().method(), TreeMap::new, Collectors.toList())));
    return new ArrayList<>(prompts.values());
  }

  /** The pictures of one prompt and method, by seed, and their mean. */
  private void cell(Html html, String method, List<Sample> samples) {
    html.raw("<td data-m=\"").text(method).raw("\"><div class=\"shots\">");
    for (Sample sample : samples) {
      ScoreRow row = sample.row();
      Pictures.write(
          html,
          sample.picture(),
          Html.format("%s, seed %d", method, row.seed()),
          Arrays.stream(Metric.values())
              .map(metric -> Scores.format(metric.of(row.scores())))
              .collect(Collectors.joining(" ")));
    }
    html.raw("</div>");
    if (!samples.isEmpty()) {
      html.raw("<p class=\"mean\">");
      for (Metric metric : Metric.values()) {
        double mean =
            samples.stream()
                .mapToDouble(sample -> metric.of(sample.row().scores()))
                .average()
                .orElseThrow();
        html.raw("<span>").text(metric.label()).raw(" <b>").raw(Scores.format(mean));
        html.raw("</b></span> ");
      }
      html.raw("</p>");
    }
    html.raw("</td>");
  }

  private String dot(String method) {
    return Colours.dot(Colours.of(method, scores.methods()));
  }
}
