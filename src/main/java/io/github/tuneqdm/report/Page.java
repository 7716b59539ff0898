package io.github.tuneqdm.report;

import io.github.tuneqdm.report.ReportData.Progress;
import java.util.List;
import java.util.Optional;

/**
 * What all pages have around their content: policy, style and scripts, the switch of light and
 * dark, and the dialog that enlarges pictures.
 *
 * @param title of the window
 * @param start of the content, an element's id
 * @param live the job that the page follows: such a page loads itself again
 * @param header heading, facts and links
 */
record Page(
    String title, String start, Optional<Progress> live, Runnable header, Runnable content) {
  private static final int RELOAD_SECONDS = 15;

  void write(Html html) {
    List<PageScript> styles =
        List.of(PageScript.plots("uPlot.min.css"), PageScript.own("report.css"));
    List<PageScript> scripts =
        List.of(PageScript.plots("uPlot.iife.min.js"), PageScript.own("report.js"));
    head(html, styles, scripts);
    html.raw("<a class=\"skip\" href=\"#").text(start).raw("\">Skip to the content</a>\n");
    html.raw("<header><div class=\"wide\"><p class=\"product\">TuneQDM-Spark</p>\n");
    html.raw("<button type=\"button\" id=\"theme\" hidden>Dark</button>\n");
    header.run();
    html.raw("</div></header>\n<main>\n");
    content.run();
    html.raw("</main>\n<footer>Made by TuneQDM-Spark.</footer>\n");
    html.raw("<dialog id=\"zoom\" aria-label=\"Enlarged picture\"><div>");
    html.raw(
        "<button type=\"button\" data-go=\"-1\" aria-label=\"Previous picture\">&larr;</button>");
    html.raw("<button type=\"button\" data-go=\"1\" aria-label=\"Next picture\">&rarr;</button>");
    html.raw("<button type=\"button\" data-go=\"0\" aria-label=\"Close\">&times;</button></div>");
    html.raw("<img alt=\"\"><p></p></dialog>\n");
    html.raw("<!-- The plots are drawn by uPlot:\n").text(PageScript.plotsLicence()).raw("-->\n");
    for (PageScript script : scripts) {
      html.raw("<script>").raw(script.text()).raw("</script>\n");
    }
    html.raw("</body>\n</html>\n");
  }

  private void head(Html html, List<PageScript> styles, List<PageScript> scripts) {
    html.raw("<!DOCTYPE html>\n<html lang=\"en\"");
    live.ifPresent(
        progress ->
            html.raw(
                Html.format(
                    " data-live=\"%d\" data-written=\"%d\"",
                    RELOAD_SECONDS, progress.written().toEpochMilli())));
    html.raw(">\n<head>\n<meta charset=\"utf-8\">\n");
    // Nothing but this page's own style and script may run, whatever a name or a prompt holds.
    html.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';");
    html.raw(" img-src 'self' file:; base-uri 'none'; form-action 'none'; style-src");
    styles.forEach(style -> html.raw(" " + style.hash()));
    html.raw("; script-src");
    scripts.forEach(script -> html.raw(" " + script.hash()));
    html.raw("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    if (live.isPresent()) {
      html.raw("<noscript><meta http-equiv=\"refresh\" content=\"30\"></noscript>\n");
    }
    html.raw("<title>").text(title).raw("</title>\n");
    styles.forEach(style -> html.raw("<style>").raw(style.text()).raw("</style>\n"));
    html.raw("</head>\n<body>\n");
  }
}
