package io.github.tuneqdm.image;

import io.github.tuneqdm.fuzz.Fuzzer;
import io.github.tuneqdm.fuzz.Mutator;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("fuzz")
class ImageFuzzTest {
  private static final long MAX_PIXELS = 1_000_000;

  @Test
  void noBytesBringTheIngestOfPhotosDown() {
    List<byte[]> photos = new ArrayList<>(PhotoForms.load().files().values());
    photos.add(PngEncoder.encode(RgbImage.filled(9, 5, 0x336699), Map.of("prompt", "a mug")));
    TrainingTransform transform = new TrainingTransform(32);
    Fuzzer.fuzz(
        "image ingest",
        photos,
        bytes -> transform.resize(ImageReader.read(bytes, "photo", MAX_PIXELS)),
        ImageFuzzTest::damagedParts,
        ImageFuzzTest::damagedParts,
        ImageFuzzTest::damagedPixels);
  }

  /** Damages, drops, doubles and swaps chunks or segments; checksums and lengths fit again. */
  private static byte[] damagedParts(byte[] input, List<byte[]> others, Mutator mutator) {
    boolean png = isPng(input);
    List<byte[]> parts = png ? chunks(input) : segments(input);
    if (parts.isEmpty()) {
      return mutator.bytes(input, others);
    }
    for (int i = 1 + mutator.random().nextInt(3); i > 0 && !parts.isEmpty(); i--) {
      int at = mutator.random().nextInt(parts.size());
      byte[] part = parts.get(at);
      switch (mutator.random().nextInt(5)) {
        case 0 -> parts.remove(at);
        case 1 -> parts.add(at, parts.get(mutator.random().nextInt(parts.size())));
        default -> {
          int head = png ? 4 : 2;
          if (part.length > head) {
            byte[] body = Arrays.copyOfRange(part, head, part.length);
            byte[] damaged = mutator.bytes(body, List.of(body));
            parts.set(at, Mutator.joined(Arrays.copyOf(part, head), damaged));
          }
        }
      }
    }
    return png ? png(parts) : jpeg(parts, input);
  }

  /** Damages what a PNG's compressed data hold: filter types and samples. */
  private static byte[] damagedPixels(byte[] input, List<byte[]> others, Mutator mutator) {
    if (!isPng(input)) {
      return damagedParts(input, others, mutator);
    }
    List<byte[]> parts = new ArrayList<>();
    for (byte[] chunk : chunks(input)) {
      if (new String(chunk, 0, 4).equals("IDAT")) {
        byte[] raw = inflated(Arrays.copyOfRange(chunk, 4, chunk.length));
        byte[] damaged = raw.length == 0 ? raw : mutator.bytes(raw, List.of(raw));
        parts.add(Mutator.joined(Arrays.copyOf(chunk, 4), deflated(damaged)));
      } else {
        parts.add(chunk);
      }
    }
    return png(parts);
  }

  private static boolean isPng(byte[] input) {
    return ImageFormat.of(input) == ImageFormat.PNG;
  }

  /** Types and bodies. */
  private static List<byte[]> chunks(byte[] png) {
    List<byte[]> chunks = new ArrayList<>();
    ByteBuffer file = ByteBuffer.wrap(png);
    file.position(8);
    while (file.remaining() >= 12) {
      int length = file.getInt();
      if (length < 0 || length > file.remaining() - 8) {
        break;
      }
      byte[] chunk = new byte[4 + length];
      file.get(chunk).getInt();
      chunks.add(chunk);
    }
    return chunks;
  }

  private static byte[] png(List<byte[]> chunks) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(new byte[] {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'});
    for (byte[] chunk : chunks) {
      PngChunks.write(
          out, Mutator.latin1(Arrays.copyOf(chunk, 4)), Arrays.copyOfRange(chunk, 4, chunk.length));
    }
    return out.toByteArray();
  }

  /** Markers and bodies up to the first scan; then what is left as the last one. */
  private static List<byte[]> segments(byte[] jpeg) {
    List<byte[]> segments = new ArrayList<>();
    if (ImageFormat.of(jpeg) != ImageFormat.JPEG) {
      return segments;
    }
    int at = 2;
    while (at + 4 <= jpeg.length && (jpeg[at] & 0xFF) == 0xFF && (jpeg[at + 1] & 0xFF) != 0xDA) {
      int length = (jpeg[at + 2] & 0xFF) << 8 | jpeg[at + 3] & 0xFF;
      if (length < 2 || at + 2 + length > jpeg.length) {
        break;
      }
      segments.add(
          Mutator.joined(
              Arrays.copyOfRange(jpeg, at, at + 2),
              Arrays.copyOfRange(jpeg, at + 4, at + 2 + length)));
      at += 2 + length;
    }
    return segments;
  }

  private static byte[] jpeg(List<byte[]> segments, byte[] original) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(original, 0, 2);
    for (byte[] segment : segments) {
      int length = Math.min(65533, segment.length - 2);
      out.write(segment, 0, 2);
      out.write(length + 2 >> 8);
      out.write(length + 2);
      out.write(segment, 2, length);
    }
    int rest = 2;
    for (byte[] segment : segments(original)) {
      rest += segment.length + 2;
    }
    out.write(original, rest, original.length - rest);
    return out.toByteArray();
  }

  private static byte[] inflated(byte[] data) {
    Inflater inflater = new Inflater();
    inflater.setInput(data);
    byte[] raw = new byte[1 << 18];
    try {
      return Arrays.copyOf(raw, inflater.inflate(raw));
    } catch (java.util.zip.DataFormatException e) {
      return new byte[0];
    } finally {
      inflater.end();
    }
  }

  private static byte[] deflated(byte[] raw) {
    Deflater deflater = new Deflater();
    deflater.setInput(raw);
    deflater.finish();
    byte[] data = new byte[raw.length + 1024];
    int length = deflater.deflate(data);
    deflater.end();
    return Arrays.copyOf(data, length);
  }
}
