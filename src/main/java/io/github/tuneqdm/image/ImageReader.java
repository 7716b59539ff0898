package io.github.tuneqdm.image;

import io.github.tuneqdm.error.TuneQdmException;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Photos of users: JPEG, PNG, BMP and the first frame of a GIF.
 *
 * <p>Turned upright by their EXIF orientation and converted to RGB with Pillow's rules: alpha is
 * dropped, grey is repeated, 16-bit grey above 255 is white, other 16-bit samples keep their high
 * byte, CMYK counts as inverted. No colour management: an ICC profile changes nothing.
 *
 * <p>Whatever the header promises is held against the limit before a pixel is decoded. A truncated
 * or damaged file is refused, never half used. Stateless; needs no display and no temporary files.
 */
public final class ImageReader {
  /** A raw RGB picture of 64 megapixels has 192 MB; a file beyond this is something else. */
  private static final long MAX_FILE_BYTES = 1L << 30;

  /** Beyond this, three or four bytes a pixel do not fit into one Java array. */
  private static final long MAX_ARRAY_PIXELS = Integer.MAX_VALUE / 4;

  private static final Set<String> IMAGE_EXTENSIONS =
      Set.of(
          "jpg", "jpeg", "jpe", "jfif", "png", "apng", "bmp", "dib", "gif", "webp", "tif", "tiff",
          "heic", "heif", "avif", "svg", "jxl", "jp2", "psd", "dng", "cr2", "nef", "arw");

  private static final Set<String> FILE_MANAGER_FILES =
      Set.of("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx");

  private ImageReader() {}

  /**
   * @param maxPixels the most pixels (width x height) that the header may announce
   * @throws TuneQdmException inputData, naming the file, where it cannot be read
   */
  public static RgbImage read(Path file, long maxPixels) {
    String name = file.toString();
    if (Files.isDirectory(file)) {
      throw refusal(name, "it is a folder", null);
    }
    if (!Files.exists(file)) {
      throw refusal(name, "no such file", null);
    }
    if (!Files.isRegularFile(file)) {
      throw refusal(name, "it is not an ordinary file", null); // opening a pipe waits for ever
    }
    byte[] bytes;
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw refusal(name, "the file is larger than 1 GiB", null);
      }
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw refusal(name, "the file cannot be opened (" + e + ")", e);
    }
    return read(bytes, name, maxPixels);
  }

  /**
   * @param name what messages call the picture, such as {@code subjects/dog/03.jpg}
   */
  public static RgbImage read(byte[] bytes, String name, long maxPixels) {
    try {
      return decode(bytes, new PixelLimit(maxPixels));
    } catch (EOFException e) {
      throw refusal(name, "the file is truncated (copy it again)", e);
    } catch (IOException e) {
      throw refusal(name, e.getMessage(), e);
    } catch (RuntimeException e) {
      // The JDK's decoders answer some damaged files with whatever their arrays throw.
      throw refusal(name, "the file is damaged (copy it again)", e);
    } catch (OutOfMemoryError e) {
      // Not the picture's fault alone: the same one is read where there is more memory.
      throw TuneQdmException.environment(
          "Cannot read "
              + name
              + ": its pixels take more memory than there is (lower tuneqdm.data.max-pixels, or give"
              + " driver and executors more memory)",
          e);
    }
  }

  /** Whether a file of this name should be read as a photo; see {@link #reasonToSkip}. */
  public static boolean looksLikeImage(String fileName) {
    return reasonToSkip(fileName).isEmpty();
  }

  /**
   * Why a file of this name (the last part of its path) is no photo: hidden files, what file
   * managers leave behind, other extensions. Empty for photos, also for those in forms that {@link
   * #read} refuses: a user who put a .webp there should be told.
   */
  public static Optional<String> reasonToSkip(String fileName) {
    String name = fileName.toLowerCase(Locale.ROOT);
    if (name.startsWith(".")) {
      return Optional.of("hidden file");
    }
    if (FILE_MANAGER_FILES.contains(name)) {
      return Optional.of("left by a file manager");
    }
    int dot = name.lastIndexOf('.');
    if (dot < 0) {
      return Optional.of("no image file extension");
    }
    return IMAGE_EXTENSIONS.contains(name.substring(dot + 1))
        ? Optional.empty()
        : Optional.of("not an image by its extension " + name.substring(dot));
  }

  /** As by name; a sub-folder is skipped too, whatever it is called. */
  public static Optional<String> reasonToSkip(Path file) {
    return Files.isDirectory(file)
        ? Optional.of("sub-folder")
        : reasonToSkip(file.getFileName().toString());
  }

  private static RgbImage decode(byte[] bytes, PixelLimit limit) throws IOException {
    return switch (ImageFormat.of(bytes)) {
      case JPEG -> JpegPhoto.decode(bytes, limit);
      case PNG -> PngPhoto.decode(bytes, limit);
      case GIF -> GifPhoto.decode(bytes, limit);
      case BMP -> BmpPhoto.decode(bytes, limit);
      case WEBP, TIFF, HEIF, SVG, JPEG_XL, JPEG_2000, PHOTOSHOP, PDF ->
          throw new IOException(
              ImageFormat.of(bytes) + " pictures are not supported (convert it to PNG or JPEG)");
      case VIDEO -> throw new IOException("it is a video (take a still from it)");
      case EMPTY -> throw new IOException("the file is empty");
      case UNKNOWN -> throw new IOException("it is no JPEG, PNG, BMP or GIF picture");
    };
  }

  private static TuneQdmException refusal(String name, String why, Exception cause) {
    return TuneQdmException.inputData("Cannot read " + name + ": " + why, cause);
  }

  /** The most pixels a picture may have; asked with the header's size, before decoding. */
  record PixelLimit(long maxPixels) {
    private static final long MEGA = 1_000_000;

    void check(long width, long height) throws IOException {
      if (width < 1 || height < 1) {
        throw new IOException("its header says " + width + " x " + height + " pixels");
      }
      if (height > maxPixels / width) { // width * height could overflow

        String limit =
            maxPixels % MEGA == 0
                ? maxPixels / MEGA + "-megapixel limit"
                : "limit of " + maxPixels + " pixels";
        throw new IOException(
            width + " x " + height + " pixels exceed the " + limit + " (tuneqdm.data.max-pixels)");
      }
      if (height > MAX_ARRAY_PIXELS / width) {
        throw new IOException(
            width + " x " + height + " pixels are more than can be held (make it smaller)");
      }
    }
  }
}
