package io.github.tuneqdm.inspect;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.storage.ArtifactIndex;
import io.github.tuneqdm.storage.Hashes;
import java.nio.file.Files;
import java.nio.file.Path;

/** A run: its plan, its subjects' states, and whether their checkpoints are what was published. */
final class RunFolders {
  private RunFolders() {}

  static Description describe(Path run) {
    JsonNode plan = ModelConfig.read(run.resolve("plan.json")).json();
    Description d =
        new Description()
            .title("Run " + plan.path("runId").asText() + " in " + run)
            .add("base", plan.path("baseId").asText())
            .add("batches", plan.path("batches").size());
    int done = 0;
    int failed = 0;
    int open = 0;
    for (JsonNode batch : plan.path("batches")) {
      for (JsonNode name : batch) {
        String subject = name.asText();
        Path folder = run.resolve("subjects").resolve(subject);
        Path status = folder.resolve("status.json");
        if (!Files.isRegularFile(status)) {
          d.add(subject, "not trained yet");
          open++;
          continue;
        }
        JsonNode state = ModelConfig.read(status).json();
        if (state.path("state").asText().equals("DONE")) {
          verify(folder.resolve("deltas.safetensors"), state.path("deltasSha256").asText());
          d.add(
              subject,
              "done, %d steps, last loss %.4f"
                  .formatted(state.path("steps").asInt(), state.path("finalLoss").asDouble()));
          done++;
        } else {
          d.add(subject, "failed: " + state.path("failure").asText());
          failed++;
        }
      }
    }
    d.add("subjects", "%d done, %d failed, %d to do".formatted(done, failed, open));
    if (Files.isRegularFile(run.resolve(ArtifactIndex.NAME))) {
      ArtifactIndex index = ArtifactIndex.verify(run);
      d.add(
          "artefacts",
          "%s, %s; all match run.json"
              .formatted(
                  Description.count(index.artifactCount()), Description.bytes(index.bytes())));
    } else {
      d.add("artefacts", "not listed: a job is at work on the run, or was interrupted");
    }
    if (Files.isRegularFile(run.resolve("report").resolve("index.html"))) {
      d.add("report", run.resolve("report").resolve("index.html"));
    }
    return d;
  }

  private static void verify(Path deltas, String sha256) {
    if (!Files.isRegularFile(deltas)) {
      throw TuneQdmException.inputData("Cannot use the run: " + deltas + " is missing");
    }
    if (!Hashes.sha256(deltas).equals(sha256)) {
      throw TuneQdmException.inputData(
          "Cannot use the run: "
              + deltas
              + " does not match its sha256 in status.json (delete the subject's folder and run"
              + " train-all-subjects again)");
    }
    CheckpointFiles.describe(deltas);
  }
}
