package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.spark.SubjectEntry.Photo;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.StorageProblem;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.RemoteIterator;

/** Lists the subjects of the data folder: names, prompts and hashed photos, in name order. */
final class SubjectCatalog {
  private static final String TABLE = "subjects.csv";
  private static final int LARGEST_TABLE = 16 << 20;
  private static final int LARGEST_DREAMBOOTH = 1 << 20;
  private static final String DEFAULT_IDENTIFIER = "sks";

  /** Folders that storage servers and systems leave behind; in lower case. */
  private static final Set<String> LITTER =
      Set.of("lost+found", "@eadir", "#recycle", "$recycle.bin", "system volume information");

  private static final int MOST_NAMED = 50;
  private final FileSystem fs;
  private final Path folder;
  private final long mostPhotoBytes;

  private SubjectCatalog(FileSystem fs, Path folder, long mostPhotoBytes) {
    this.fs = fs;
    this.folder = folder;
    this.mostPhotoBytes = mostPhotoBytes;
  }

  /**
   * The subjects of the data folder.
   *
   * @param wanted their names; empty for all
   * @throws TuneQdmException (usage) for a bad or unknown name, (input data) for a folder that is
   *     not there or holds no subject
   */
  static List<SubjectEntry> read(TuneQdmConfig config, Configuration hadoop, List<String> wanted) {
    return at(
        config,
        hadoop,
        catalog -> {
          SubjectIndex index = catalog.list(wanted);
          return catalog.entries(index.page(0, index.names().size()));
        });
  }

  /** As {@link #read}, without a look into the subjects' own folders. */
  static SubjectIndex index(TuneQdmConfig config, Configuration hadoop, List<String> wanted) {
    return at(config, hadoop, catalog -> catalog.list(wanted));
  }

  /** The subjects of a stretch of the index, with their photos hashed. */
  static List<SubjectEntry> entries(
      TuneQdmConfig config, Configuration hadoop, SubjectIndex.Page page) {
    return at(config, hadoop, catalog -> catalog.entries(page));
  }

  /** The data folder's own classes and prompts, where it is of DreamBooth's form. */
  static Optional<DreamBoothFile> dreamBooth(TuneQdmConfig config, Configuration hadoop) {
    return at(config, hadoop, SubjectCatalog::dreamBooth);
  }

  private interface Look<R> {
    R into(SubjectCatalog catalog) throws IOException;
  }

  private static <R> R at(TuneQdmConfig config, Configuration hadoop, Look<R> look) {
    Path folder = new Path(config.dataSubjects());
    try {
      FileSystem fs = Publisher.fileSystem(folder, hadoop);
      return look.into(
          new SubjectCatalog(fs, fs.makeQualified(folder), config.dataMaxPhotoBytes()));
    } catch (FileNotFoundException e) {
      throw TuneQdmException.inputData(
          "Cannot read subjects in "
              + folder
              + ": there is no such folder (tuneqdm.data.subjects)");
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot read subjects in " + folder, e);
    }
  }

  private SubjectIndex list(List<String> wanted) throws IOException {
    wanted.forEach(name -> SubjectName.require(name, "tuneqdm.data.names"));
    SubjectTable table = table();
    TreeSet<String> there = new TreeSet<>(table.rows().keySet());
    RemoteIterator<FileStatus> folders = fs.listStatusIterator(folder); // a page at a time
    while (folders.hasNext()) {
      FileStatus status = folders.next();
      String name = status.getPath().getName();
      if (status.isDirectory() && !isHidden(name)) {
        there.add(SubjectName.require(name, folder.toString()));
      }
    }
    if (there.isEmpty()) {
      throw TuneQdmException.inputData(
          "Cannot find a subject in " + folder + ": it needs a sub-folder of photos for each");
    }
    refuseCollisions(there);
    for (String name : wanted) {
      if (!there.contains(name)) {
        throw TuneQdmException.usage(
            "Cannot find subject %s in %s (tuneqdm.data.names): there are %s"
                .formatted(name, folder, some(there)));
      }
    }
    Collection<String> names = wanted.isEmpty() ? there : new TreeSet<>(wanted);
    return new SubjectIndex(List.copyOf(names), table);
  }

  private static String some(TreeSet<String> names) {
    String first = names.stream().limit(MOST_NAMED).collect(Collectors.joining(", "));
    return names.size() <= MOST_NAMED
        ? first
        : first + " and %d more".formatted(names.size() - MOST_NAMED);
  }

  private List<SubjectEntry> entries(SubjectIndex.Page page) throws IOException {
    List<SubjectEntry> subjects = new ArrayList<>();
    for (int i = 0; i < page.names().size(); i++) {
      String name = page.names().get(i);
      subjects.add(entry(name, page.rows().get(i), photos(new Path(folder, name))));
    }
    return List.copyOf(subjects);
  }

  /** Runs may lie on storage that takes Dog and dog for one. */
  private void refuseCollisions(Set<String> names) {
    Map<String, String> folded = new HashMap<>();
    for (String name : names) {
      String other = folded.put(name.toLowerCase(Locale.ROOT), name);
      if (other != null) {
        throw TuneQdmException.usage(
            "Cannot use both %s and %s as subjects of %s: where storage ignores case their folders are one (rename one)"
                .formatted(other, name, folder));
      }
    }
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
    SubjectTable table =
        text(TABLE, LARGEST_TABLE)
            .map(text -> SubjectTable.parse(text, new Path(folder, TABLE).toString()))
            .orElse(SubjectTable.none());
    return dreamBooth().map(file -> table.withClasses(file.classes())).orElse(table);
  }

  private Optional<DreamBoothFile> dreamBooth() throws IOException {
    String name = DreamBoothFile.NAME;
    return text(name, LARGEST_DREAMBOOTH)
        .map(text -> DreamBoothFile.parse(text, new Path(folder, name).toString()));
  }

  /** A file beside the subjects; empty where it is not there. */
  private Optional<String> text(String name, int mostBytes) throws IOException {
    Path file = new Path(folder, name);
    if (!fs.exists(file)) {
      return Optional.empty();
    }
    if (fs.getFileStatus(file).getLen() > mostBytes) {
      throw TuneQdmException.inputData(
          "Cannot read %s: it is larger than %d MiB".formatted(file, mostBytes >> 20));
    }
    Optional<String> problem = problemWith(file);
    if (problem.isPresent()) {
      throw TuneQdmException.inputData("Cannot read " + file + ": " + problem.get());
    }
    try (InputStream in = fs.open(file)) {
      ByteBuffer bytes = ByteBuffer.wrap(in.readNBytes(mostBytes));
      return Optional.of(StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
    } catch (CharacterCodingException e) {
      throw TuneQdmException.inputData(
          "Cannot read " + file + ": it is not UTF-8 text (save it as UTF-8)", e);
    }
  }

  private List<Photo> photos(Path subject) throws IOException {
    FileStatus[] files;
    try {
      files = fs.listStatus(subject);
    } catch (FileNotFoundException e) {
      return List.of(); // only subjects.csv knows it
    }
    List<FileStatus> pictures =
        Arrays.stream(files)
            .filter(file -> file.isFile() && ImageReader.looksLikeImage(file.getPath().getName()))
            .sorted(Comparator.comparing(file -> file.getPath().getName()))
            .toList();
    List<Photo> photos = new ArrayList<>();
    for (FileStatus file : pictures) {
      photos.add(photo(file));
    }
    return photos;
  }

  private Photo photo(FileStatus file) throws IOException {
    Path path = file.getPath();
    Optional<String> problem =
        file.getLen() > mostPhotoBytes
            ? Optional.of(Photo.tooLarge(file.getLen(), mostPhotoBytes))
            : problemWith(path);
    return problem.isPresent()
        ? Photo.refused(path.toString(), problem.get())
        : new Photo(path.toString(), Hashes.sha256(fs, path));
  }

  /**
   * Why a file must not even be opened. A pipe would be waited for; a link can lead to what the one
   * who put it there may not see, but the job may.
   */
  private Optional<String> problemWith(Path file) throws IOException {
    if (!(fs instanceof RawLocalFileSystem local)) {
      return Optional.empty();
    }
    java.nio.file.Path real = local.pathToFile(file).toPath().toRealPath();
    if (!Files.isRegularFile(real)) {
      return Optional.of("it is not an ordinary file");
    }
    if (!Files.isReadable(real)) {
      return Optional.of("its permissions forbid it");
    }
    if (!real.startsWith(local.pathToFile(folder).toPath().toRealPath())) {
      return Optional.of("it is a link that leads out of tuneqdm.data.subjects (copy it there)");
    }
    return Optional.empty();
  }

  private static boolean isHidden(String name) {
    return name.startsWith(".")
        || name.startsWith("_")
        || LITTER.contains(name.toLowerCase(Locale.ROOT));
  }
}
