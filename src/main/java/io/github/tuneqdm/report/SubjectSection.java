package io.github.tuneqdm.report;

import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.Metric;
import io.github.tuneqdm.metrics.ScoreRow;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.report.ReportData.LeftOut;
import io.github.tuneqdm.report.ReportData.Picture;
import io.github.tuneqdm.report.ReportData.Sample;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** One subject: its photos and its training beside its samples. */
final class SubjectSection {
  private static final Comparator<Sample> BY_SEED_THEN_METHOD =
      Comparator.<Sample>comparingLong(sample -> sample.row().seed())
          .thenComparing(sample -> sample.row().method(), Methods.ORDER);

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
    html.raw(" <span>").text(subject.classNoun()).raw("</span></h3>\n");
    html.raw("<div class=\"columns\"><div class=\"real\">\n");
    photos(html);
    means(html);
    training(html);
    html.raw("</div>\n<div class=\"prompts\">\n");
    if (subject.samples().isEmpty()) {
      html.raw("<p class=\"note\">No samples.</p>\n");
    }
    for (List<Sample> prompt : byPrompt()) {
      prompt(html, prompt);
    }
    html.raw("</div></div></article>\n");
  }

  private void photos(Html html) {
    html.raw("<h4>Photos <span>").text(subject.photos().size()).raw("</span></h4>\n");
    html.raw("<div class=\"photos\">");
    int photoNumber = 0;
    for (Picture photo : subject.photos()) {
      photoNumber++;
      Pictures.write(
          html, photo, Html.format("Photo %d of %s", photoNumber, subject.name()), photo.name());
    }
    html.raw("</div>\n");
    for (LeftOut photo : subject.leftOut()) {
      html.raw("<p class=\"note\">Trained without ").text(photo.photo()).raw(": ");
      html.text(photo.reason()).raw("</p>\n");
    }
  }

  private void means(Html html) {
    if (methods.isEmpty()) {
      return;
    }
    html.raw("<h4>Mean scores</h4>\n<table class=\"means\"><thead><tr>");
    html.raw("<th scope=\"col\"><span class=\"unseen\">Method</span></th>");
    for (Metric metric : Metric.values()) {
      html.raw("<th scope=\"col\" class=\"number\">").text(metric.label()).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for (String method : methods) {
      Optional<Scores> mean = scores.scores(subject.name(), method);
      html.raw("<tr><th scope=\"row\">");
      html.raw(Html.format("<i class=\"dot %s\"></i>", SummarySection.colour(method))).text(method);
      html.raw("</th>");
      SummarySection.cells(html, mean);
      html.raw("</tr>");
    }
    html.raw("</tbody></table>\n");
  }

  private void training(Html html) {
    LossCurve.of(subject.losses())
        .ifPresent(
            curve -> {
              html.raw("<h4>Training loss</h4>\n");
              curve.write(html);
              html.raw("\n");
            });
  }

  private Collection<List<Sample>> byPrompt() {
    return subject.samples().stream()
        .sorted(BY_SEED_THEN_METHOD)
        .collect(
            Collectors.groupingBy(
                sample -> sample.row().promptIndex(), TreeMap::new, Collectors.toList()))
        .values();
  }

  private void prompt(Html html, List<Sample> samples) {
    html.raw("<section class=\"prompt\"><h4>").text(samples.get(0).row().prompt());
    html.raw(Html.format("</h4>\n<div class=\"shots of-%d\">", Math.min(methods.size(), 4)));
    for (Sample sample : samples) {
      shot(html, sample);
    }
    html.raw("</div></section>\n");
  }

  private void shot(Html html, Sample sample) {
    ScoreRow row = sample.row();
    html.raw("<figure>");
    Pictures.write(
        html,
        sample.picture(),
        Html.format("%s, seed %d: %s", row.method(), row.seed(), row.prompt()),
        Html.format("%s, seed %d", row.method(), row.seed()));
    html.raw("<figcaption>");
    if (methods.size() > 1) {
      html.raw("<span class=\"method\"><i class=\"dot ");
      html.raw(SummarySection.colour(row.method())).raw("\"></i>");
      html.text(row.method()).raw("</span>");
    }
    html.raw("<dl>");
    for (Metric metric : Metric.values()) {
      html.raw("<div><dt>").text(metric.label()).raw("</dt><dd>");
      html.raw(Scores.format(metric.of(row.scores()))).raw("</dd></div>");
    }
    html.raw("</dl></figcaption></figure>\n");
  }
}
