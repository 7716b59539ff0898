package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.spark.SubjectEntry.Photo;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Publisher;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** Lists the subjects of the data folder: names, prompts and hashed photos, in name order. */
final class SubjectCatalog {
  private static final String TABLE = "subjects.csv";
  private static final int LARGEST_TABLE = 16 << 20;
  private static final String DEFAULT_IDENTIFIER = "sks";
  private final FileSystem fs;
  private final Path folder;

  private SubjectCatalog(FileSystem fs, Path folder) {
    this.fs = fs;
    this.folder = folder;
  }

  /**
   * The subjects of the data folder.
   *
   * @param wanted their names; empty for all
   * @throws TuneQdmException (usage) for a bad or unknown name, (input data) for a folder that is
   *     not there or holds no subject
   */
  static List<SubjectEntry> read(TuneQdmConfig config, Configuration hadoop, List<String> wanted) {
    Path folder = new Path(config.dataSubjects());
    wanted.forEach(name -> SubjectName.require(name, "tuneqdm.data.names"));
    try {
      FileSystem fs = Publisher.fileSystem(folder, hadoop);
      return new SubjectCatalog(fs, fs.makeQualified(folder)).list(wanted);
    } catch (FileNotFoundException e) {
      throw TuneQdmException.inputData(
          "Cannot read subjects in "
              + folder
              + ": there is no such folder (tuneqdm.data.subjects)");
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot read subjects in " + folder + ": " + e, e);
    }
  }

  private List<SubjectEntry> list(List<String> wanted) throws IOException {
    SubjectTable table = table();
    TreeMap<String, Path> folders = new TreeMap<>();
    table.rows().keySet().forEach(name -> folders.put(name, new Path(folder, name)));
    for (FileStatus status : fs.listStatus(folder)) {
      String name = status.getPath().getName();
      if (status.isDirectory() && !isHidden(name)) {
        folders.put(SubjectName.require(name, folder.toString()), status.getPath());
      }
    }
    if (folders.isEmpty()) {
      throw TuneQdmException.inputData(
          "Cannot find a subject in " + folder + ": it needs a sub-folder of photos for each");
    }
    Set<String> names = wanted.isEmpty() ? folders.keySet() : new TreeSet<>(wanted);
    List<SubjectEntry> subjects = new ArrayList<>();
    for (String name : names) {
      if (!folders.containsKey(name)) {
        throw TuneQdmException.usage(
            "Cannot find subject %s in %s (tuneqdm.data.names): there are %s"
                .formatted(name, folder, String.join(", ", folders.keySet())));
      }
      subjects.add(entry(name, table.row(name), photos(folders.get(name))));
    }
    return List.copyOf(subjects);
  }

  private static SubjectEntry entry(String name, SubjectTable.Row row, List<Photo> photos) {
    String classNoun = row.classNoun().isEmpty() ? classFromName(name) : row.classNoun();
    String identifier =
        row.identifier().isEmpty()
            ? identifierIn(row.instancePrompt(), classNoun)
            : row.identifier();
    String prompt =
        row.instancePrompt().isEmpty()
            ? "a photo of " + identifier + " " + classNoun
            : row.instancePrompt();
    return new SubjectEntry(name, classNoun, identifier, prompt, photos, row.overrides());
  }

  /** {@code dog_2} is a dog, {@code teddy-bear1} a teddy bear. */
  static String classFromName(String name) {
    String words = name.replaceAll("[0-9]", "").replaceAll("[._-]+", " ").strip();
    return words.isEmpty() ? "thing" : words.toLowerCase(Locale.ROOT);
  }

  /** The word before the class noun at the prompt's end: {@code a photo of a sks mug} has sks. */
  static String identifierIn(String prompt, String classNoun) {
    if (!prompt.endsWith(" " + classNoun)) {
      return DEFAULT_IDENTIFIER;
    }
    String before = prompt.substring(0, prompt.length() - classNoun.length()).strip();
    String word = before.substring(before.lastIndexOf(' ') + 1);
    return Set.of("a", "an", "the", "").contains(word) ? DEFAULT_IDENTIFIER : word;
  }

  private SubjectTable table() throws IOException {
    Path file = new Path(folder, TABLE);
    if (!fs.exists(file)) {
      return SubjectTable.none();
    }
    if (fs.getFileStatus(file).getLen() > LARGEST_TABLE) {
      throw TuneQdmException.inputData("Cannot read " + file + ": it is larger than 16 MiB");
    }
    try (InputStream in = fs.open(file)) {
      return SubjectTable.parse(
          new String(in.readAllBytes(), StandardCharsets.UTF_8), file.toString());
    }
  }

  private List<Photo> photos(Path subject) throws IOException {
    if (!fs.exists(subject)) {
      return List.of();
    }
    return Arrays.stream(fs.listStatus(subject))
        .filter(status -> status.isFile() && ImageReader.looksLikeImage(status.getPath().getName()))
        .map(FileStatus::getPath)
        .sorted(Comparator.comparing(Path::getName))
        .map(file -> new Photo(file.toString(), Hashes.sha256(fs, file)))
        .toList();
  }

  private static boolean isHidden(String name) {
    return name.startsWith(".") || name.startsWith("_");
  }
}
