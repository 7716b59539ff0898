package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.LivePrompts;
import io.github.tuneqdm.metrics.PromptSet;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.StorageProblem;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/**
 * What an evaluation samples: the prompts of {@code tuneqdm.evaluate.prompts}, else those of the
 * data folder.
 *
 * @param live null where all subjects have the same prompts
 */
record EvaluationPrompts(PromptSet prompts, LivePrompts live) {
  private static final long LARGEST_FILE = 1 << 20;

  static EvaluationPrompts read(TuneQdmConfig config, Configuration hadoop) {
    if (config.evaluatePrompts().isPresent()) {
      return new EvaluationPrompts(ofFile(config.evaluatePrompts().get(), hadoop), null);
    }
    DreamBoothFile file =
        SubjectCatalog.dreamBooth(config, hadoop)
            .orElseThrow(() -> none(config, "it has no %s either".formatted(DreamBoothFile.NAME)));
    if (file.objects().isPresent()) {
      return new EvaluationPrompts(
          file.objects().get(),
          file.live()
              .map(live -> new LivePrompts(config.evaluateLiveClasses(), live))
              .orElse(null));
    }
    return new EvaluationPrompts(
        file.live()
            .orElseThrow(
                () -> none(config, "its %s holds no prompts".formatted(DreamBoothFile.NAME))),
        null);
  }

  private static TuneQdmException none(TuneQdmConfig config, String why) {
    return TuneQdmException.usage(
        "Cannot evaluate without prompts: tuneqdm.evaluate.prompts names no file, and the data folder %s has none of its own: %s (set tuneqdm.evaluate.prompts to a file with a template a line)"
            .formatted(config.dataSubjects(), why));
  }

  private static PromptSet ofFile(String name, Configuration hadoop) {
    org.apache.hadoop.fs.Path file = new org.apache.hadoop.fs.Path(name);
    FileSystem fs = Publisher.fileSystem(file, hadoop);
    if (fs.getUri().getScheme().equals("file")) {
      return PromptSet.read(Path.of(fs.makeQualified(file).toUri().getPath()));
    }
    try {
      if (fs.getFileStatus(file).getLen() > LARGEST_FILE) {
        throw TuneQdmException.inputData("Cannot read " + file + ": it is larger than 1 MiB");
      }
      Path copy = Files.createTempDirectory("tuneqdm-prompts-").resolve(file.getName());
      try {
        fs.copyToLocalFile(false, file, new org.apache.hadoop.fs.Path(copy.toUri()), true);
        return PromptSet.read(copy);
      } finally {
        Files.deleteIfExists(copy);
        Files.deleteIfExists(copy.getParent());
      }
    } catch (FileNotFoundException e) {
      throw TuneQdmException.inputData(
          "Cannot read %s: there is no such file (tuneqdm.evaluate.prompts)".formatted(file), e);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot read " + file, e);
    }
  }
}
