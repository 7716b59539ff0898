package io.github.tuneqdm.image;

import java.nio.charset.StandardCharsets;
import java.util.Set;

/** What a file's first bytes say it is; its extension is not asked. */
enum ImageFormat {
  JPEG("JPEG"),
  PNG("PNG"),
  GIF("GIF"),
  BMP("BMP"),
  WEBP("WebP"),
  TIFF("TIFF or camera raw"),
  HEIF("HEIF/AVIF"),
  SVG("SVG"),
  JPEG_XL("JPEG XL"),
  JPEG_2000("JPEG 2000"),
  PHOTOSHOP("Photoshop"),
  PDF("PDF"),
  VIDEO("video"),
  EMPTY("empty"),
  UNKNOWN("unknown");

  private static final Set<String> HEIF_BRANDS =
      Set.of("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis");

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
    if (head.startsWith("ftyp", 4)) {
      return HEIF_BRANDS.contains(
              head.substring(Math.min(8, head.length()), Math.min(12, head.length())))
          ? HEIF
          : VIDEO;
    }
    if (head.startsWith("\u00FF\n") || head.startsWith("\0\0\0\fJXL ")) {
      return JPEG_XL;
    }
    if (head.startsWith("\0\0\0\fjP  ") || head.startsWith("\u00FFO\u00FFQ")) {
      return JPEG_2000;
    }
    if (head.startsWith("8BPS")) {
      return PHOTOSHOP;
    }
    if (head.startsWith("%PDF-")) {
      return PDF;
    }
    return isSvg(bytes) ? SVG : UNKNOWN;
  }

  private static boolean isSvg(byte[] bytes) {
    String start = new String(bytes, 0, Math.min(1024, bytes.length), StandardCharsets.ISO_8859_1);
    return start.contains("<svg");
  }

  @Override
  public String toString() {
    return label;
  }
}
