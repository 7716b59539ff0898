package io.github.tuneqdm.report;

import io.github.tuneqdm.report.ReportData.BatchLine;
import io.github.tuneqdm.report.ReportData.Progress;

/** How far the job is that is at work on the run. */
final class ProgressSection {
  private final Progress progress;

  ProgressSection(Progress progress) {
    this.progress = progress;
  }

  void write(Html html) {
    html.raw("<section id=\"progress\"><h2>").text(progress.activity()).raw("</h2>\n");
    html.raw("<p class=\"state\"><progress aria-label=\"Progress\" max=\"");
    html.text(Math.max(1, progress.total())).raw("\" value=\"").text(progress.done());
    html.raw("\"></progress> <b>").raw(Html.format("%,d", progress.done())).raw("</b> of ");
    html.raw(Html.format("%,d ", progress.total())).text(progress.unit());
    html.raw("</p>\n<p>")
        .text(progress.detail())
        .raw("</p>\n<p class=\"note\">Written ")
        .text(HtmlReport.date(progress.written()));
    html.raw("; the page loads itself again while the run goes on.</p>\n");
    html.raw("<p class=\"note\" id=\"silent\" role=\"status\" hidden>Nothing has been heard of");
    html.raw(" the run for five minutes: its job has probably ended. Started again, it goes on");
    html.raw(" where it was.</p>\n");
    batches(html);
    html.raw("</section>\n");
  }

  private void batches(Html html) {
    if (progress.batches().isEmpty()) {
      return;
    }
    html.raw("<h3>Batches under way</h3>\n<div class=\"batches\">\n");
    for (BatchLine batch : progress.batches()) {
      html.raw(Html.format("<div class=\"card\"><h4>Batch %d <span>", batch.batch() + 1));
      html.raw(
          Html.format(
              "%d subjects, step %d of %d</span></h4>\n",
              batch.subjects(), batch.step(), batch.steps()));
      LossCurve.of(batch.losses()).ifPresent(curve -> curve.write(html));
      html.raw("</div>\n");
    }
    html.raw("</div>\n");
  }
}
