package io.github.tuneqdm.verify;

import io.github.tuneqdm.storage.Hashes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code SHA256SUMS}, as sha256sum writes it: every file that it lists is there and unchanged. */
final class HashListCheck {
  private static final Pattern LINE = Pattern.compile("([0-9a-fA-F]{64}) [ *](?:\\./)?(.+)");

  private HashListCheck() {}

  static VerifyRow check(GoldenFolder folder, String file) {
    List<String> lines =
        folder.read(file, path -> Files.readAllLines(path, StandardCharsets.UTF_8));
    String beside = file.substring(0, file.lastIndexOf('/') + 1);
    List<String> problems = new ArrayList<>();
    int listed = 0;
    for (String line : lines) {
      if (line.isBlank()) {
        continue;
      }
      listed++;
      Matcher entry = LINE.matcher(line);
      if (!entry.matches()) {
        problems.add("line " + listed + " is no hash with a file");
      } else if (!folder.has(beside + entry.group(2))) {
        problems.add(entry.group(2) + " is missing");
      } else if (!Hashes.sha256(folder.path(beside + entry.group(2)))
          .equalsIgnoreCase(entry.group(1))) {
        problems.add(entry.group(2) + " has another hash");
      }
    }
    if (listed == 0) {
      problems.add("it lists nothing");
    }
    String detail = problems.isEmpty() ? listed + " hashes" : String.join(", ", problems);
    return new VerifyRow(file, problems.isEmpty(), Double.NaN, Double.NaN, detail);
  }
}
