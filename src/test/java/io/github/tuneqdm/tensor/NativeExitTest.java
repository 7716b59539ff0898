package io.github.tuneqdm.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeExitTest {
  private static final int STATUS = 7;

  @TempDir Path folder;

  /** Whatever libraries want to do at the end is left out; the status is the one asked for. */
  @Test
  void noLibraryHasALastWord() throws IOException, InterruptedException {
    Path output = folder.resolve("output");
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dai.djl.offline=true",
                "-cp",
                System.getProperty("java.class.path"),
                Ending.class.getName())
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();

    assertThat(child.waitFor()).as(Files.readString(output)).isEqualTo(STATUS);
  }

  /** Opens the engine, then asks for a crash at the process's end, as a library might. */
  static final class Ending {
    private Ending() {}

    public static void main(String[] args) {
      Compute.cpu(1).close();
      NativeLibrary c = NativeLibrary.getProcess();
      c.getFunction("on_exit").invokeInt(new Object[] {c.getFunction("abort"), null});
      System.exit(STATUS);
    }
  }
}
