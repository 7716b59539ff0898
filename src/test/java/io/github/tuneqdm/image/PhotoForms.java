package io.github.tuneqdm.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/** Small files of every form, and what Pillow makes of each; see photo-forms.txt. */
record PhotoForms(SortedMap<String, byte[]> files, Map<String, RgbImage> expected) {
  static PhotoForms load() {
    SortedMap<String, byte[]> files = new TreeMap<>();
    Map<String, RgbImage> expected = new TreeMap<>();
    try (InputStream in = PhotoForms.class.getResourceAsStream("photo-forms.zip");
        ZipInputStream zip = new ZipInputStream(in)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        String name = entry.getName();
        byte[] bytes = zip.readAllBytes();
        if (name.endsWith(".rgb")) {
          expected.put(name.substring(0, name.length() - 4), image(bytes));
        } else {
          files.put(name, bytes);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new PhotoForms(files, expected);
  }

  byte[] file(String name) {
    return files.get(name).clone();
  }

  private static RgbImage image(byte[] bytes) {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    int width = buffer.getInt();
    int height = buffer.getInt();
    byte[] rgb = new byte[buffer.remaining()];
    buffer.get(rgb);
    return new RgbImage(width, height, rgb);
  }
}
