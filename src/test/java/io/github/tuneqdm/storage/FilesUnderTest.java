package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FilesUnderTest {
  @TempDir java.nio.file.Path folder;
  private FileSystem disk;

  @BeforeEach
  void open() throws IOException {
    disk = FileSystem.getLocal(new Configuration()).getRawFileSystem();
  }

  @Test
  void findsTheSameFilesAsHadoop() throws IOException {
    Files.createDirectories(folder.resolve("a/b/c"));
    Files.createDirectories(folder.resolve("empty/too"));
    for (String file : List.of("1", "a/2", "a/b/.3", "a/b/c/4", "a/z")) {
      Files.writeString(folder.resolve(file), file);
    }

    assertThat(names(FilesUnder.of(disk, root())))
        .containsExactlyInAnyOrderElementsOf(names(disk.listFiles(root(), true)))
        .hasSize(5);
  }

  @Test
  void circlesAndPipesAreLeftOut() throws IOException, InterruptedException {
    Files.writeString(folder.resolve("1"), "");
    Files.createSymbolicLink(folder.resolve("circle"), folder);
    Files.createSymbolicLink(folder.resolve("linked"), folder.resolve("1"));
    new ProcessBuilder("mkfifo", folder.resolve("pipe").toString()).start().waitFor();

    assertThat(names(FilesUnder.of(disk, root())))
        .containsExactlyInAnyOrder(folder + "/1", folder + "/linked");
  }

  @Test
  void aFileIsTheOnlyOne() throws IOException {
    Path file = new Path(Files.writeString(folder.resolve("only"), "x").toUri());

    assertThat(names(FilesUnder.of(disk, file))).hasSize(1);
  }

  @Test
  void aFolderThatIsMissingIsToldOf() {
    assertThatThrownBy(() -> FilesUnder.of(disk, new Path(root(), "missing")).hasNext())
        .isInstanceOf(FileNotFoundException.class);
  }

  @Test
  void theLastFilesMayGoWhileTheFirstAreSeen() throws IOException {
    Files.writeString(folder.resolve("1"), "");
    Files.writeString(folder.resolve("2"), "");

    RemoteIterator<? extends FileStatus> files = FilesUnder.of(disk, root());
    while (files.hasNext()) {
      disk.delete(files.next().getPath(), false);
    }

    assertThat(folder).isEmptyDirectory();
  }

  private Path root() {
    return new Path(folder.toUri());
  }

  private static List<String> names(RemoteIterator<? extends FileStatus> files) throws IOException {
    List<String> names = new ArrayList<>();
    while (files.hasNext()) {
      names.add(files.next().getPath().toUri().getPath());
    }
    return names;
  }
}
