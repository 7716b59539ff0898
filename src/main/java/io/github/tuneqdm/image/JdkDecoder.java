package io.github.tuneqdm.image;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** The JDK's decoders, held to give samples as stored (no colour conversion) or to fail. */
final class JdkDecoder {
  private static final List<String> HARMLESS =
      List.of("extraneous bytes", "Use default color table");

  private static final List<String> TRUNCATED =
      List.of("Premature end of input file", "Truncated File");

  private JdkDecoder() {}

  /** The first picture's stored samples, for the formats whose JDK reader can give a raster. */
  static Raster raster(String format, byte[] bytes) throws IOException {
    return read(format, bytes, reader -> reader.readRaster(0, null));
  }

  static BufferedImage image(String format, byte[] bytes) throws IOException {
    return read(format, bytes, reader -> reader.read(0));
  }

  private interface Reading<T> {
    T from(ImageReader reader) throws IOException;
  }

  private static <T> T read(String format, byte[] bytes, Reading<T> reading) throws IOException {
    ImageReader reader = ImageIO.getImageReadersByFormatName(format).next();
    List<String> complaints = new ArrayList<>();
    IIOReadWarningListener listener = (source, warning) -> complaints.add(warning);
    // A memory cache: ImageIO's default would write temporary files.
    try (var stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.addIIOReadWarningListener(listener);
      reader.setInput(stream, true, true);
      T result = reading.from(reader);
      refuseDamaged(complaints);
      return result;
    } catch (EOFException e) {
      throw e;
    } catch (IOException e) {
      throw clearer(e);
    } finally {
      reader.dispose();
    }
  }

  /**
   * The decoders fill what is missing with grey and warn. Let pass are bytes too many between two
   * markers of a JPEG and the lack of a palette in a GIF: no sample is wrong for them.
   */
  private static void refuseDamaged(List<String> complaints) throws IOException {
    for (String complaint : complaints) {
      if (TRUNCATED.stream().anyMatch(complaint::contains)) {
        throw new EOFException(complaint);
      }
      if (HARMLESS.stream().noneMatch(complaint::contains)) {
        throw new IOException(complaint);
      }
    }
  }

  /** The JDK wraps what went wrong in "I/O error reading image!": the innermost cause is shown. */
  private static IOException clearer(IOException e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause instanceof EOFException truncated
        ? truncated
        : new IOException(
            "the file is damaged (%s)"
                .formatted(Objects.requireNonNullElse(cause.getMessage(), "copy it again")),
            e);
  }
}
