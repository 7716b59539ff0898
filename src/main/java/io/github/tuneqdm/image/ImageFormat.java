package io.github.tuneqdm.image;

import java.nio.charset.StandardCharsets;

/** What a file's first bytes say it is; its extension is not asked. */
enum ImageFormat {
  JPEG("JPEG"),
  PNG("PNG"),
  GIF("GIF"),
  BMP("BMP"),
  WEBP("WebP"),
  TIFF("TIFF"),
  HEIF("HEIF/AVIF"),
  EMPTY("empty"),
  UNKNOWN("unknown");

  private final String label;

  ImageFormat(String label) {
    this.label = label;
  }

  static ImageFormat of(byte[] bytes) {
    if (bytes.length == 0) {
      return EMPTY;
    }
    String head = new String(bytes, 0, Math.min(16, bytes.length), StandardCharsets.ISO_8859_1);
    if (head.startsWith("\u00FF\u00D8\u00FF")) {
      return JPEG;
    }
    if (head.startsWith("\u0089PNG\r\n\u001A\n")) {
      return PNG;
    }
    if (head.startsWith("GIF87a") || head.startsWith("GIF89a")) {
      return GIF;
    }
    if (head.startsWith("BM")) {
      return BMP;
    }
    if (head.startsWith("RIFF") && head.startsWith("WEBP", 8)) {
      return WEBP;
    }
    if (head.startsWith("II*\0") || head.startsWith("MM\0*")) {
      return TIFF;
    }
    return head.startsWith("ftyp", 4) ? HEIF : UNKNOWN;
  }

  @Override
  public String toString() {
    return label;
  }
}
