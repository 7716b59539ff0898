package io.github.tuneqdm.report;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.report.ReportData.Picture;
import java.io.IOException;
import java.util.Base64;

/** Puts pictures into the page as data URIs. */
final class Pictures {
  private Pictures() {}

  /**
   * @param alt what it shows, for those who do not see it
   * @param title a note on hovering
   */
  static void write(Html html, Picture picture, String alt, String title) {
    byte[] bytes = read(picture);
    String mediaType = mediaType(bytes);
    if (mediaType == null) {
      html.raw("<div class=\"no-picture\">").text(picture.name()).raw(" cannot be shown</div>");
      return;
    }
    html.raw("<button class=\"picture\" type=\"button\" title=\"").text(title);
    html.raw("\"><img loading=\"lazy\" decoding=\"async\" alt=\"").text(alt);
    html.raw("\" src=\"data:").raw(mediaType).raw(";base64,");
    html.raw(Base64.getEncoder().encodeToString(bytes)).raw("\"></button>");
  }

  private static byte[] read(Picture picture) {
    try {
      return picture.bytes().read();
    } catch (IOException e) {
      throw TuneQdmException.inputData(
          Html.format("Cannot put %s into the report: %s", picture.name(), e), e);
    }
  }

  /** By the file's first bytes, since names lie; null for what no browser shows as a bitmap. */
  static String mediaType(byte[] bytes) {
    if (startsWith(bytes, 0, "\u0089PNG\r\n\u001a\n")) {
      return "image/png";
    }
    if (startsWith(bytes, 0, "\u00ff\u00d8\u00ff")) {
      return "image/jpeg";
    }
    if (startsWith(bytes, 0, "GIF8")) {
      return "image/gif";
    }
    if (startsWith(bytes, 0, "RIFF") && startsWith(bytes, 8, "WEBP")) {
      return "image/webp";
    }
    return startsWith(bytes, 0, "BM") ? "image/bmp" : null;
  }

  private static boolean startsWith(byte[] bytes, int offset, String latin1) {
    if (bytes.length < offset + latin1.length()) {
      return false;
    }
    for (int i = 0; i < latin1.length(); i++) {
      if ((bytes[offset + i] & 0xff) != latin1.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
