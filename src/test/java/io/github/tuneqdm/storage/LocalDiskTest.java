package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalDiskTest {
  private static final String STARTED = "jdk.ProcessStart";

  @TempDir java.nio.file.Path folder;

  @Test
  void publishingStartsNoProcess() throws IOException {
    Path file = new Path(folder.toUri().resolve("new/folder/file"));

    assertThat(processesOf(() -> publish(file))).isEmpty();
    assertThat(processesOf(() -> new ProcessBuilder("true").start())).hasSize(1);
  }

  @Test
  void permissionsAreThoseOfHadoopsOwn() throws IOException {
    Path ours = new Path(folder.toUri().resolve("ours/file"));
    Path theirs = new Path(folder.toUri().resolve("theirs/file"));
    publish(ours);
    FileSystem.getLocal(new Configuration()).getRawFileSystem().create(theirs).close();

    for (Path each : List.of(ours, ours.getParent())) {
      String other = each.toUri().getPath().replace("ours", "theirs");
      assertThat(Files.getPosixFilePermissions(java.nio.file.Path.of(each.toUri().getPath())))
          .isEqualTo(Files.getPosixFilePermissions(java.nio.file.Path.of(other)));
    }
  }

  private static void publish(Path file) {
    Publisher.publish(Publisher.fileSystem(file, new Configuration()), file, new byte[1]);
  }

  private interface Work {
    void run() throws IOException;
  }

  private List<RecordedEvent> processesOf(Work work) throws IOException {
    java.nio.file.Path events = folder.resolve("events.jfr");
    try (Recording recording = new Recording()) {
      recording.enable(STARTED);
      recording.start();
      work.run();
      recording.stop();
      recording.dump(events);
    }
    return RecordingFile.readAllEvents(events);
  }
}
