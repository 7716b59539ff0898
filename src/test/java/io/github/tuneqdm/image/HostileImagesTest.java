package io.github.tuneqdm.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.error.ExitCode;
import io.github.tuneqdm.error.TuneQdmException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOMetadata;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bad and odd pictures by name, made here byte by byte; {@link PhotoForms} has the odd but good.
 */
class HostileImagesTest {
  private static final long LIMIT = 64_000_000;
  private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  private static final int GREY = 0;
  private static final int RGB = 2;
  private static final int PALETTE = 3;
  private static final int GREY_ALPHA = 4;

  @TempDir Path folder;

  @TestFactory
  Stream<DynamicTest> badPicturesAreRefusedWithTheReason() {
    byte[] jpeg = jpeg(gradient(24, 16));
    byte[] png = PngEncoder.encode(rgb(gradient(24, 16)), Map.of());
    Map<String, Map.Entry<byte[], String>> cases = new LinkedHashMap<>();
    cases.put("PNG of 50000 x 50000", Map.entry(png(50_000, 50_000, 8, RGB), "64-megapixel limit"));
    cases.put(
        "PNG of 2^31 - 1 pixels a side", Map.entry(png(-1 >>> 1, -1 >>> 1, 8, RGB), "exceed"));
    cases.put("PNG without pixels", Map.entry(png(0, 4, 8, RGB), "0 x 4 pixels"));
    cases.put("PNG of 3 bits", Map.entry(png(4, 4, 3, RGB), "PNG does not have"));
    cases.put("PNG of an unknown colour type", Map.entry(png(4, 4, 8, 5), "PNG does not have"));
    cases.put(
        "PNG whose palette is missing", Map.entry(png(2, 2, 8, PALETTE), "palette is missing"));
    cases.put(
        "PNG whose palette is too long",
        Map.entry(png(2, 2, 8, PALETTE, chunk("PLTE", new byte[771])), "palette of 771 bytes"));
    cases.put(
        "PNG without picture data",
        Map.entry(
            parts(SIGNATURE, header(2, 2, 8, RGB), chunk("IEND", new byte[0])), "no picture"));
    cases.put(
        "PNG with two headers",
        Map.entry(png(2, 2, 8, RGB, header(2, 2, 8, RGB)), "a second or odd header"));
    cases.put(
        "PNG that begins with its data",
        Map.entry(parts(SIGNATURE, chunk("IDAT", new byte[9])), "begin with its header"));
    cases.put(
        "PNG with too few rows",
        Map.entry(
            parts(
                SIGNATURE, header(64, 64, 8, RGB), data(new byte[193]), chunk("IEND", new byte[0])),
            ""));
    cases.put(
        "PNG whose data are not deflated",
        Map.entry(
            parts(
                SIGNATURE,
                header(2, 2, 8, RGB),
                chunk("IDAT", new byte[20]),
                chunk("IEND", new byte[0])),
            "damaged"));
    cases.put("PNG with a filter type 9", Map.entry(filterType9(), "damaged"));
    cases.put(
        "PNG with a negative chunk",
        Map.entry(parts(SIGNATURE, new byte[] {-1, 0, 0, 0}, new byte[20]), "negative"));
    cases.put("PNG with a wrong checksum", Map.entry(flipped(png, png.length - 14), "checksum"));
    cases.put("PNG cut in its header", Map.entry(Arrays.copyOf(png, 20), "truncated"));
    cases.put("PNG cut in its data", Map.entry(Arrays.copyOf(png, png.length - 30), "truncated"));
    cases.put(
        "PNG cut before its end", Map.entry(Arrays.copyOf(png, png.length - 12), "truncated"));
    cases.put("JPEG cut in its tables", Map.entry(Arrays.copyOf(jpeg, 40), "truncated"));
    cases.put(
        "JPEG cut in its scan", Map.entry(Arrays.copyOf(jpeg, jpeg.length - 20), "truncated"));
    cases.put("JPEG of its mark alone", Map.entry(Arrays.copyOf(jpeg, 3), "truncated"));
    cases.put("JPEG of 65535 x 65535", Map.entry(withJpegSize(jpeg, 0xFFFF, 0xFFFF), "exceed"));
    cases.put("JPEG without rows", Map.entry(withJpegSize(jpeg, 24, 0), "24 x 0 pixels"));
    cases.put("JPEG of 100000 scans", Map.entry(manyScans(100_000), "more than 100 scans"));
    cases.put("JPEG of 12 bits", Map.entry(withSample(jpeg, 12), "12-bit JPEG is not supported"));
    cases.put("arithmetic-coded JPEG", Map.entry(withMarker(jpeg, 0xC9), "arithmetic-coded"));
    cases.put("lossless JPEG", Map.entry(withMarker(jpeg, 0xC3), "lossless"));
    cases.put("JPEG without a frame", Map.entry(withMarker(jpeg, 0xE5), "no frame header"));
    cases.put(
        "JPEG with a segment of length 0",
        Map.entry(
            parts(new byte[] {-1, (byte) 0xD8, -1, (byte) 0xE1, 0, 0}, new byte[9]),
            "segment without length"));
    cases.put("GIF of 65535 x 65535", Map.entry(gif(65535, 65535, 1, 1), "exceed"));
    cases.put("GIF whose frame is huge", Map.entry(gif(1, 1, 65535, 65535), "exceed"));
    cases.put(
        "GIF without a frame",
        Map.entry(parts(latin1("GIF89a"), new byte[] {4, 0, 4, 0, 0, 0, 0, 0x3B}), "no frame"));
    cases.put("GIF cut in its frame", Map.entry(Arrays.copyOf(gif(4, 4, 4, 4), 30), "truncated"));
    cases.put(
        "BMP of 2^31 - 1 x 2^31 - 1",
        Map.entry(bmp(Integer.MAX_VALUE, Integer.MIN_VALUE, 0), "exceed"));
    cases.put("BMP around a JPEG", Map.entry(bmp(2, 2, 4), "inside a BMP"));
    cases.put("BMP cut in its header", Map.entry(Arrays.copyOf(bmp(2, 2, 0), 20), "truncated"));
    cases.put("empty file", Map.entry(new byte[0], "the file is empty"));
    cases.put("file of zeros", Map.entry(new byte[4096], "no JPEG, PNG, BMP or GIF"));
    cases.put("text", Map.entry(latin1("dear diary"), "no JPEG, PNG, BMP or GIF"));
    cases.put(
        "HTML of a failed download", Map.entry(latin1("<!DOCTYPE html><h1>403</h1>"), "no JPEG"));
    cases.put(
        "SVG",
        Map.entry(
            latin1("<?xml version=\"1.0\"?>\n<svg xmlns=\"x\"/>"),
            "SVG pictures are not supported (convert"));
    cases.put(
        "WebP", Map.entry(latin1("RIFF\30\0\0\0WEBPVP8 "), "WebP pictures are not supported"));
    cases.put("TIFF", Map.entry(latin1("MM\0*\0\0\0\10"), "TIFF or camera raw pictures are not"));
    cases.put("HEIC", Map.entry(latin1("\0\0\0\30ftypheic\0\0\0\0"), "HEIF/AVIF pictures are not"));
    cases.put("AVIF", Map.entry(latin1("\0\0\0\30ftypavif\0\0\0\0"), "HEIF/AVIF pictures are not"));
    cases.put("JPEG XL", Map.entry(latin1("\u00FF\n\0\0"), "JPEG XL pictures are not"));
    cases.put("JPEG 2000", Map.entry(latin1("\0\0\0\fjP  \r\n"), "JPEG 2000 pictures are not"));
    cases.put("Photoshop", Map.entry(latin1("8BPS\0\1"), "Photoshop pictures are not"));
    cases.put("PDF", Map.entry(latin1("%PDF-1.7"), "PDF pictures are not"));
    cases.put("video", Map.entry(latin1("\0\0\0\30ftypisom\0\0\0\0"), "it is a video"));
    assertThat(cases).hasSizeGreaterThan(25);
    return cases.entrySet().stream()
        .map(c -> DynamicTest.dynamicTest(c.getKey(), () -> refused(c.getValue())));
  }

  private static void refused(Map.Entry<byte[], String> bad) {
    assertThatThrownBy(() -> ImageReader.read(bad.getKey(), "dog/03.jpg", LIMIT))
        .isInstanceOfSatisfying(
            TuneQdmException.class, e -> assertThat(e.exitCode()).isEqualTo(ExitCode.INPUT_DATA))
        .hasMessageStartingWith("Cannot read dog/03.jpg: ")
        .hasMessageContaining(bad.getValue())
        .hasMessageNotContaining("Exception")
        .hasMessageNotContaining("null");
  }

  @TestFactory
  Stream<DynamicTest> oddPicturesAreRead() {
    RgbImage picture = rgb(gradient(24, 16));
    byte[] png = PngEncoder.encode(picture, Map.of());
    Map<String, Map.Entry<byte[], RgbImage>> cases = new LinkedHashMap<>();
    cases.put(
        "PNG with a bomb in zTXt", Map.entry(withChunk(png, "zTXt", bomb("Comment\0\0")), picture));
    cases.put("PNG with a bomb in iCCP", Map.entry(withChunk(png, "iCCP", bomb("p\0\0")), picture));
    cases.put(
        "PNG with a bomb in iTXt", Map.entry(withChunk(png, "iTXt", bomb("k\0\1\0\0\0")), picture));
    cases.put(
        "PNG with a broken colour profile",
        Map.entry(withChunk(png, "iCCP", new byte[1]), picture));
    cases.put(
        "PNG with a broken EXIF block",
        Map.entry(withChunk(png, "eXIf", latin1("II*\0\u00FF\u00FF\u00FF\u00FF")), picture));
    cases.put(
        "APNG, its first frame",
        Map.entry(withChunk(png, "acTL", new byte[] {0, 0, 0, 9, 0, 0, 0, 0}), picture));
    cases.put(
        "PNG of 16 bits",
        Map.entry(sixteenBits(), new RgbImage(1, 1, new byte[] {0x12, 0x56, (byte) 0x9A})));
    cases.put(
        "PNG of grey and alpha",
        Map.entry(greyAlpha(), new RgbImage(1, 1, new byte[] {77, 77, 77})));
    cases.put(
        "PNG of one bit",
        Map.entry(oneBit(), new RgbImage(2, 1, new byte[] {-1, -1, -1, 0, 0, 0})));
    cases.put(
        "PNG of a palette with transparency",
        Map.entry(transparentPalette(), new RgbImage(1, 1, new byte[] {1, 2, 3})));
    cases.put("interlaced PNG", Map.entry(interlaced(gradient(24, 16)), picture));
    cases.put("PNG with bytes after its end", Map.entry(parts(png, new byte[999]), picture));
    cases.put("PNG in a thousand pieces", Map.entry(inPieces(png), picture));
    return cases.entrySet().stream()
        .map(
            c ->
                DynamicTest.dynamicTest(
                    c.getKey(),
                    () ->
                        assertThat(ImageReader.read(c.getValue().getKey(), "a", LIMIT))
                            .isEqualTo(c.getValue().getValue())));
  }

  @TestFactory
  Stream<DynamicTest> cmykAndYcckAreInksAndNotLight() {
    return Stream.of(0, 2)
        .map(
            transform ->
                DynamicTest.dynamicTest(
                    transform == 0 ? "CMYK JPEG" : "YCCK JPEG",
                    () -> {
                      // Adobe stores 255 for no ink: white paper; in YCCK as luma 0 and no colour.
                      byte[] inks =
                          transform == 0
                              ? new byte[] {-1, -1, -1, -1}
                              : new byte[] {0, (byte) 128, (byte) 128, -1};
                      RgbImage read = ImageReader.read(fourChannels(inks, transform), "a", LIMIT);
                      assertThat(read.width()).isEqualTo(8);
                      assertThat(read.sample(3, 3, 0)).isGreaterThan(250);
                      assertThat(read.sample(3, 3, 1)).isGreaterThan(250);
                      assertThat(read.sample(3, 3, 2)).isGreaterThan(250);
                    }));
  }

  @TestFactory
  Stream<DynamicTest> everyOrientationIsUprightAfterIngest() {
    BufferedImage stored = gradient(24, 16);
    return IntStream.rangeClosed(1, 8)
        .boxed()
        .flatMap(
            value ->
                Stream.of("JPEG", "PNG")
                    .map(
                        form ->
                            DynamicTest.dynamicTest(
                                form + " with orientation " + value,
                                () -> assertUpright(stored, form, value))));
  }

  /** The marked corner, top left in the scene, lies elsewhere in the file by EXIF's own table. */
  private static void assertUpright(BufferedImage stored, String form, int orientation) {
    byte[] exif = exif(orientation);
    byte[] file =
        form.equals("PNG")
            ? withChunk(PngEncoder.encode(rgb(stored), Map.of()), "eXIf", exif)
            : withExif(jpeg(stored), exif);
    byte[] plain = form.equals("PNG") ? PngEncoder.encode(rgb(stored), Map.of()) : jpeg(stored);
    RgbImage raw = ImageReader.read(plain, "a", LIMIT);
    RgbImage upright = ImageReader.read(file, "a", LIMIT);
    int w = raw.width();
    int h = raw.height();
    assertThat(upright.width()).isEqualTo(orientation > 4 ? h : w);
    // EXIF 2.3, Orientation: where the scene's row 0 and column 0 are in the file.
    int x = List.of(2, 3, 7, 8).contains(orientation) ? w - 1 : 0;
    int y = List.of(3, 4, 6, 7).contains(orientation) ? h - 1 : 0;
    for (int c = 0; c < 3; c++) {
      assertThat(upright.sample(0, 0, c)).as("channel " + c).isEqualTo(raw.sample(x, y, c));
    }
  }

  @Test
  void animationsGiveTheirFirstFrame() throws IOException {
    byte[] still = PhotoForms.load().file("plain.gif");
    byte[] twice =
        parts(Arrays.copyOf(still, still.length - 1), Arrays.copyOfRange(still, 13, still.length));

    assertThat(ImageReader.read(twice, "a.gif", LIMIT))
        .isEqualTo(PhotoForms.load().expected().get("plain.gif"));
  }

  @Test
  void theNameSaysNothingAboutTheForm() throws IOException {
    Path disguised =
        Files.write(
            folder.resolve("photo.jpg"), PngEncoder.encode(RgbImage.filled(3, 2, 7), Map.of()));
    Path text = Files.writeString(folder.resolve("notes.png"), "not a picture");

    assertThat(ImageReader.read(disguised, LIMIT)).isEqualTo(RgbImage.filled(3, 2, 7));
    assertThatThrownBy(() -> ImageReader.read(text, LIMIT))
        .hasMessage("Cannot read " + text + ": it is no JPEG, PNG, BMP or GIF picture");
  }

  @Test
  void aPipeIsRefusedAndNotWaitedFor() throws Exception {
    Path pipe = folder.resolve("pipe.jpg");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();

    assertThatThrownBy(() -> ImageReader.read(pipe, LIMIT))
        .hasMessage("Cannot read " + pipe + ": it is not an ordinary file");
  }

  @Test
  void everyByteOfASmallPictureMayBeMissingOrWrong() {
    byte[] jpeg = jpeg(gradient(16, 8));
    for (int i = 0; i < jpeg.length; i++) {
      for (byte[] bad : List.of(Arrays.copyOf(jpeg, i), flipped(jpeg, i))) {
        try {
          ImageReader.read(bad, "a", 1_000_000);
        } catch (TuneQdmException e) {
          assertThat(e).hasMessageStartingWith("Cannot read a: ").hasMessageNotContaining("null");
        }
      }
    }
  }

  // Pictures --------------------------------------------------------------------------------------

  private static BufferedImage gradient(int width, int height) {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        image.setRGB(x, y, x * 255 / width << 16 | y * 255 / height << 8 | 64 + x + y);
      }
    }
    return image;
  }

  private static RgbImage rgb(BufferedImage image) {
    byte[] rgb = new byte[3 * image.getWidth() * image.getHeight()];
    for (int i = 0; i < rgb.length / 3; i++) {
      int pixel = image.getRGB(i % image.getWidth(), i / image.getWidth());
      rgb[3 * i] = (byte) (pixel >> 16);
      rgb[3 * i + 1] = (byte) (pixel >> 8);
      rgb[3 * i + 2] = (byte) pixel;
    }
    return new RgbImage(image.getWidth(), image.getHeight(), rgb);
  }

  private static byte[] jpeg(BufferedImage image) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      assertThat(ImageIO.write(image, "jpeg", out)).isTrue();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  /** A JPEG of 8 x 8 pixels of one ink mix, with Adobe's marker. */
  private static byte[] fourChannels(byte[] inks, int transform) throws IOException {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    java.awt.image.WritableRaster raster =
        java.awt.image.Raster.createInterleavedRaster(
            java.awt.image.DataBuffer.TYPE_BYTE, 8, 8, 4, null);
    for (int y = 0; y < 8; y++) {
      for (int x = 0; x < 8; x++) {
        raster.setDataElements(x, y, inks);
      }
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (var stream = ImageIO.createImageOutputStream(out)) {
      writer.setOutput(stream);
      writer.write(null, new IIOImage(raster, null, null), writer.getDefaultWriteParam());
    } finally {
      writer.dispose();
    }
    byte[] adobe = {
      -1, (byte) 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, (byte) transform
    };
    byte[] plain = out.toByteArray();
    return parts(Arrays.copyOf(plain, 2), adobe, Arrays.copyOfRange(plain, 2, plain.length));
  }

  private static byte[] interlaced(BufferedImage image) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (var stream = ImageIO.createImageOutputStream(out)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setProgressiveMode(ImageWriteParam.MODE_DEFAULT);
      IIOMetadata metadata =
          writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(image), param);
      writer.setOutput(stream);
      writer.write(null, new IIOImage(image, null, metadata), param);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      writer.dispose();
    }
    byte[] png = out.toByteArray();
    assertThat(png[28]).as("interlace method").isEqualTo((byte) 1);
    return png;
  }

  /** Scans that each go over the whole picture and change nothing. */
  private static byte[] manyScans(int count) {
    byte[] jpeg = jpeg(gradient(24, 16));
    int scan = indexOf(jpeg, 0xDA);
    byte[] empty = {-1, (byte) 0xDA, 0, 8, 1, 1, 0, 0, 63, 0};
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, scan);
    for (int i = 0; i < count; i++) {
      out.writeBytes(empty);
    }
    out.write(jpeg, scan, jpeg.length - scan);
    return out.toByteArray();
  }

  private static byte[] withJpegSize(byte[] jpeg, int width, int height) {
    byte[] out = jpeg.clone();
    int frame = indexOf(out, 0xC0);
    ByteBuffer.wrap(out).putShort(frame + 5, (short) height).putShort(frame + 7, (short) width);
    return out;
  }

  private static byte[] withSample(byte[] jpeg, int bits) {
    byte[] out = jpeg.clone();
    out[indexOf(out, 0xC0) + 4] = (byte) bits;
    return out;
  }

  private static byte[] withMarker(byte[] jpeg, int frameMarker) {
    byte[] out = jpeg.clone();
    out[indexOf(out, 0xC0) + 1] = (byte) frameMarker;
    return out;
  }

  private static byte[] withExif(byte[] jpeg, byte[] exif) {
    byte[] body = parts(latin1("Exif\0\0"), exif);
    byte[] head = {-1, (byte) 0xE1, (byte) (body.length + 2 >> 8), (byte) (body.length + 2)};
    return parts(Arrays.copyOf(jpeg, 2), head, body, Arrays.copyOfRange(jpeg, 2, jpeg.length));
  }

  private static byte[] exif(int orientation) {
    return ByteBuffer.allocate(26)
        .order(ByteOrder.BIG_ENDIAN)
        .put(latin1("MM"))
        .putShort((short) 42)
        .putInt(8)
        .putShort((short) 1)
        .putShort((short) 0x0112)
        .putShort((short) 3)
        .putInt(1)
        .putShort((short) orientation)
        .array();
  }

  private static byte[] gif(int width, int height, int frameWidth, int frameHeight) {
    ByteBuffer gif = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
    gif.put(latin1("GIF89a")).putShort((short) width).putShort((short) height);
    gif.put(new byte[] {(byte) 0x80, 0, 0, 0, 0, 0, -1, -1, -1, 0x2C, 0, 0, 0, 0});
    gif.putShort((short) frameWidth).putShort((short) frameHeight).put((byte) 0);
    return gif.put(new byte[] {2, 2, 0x4C, 1, 0, 0x3B}).array();
  }

  private static byte[] bmp(int width, int height, int compression) {
    ByteBuffer bmp = ByteBuffer.allocate(70).order(ByteOrder.LITTLE_ENDIAN);
    bmp.put(latin1("BM")).putInt(70).putInt(0).putInt(54).putInt(40);
    bmp.putInt(width).putInt(height).putShort((short) 1).putShort((short) 24).putInt(compression);
    return bmp.array();
  }

  private static byte[] sixteenBits() {
    byte[] row = {0, 0x12, 0x34, 0x56, 0x78, (byte) 0x9A, (byte) 0xBC};
    return parts(SIGNATURE, header(1, 1, 16, RGB), data(row), chunk("IEND", new byte[0]));
  }

  private static byte[] greyAlpha() {
    return parts(
        SIGNATURE,
        header(1, 1, 8, GREY_ALPHA),
        data(new byte[] {0, 77, 3}),
        chunk("IEND", new byte[0]));
  }

  private static byte[] oneBit() {
    return parts(
        SIGNATURE,
        header(2, 1, 1, GREY),
        data(new byte[] {0, (byte) 0x80}),
        chunk("IEND", new byte[0]));
  }

  private static byte[] transparentPalette() {
    return parts(
        SIGNATURE,
        header(1, 1, 8, PALETTE),
        chunk("PLTE", new byte[] {9, 9, 9, 1, 2, 3}),
        chunk("tRNS", new byte[] {-1, 0}),
        data(new byte[] {0, 1}),
        chunk("IEND", new byte[0]));
  }

  private static byte[] filterType9() {
    return parts(
        SIGNATURE, header(1, 1, 8, RGB), data(new byte[] {9, 1, 2, 3}), chunk("IEND", new byte[0]));
  }

  private static byte[] inPieces(byte[] png) {
    int at = 33;
    int length = ByteBuffer.wrap(png).getInt(at);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(png, 0, at);
    for (int i = 0; i < length; i++) {
      out.writeBytes(chunk("IDAT", new byte[] {png[at + 8 + i]}));
      out.writeBytes(chunk("IDAT", new byte[0]));
    }
    out.writeBytes(chunk("IEND", new byte[0]));
    return out.toByteArray();
  }

  // Parts of PNGs ---------------------------------------------------------------------------------

  private static byte[] png(int width, int height, int bits, int colours, byte[]... more) {
    return parts(
        SIGNATURE,
        header(width, height, bits, colours),
        parts(more),
        data(new byte[64]),
        chunk("IEND", new byte[0]));
  }

  private static byte[] header(int width, int height, int bits, int colours) {
    return chunk(
        "IHDR",
        ByteBuffer.allocate(13)
            .putInt(width)
            .putInt(height)
            .put((byte) bits)
            .put((byte) colours)
            .array());
  }

  private static byte[] data(byte[] raw) {
    return chunk("IDAT", deflated(raw));
  }

  private static byte[] chunk(String type, byte[] body) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PngChunks.write(out, type, body);
    return out.toByteArray();
  }

  private static byte[] withChunk(byte[] png, String type, byte[] body) {
    return parts(
        Arrays.copyOf(png, 33), chunk(type, body), Arrays.copyOfRange(png, 33, png.length));
  }

  /** A hundred megabytes of zeros in a hundred kilobytes. */
  private static byte[] bomb(String head) {
    return parts(latin1(head), deflated(new byte[100 << 20]));
  }

  private static byte[] deflated(byte[] raw) {
    Deflater deflater = new Deflater(raw.length > 1 << 20 ? Deflater.BEST_SPEED : 6);
    deflater.setInput(raw);
    deflater.finish();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] buffer = new byte[1 << 16];
    while (!deflater.finished()) {
      out.write(buffer, 0, deflater.deflate(buffer));
    }
    deflater.end();
    return out.toByteArray();
  }

  private static byte[] flipped(byte[] bytes, int at) {
    byte[] out = bytes.clone();
    out[at] ^= (byte) 0x55;
    return out;
  }

  private static int indexOf(byte[] jpeg, int marker) {
    int at = 2;
    while ((jpeg[at + 1] & 0xFF) != marker) {
      at += 2 + ((jpeg[at + 2] & 0xFF) << 8 | jpeg[at + 3] & 0xFF);
    }
    return at;
  }

  private static byte[] parts(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
