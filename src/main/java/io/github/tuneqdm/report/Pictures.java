package io.github.tuneqdm.report;

import io.github.tuneqdm.report.ReportData.Picture;

/** Shows thumbnails, which the browser loads when they come near, and links to the originals. */
final class Pictures {
  /** What they are shown at, at most; keeps their place until they are loaded. */
  private static final int SIDE = 160;

  private Pictures() {}

  /**
   * @param alt what it shows, for those who do not see it
   * @param scores said below the enlarged picture; may be empty
   */
  static void write(Html html, Picture picture, String alt, String scores) {
    if (picture.thumbnail().isEmpty()) {
      html.raw("<span class=\"no-picture\">").text(picture.name()).raw(" cannot be shown</span>");
      return;
    }
    String thumbnail = picture.thumbnail().get();
    html.raw("<a class=\"p\" href=\"").text(picture.original().orElse(thumbnail)).raw("\"");
    if (!scores.isEmpty()) {
      html.raw(" data-s=\"").text(scores).raw("\"");
    }
    html.raw("><img loading=\"lazy\" ");
    html.raw(Html.format("width=\"%d\" height=\"%d\" alt=\"", SIDE, SIDE)).text(alt);
    html.raw("\" src=\"").text(thumbnail).raw("\"></a>");
  }
}
