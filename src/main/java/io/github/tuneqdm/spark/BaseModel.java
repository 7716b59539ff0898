package io.github.tuneqdm.spark;

import io.github.tuneqdm.storage.Hashes;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** What of a base model, beside the UNet, decides what training makes of a subject. */
final class BaseModel {
  private static final List<String> PARTS =
      List.of("scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "vae");

  private BaseModel() {}

  /** Hash of the names and contents of all files in these parts. */
  static String hash(String folder, Configuration hadoop) {
    Path local = LocalFolders.of(folder, hadoop);
    StringBuilder text = new StringBuilder();
    for (String part : PARTS) {
      if (Files.isDirectory(local.resolve(part))) {
        text.append(part).append(' ').append(Hashes.sha256OfFolder(local.resolve(part)));
        text.append('\n');
      }
    }
    return Hashes.sha256(text.toString());
  }
}
