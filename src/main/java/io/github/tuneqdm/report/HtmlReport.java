package io.github.tuneqdm.report;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.report.ReportData.FailedSubject;
import io.github.tuneqdm.report.ReportData.Setting;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * Writes a run's report as one HTML page with a folder of thumbnails beside it: no network, light
 * and dark, readable on a phone and without JavaScript. The same data gives the same bytes.
 */
public final class HtmlReport {
  private static final DateTimeFormatter DATE =
      DateTimeFormatter.ofPattern("d MMMM uuuu, HH:mm 'UTC'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private final ReportData data;
  private final Html html;

  private HtmlReport(ReportData data, Html html) {
    this.data = data;
    this.html = html;
  }

  /**
   * Writes the page in UTF-8 and leaves the stream open.
   *
   * @throws TuneQdmException (environment) where the page cannot be written
   */
  public static void write(ReportData data, OutputStream out) {
    try {
      BufferedWriter writer =
          new BufferedWriter(new OutputStreamWriter(out, StandardCharsets.UTF_8));
      Html html = new Html(writer);
      HtmlReport report = new HtmlReport(data, html);
      String title = "TuneQDM-Spark run " + data.runId();
      new Page(title, "summary", data.progress(), report::header, report::content).write(html);
      writer.flush();
    } catch (IOException e) {
      throw cannotWrite(data, e);
    } catch (UncheckedIOException e) {
      throw cannotWrite(data, e.getCause());
    }
  }

  private void content() {
    data.progress().ifPresent(progress -> new ProgressSection(progress).write(html));
    failures();
    new SummarySection(data).write(html);
    subjects();
    rejects();
    settings();
    data.protocol().ifPresent(protocol -> new ProtocolSection(protocol).write(html));
  }

  private void header() {
    html.raw("<h1>Run <code>").text(data.runId()).raw("</code></h1>\n<p>");
    html.raw("<time datetime=\"").text(data.date().toString()).raw("\">");
    html.text(date(data.date())).raw("</time>");
    fact(data.subjects().size(), "subject");
    fact(data.scores().methodMeans().stream().mapToInt(mean -> mean.images()).sum(), "image");
    if (!data.failures().isEmpty()) {
      html.raw(" <a class=\"failed\" href=\"#failures\">").text(data.failures().size());
      html.raw(" failed</a>");
    }
    long rejects = data.subjects().stream().mapToLong(s -> s.leftOut().size()).sum();
    if (rejects > 0) {
      html.raw(" <a href=\"#rejects\">").text(rejects).raw(rejects == 1 ? " photo" : " photos");
      html.raw(" rejected</a>");
    }
    html.raw("</p>\n<nav aria-label=\"Contents\">");
    html.raw("<a href=\"#summary\">Summary</a>");
    html.raw(data.subjects().isEmpty() ? "" : "<a href=\"#subjects\">Subjects</a>");
    html.raw("<a href=\"#settings\">Settings</a>");
    html.raw(data.protocol().isPresent() ? "<a href=\"#protocol\">Protocol</a>" : "");
    html.raw("</nav>");
  }

  private void fact(int count, String noun) {
    if (count > 0) {
      html.raw(" <span>").text(count).raw(" " + noun + (count == 1 ? "" : "s")).raw("</span>");
    }
  }

  private void failures() {
    if (data.failures().isEmpty()) {
      return;
    }
    html.raw("<section id=\"failures\"><h2>Failed subjects</h2>\n<dl>\n");
    for (FailedSubject failure : data.failures()) {
      ProtocolSection.fact(html, failure.name(), failure.cause());
    }
    html.raw("</dl></section>\n");
  }

  private void subjects() {
    if (data.subjects().isEmpty()) {
      return;
    }
    html.raw("<section id=\"subjects\"><h2>Subjects</h2>\n");
    new SubjectsTable(data).write(html);
    for (int i = 0; i < data.subjects().size(); i++) {
      new SubjectSection(data.subjects().get(i), i, data.scores()).write(html);
    }
    html.raw("</section>\n");
  }

  private void rejects() {
    if (data.subjects().stream().allMatch(subject -> subject.leftOut().isEmpty())) {
      return;
    }
    html.raw("<section id=\"rejects\"><h2>Rejected photos</h2>\n<div class=\"scroll\"");
    html.raw(" tabindex=\"0\" role=\"region\" aria-label=\"Rejected photos\">");
    html.raw("<table class=\"sortable\"><thead><tr><th scope=\"col\" data-sort=\"text\">Subject");
    html.raw("</th><th scope=\"col\" data-sort=\"text\">Photo</th>");
    html.raw("<th scope=\"col\" data-sort=\"text\">Why</th></tr></thead><tbody>\n");
    for (SubjectReport subject : data.subjects()) {
      for (ReportData.LeftOut photo : subject.leftOut()) {
        html.raw("<tr><th scope=\"row\">").text(subject.name()).raw("</th><td>");
        html.text(photo.photo()).raw("</td><td>").text(photo.reason()).raw("</td></tr>\n");
      }
    }
    html.raw("</tbody></table></div></section>\n");
  }

  private void settings() {
    html.raw("<section id=\"settings\"><h2>Settings</h2>\n<dl class=\"facts\">\n");
    for (Setting setting : data.settings()) {
      ProtocolSection.fact(html, setting.name(), setting.value());
    }
    html.raw("</dl></section>\n");
  }

  static String date(Instant instant) {
    return DATE.format(instant);
  }

  private static TuneQdmException cannotWrite(ReportData data, IOException cause) {
    return TuneQdmException.environment(
        Html.format("Cannot write the report of run %s: %s", data.runId(), cause), cause);
  }
}
