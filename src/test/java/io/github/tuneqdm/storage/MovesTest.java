package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MovesTest {
  @TempDir Path folder;

  @Test
  void aMoveThatWasCutShortIsFinished() throws IOException {
    write("images/mug1/0.png", "0");
    write("images/mug1/1.png", "1");
    write("earlier/images/mug1/0.png", "0"); // copied, and not yet deleted at the source
    write("earlier/images/ball1/0.png", "moved before");

    move("images", "earlier/images");
    move("images", "earlier/images");

    assertThat(folder.resolve("images")).doesNotExist();
    assertThat(folder.resolve("earlier/images/mug1/0.png")).hasContent("0");
    assertThat(folder.resolve("earlier/images/mug1/1.png")).hasContent("1");
    assertThat(folder.resolve("earlier/images/ball1/0.png")).hasContent("moved before");
  }

  @Test
  void filesAndWholeFoldersAreMoved() throws IOException {
    write("scores.parquet", "scores");
    write("report/index.html", "report");

    move("scores.parquet", "earlier/scores.parquet");
    move("report", "earlier/report");
    write("scores.parquet", "later scores");
    move("scores.parquet", "earlier/scores.parquet");

    assertThat(folder.resolve("earlier/report/index.html")).hasContent("report");
    assertThat(folder.resolve("earlier/scores.parquet")).hasContent("later scores");
    assertThat(folder.resolve("scores.parquet")).doesNotExist();
  }

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private void move(String from, String to) throws IOException {
    org.apache.hadoop.fs.Path root = new org.apache.hadoop.fs.Path(folder.toUri());
    FileSystem fs = Publisher.fileSystem(root, new Configuration(false));
    Moves.move(
        fs, new org.apache.hadoop.fs.Path(root, from), new org.apache.hadoop.fs.Path(root, to));
  }
}
