package io.github.tuneqdm.spark.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.tuneqdm.spark.doctor.Finding.Level;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProbesTest {
  private final StorageProbe storage = new StorageProbe(new Configuration());

  @TempDir Path folder;

  @Test
  void aFolderThatCanBeWrittenIsLeftAsItWas() throws IOException {
    List<Finding> findings = storage.writable("runs", "key", folder.toString(), ".doctor-1");
    assertThat(findings).extracting(Finding::level).containsExactly(Level.OK, Level.OK);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void aFolderThatIsAFileCannotBeWritten() throws IOException {
    Path file = Files.createFile(folder.resolve("runs"));
    assertThat(storage.writable("runs", "tuneqdm.storage.runs", file.toString(), "x"))
        .singleElement()
        .satisfies(
            f -> {
              assertThat(f.level()).isEqualTo(Level.FAIL);
              assertThat(f.found()).contains(file.toString(), "cannot be written");
              assertThat(f.remedy()).contains("tuneqdm.storage.runs");
            });
  }

  @Test
  void storageThatAMachineDoesNotShareIsFound() throws IOException {
    String here = folder.toString();
    storage.leave(here, "token");
    assertThat(storage.shared("runs", "key", here, "token").level()).isEqualTo(Level.OK);
    Finding other = storage.shared("runs", "key", folder.resolve("other").toString(), "token");
    assertThat(other.level()).isEqualTo(Level.FAIL);
    assertThat(other.remedy()).contains("storage that all machines share");
    storage.takeAway(here, "token", true);
    assertThat(folder).doesNotExist();
  }

  @Test
  void aModelFolderLacksNothing() throws IOException {
    Files.createDirectory(folder.resolve("unet"));
    Files.writeString(folder.resolve("unet/config.json"), "{}");
    String model = folder.toString();
    assertThat(storage.readable("base", "key", model, List.of("unet/config.json")).found())
        .contains("1 files");
    Finding lacking = storage.readable("base", "key", model, List.of("unet/config.json", "vae"));
    assertThat(lacking.level()).isEqualTo(Level.FAIL);
    assertThat(lacking.found()).endsWith("has no vae");
    assertThat(storage.readable("base", "key", model + "/none", List.of()).found())
        .endsWith("is not there");
  }

  @ParameterizedTest
  @CsvSource({
    "5000, OK,   agrees with",
    "4000, OK,   agrees with",
    "3500, OK,   agrees with",
    "1500, OK,   1.5 s behind",
    "9000, WARN, 3.0 s ahead",
    "1, WARN, 3.0 s behind",
    "99000, FAIL, 93.0 s ahead"
  })
  void clocksMayDifferALittle(long other, Level level, String found) {
    Finding finding = ClockProbe.of("the clock", 4000, 6000, other, 1000);
    assertThat(finding.level()).isEqualTo(level);
    assertThat(finding.found()).contains(found);
  }

  @Test
  void aCacheFolderNeedsSpaceAndRights() throws IOException {
    Finding full = CacheProbe.of("cache", folder.resolve("new"), "DJL_CACHE_DIR", 1L << 60);
    assertThat(full.level()).isEqualTo(Level.FAIL);
    assertThat(full.remedy()).contains("DJL_CACHE_DIR");
    assertThat(CacheProbe.of("cache", folder.resolve("new"), "X", 1).level()).isEqualTo(Level.OK);
    Path file = Files.createFile(folder.resolve("file"));
    assertThat(CacheProbe.of("cache", file, "DJL_CACHE_DIR", 1).found())
        .contains("cannot be written");
  }

  @Test
  void aMachineThatRunsTestsIsFitForJobs() {
    assertThat(MachineProbe.findings())
        .extracting(Finding::check)
        .containsExactly("java", "memory");
    assertThat(MachineProbe.findings().get(0).level()).isEqualTo(Level.OK);
  }
}
