package io.github.tuneqdm.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.tensor.Compute;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TrainBenchTest {
  private static final int MINOR_FAULTS = 7; // of the fields behind the name, see proc(5)

  /**
   * Handed back and fetched anew, a step's memory costs some 10,000 page faults each time, else
   * below 1,000.
   */
  @Test
  void whatAStepFreesTheNextStepFindsAgain() throws IOException {
    int steps = 4;
    try (Compute compute = Compute.cpu(2);
        LoadedBase base =
            new LoadedBase(
                compute, BenchTest.quick(BenchTest.TOY_WORLD.withRandomWeights(), 4), 0)) {
      TrainBench bench = new TrainBench(base);
      for (int i = 0; i < steps; i++) {
        bench.firstStep(4, 4);
      }
      long before = pageFaults();
      for (int i = 0; i < steps; i++) {
        bench.firstStep(4, 4);
      }
      assertThat(pageFaults() - before).isLessThan(3000L * steps);
    }
  }

  private static long pageFaults() throws IOException {
    String stat = Files.readString(Path.of("/proc/self/stat"));
    return Long.parseLong(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[MINOR_FAULTS]);
  }
}
