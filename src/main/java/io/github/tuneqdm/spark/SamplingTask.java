package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.storage.LocalModelFolder;
import io.github.tuneqdm.storage.Publisher;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Samples some chunks of an evaluation in one Spark task and publishes what the run misses.
 *
 * @param chunks all of one kind of base, quantised or not
 * @param missing paths of the pictures to publish
 */
record SamplingTask(
    String runId,
    String quantizedBase,
    TuneQdmConfig config,
    List<List<PlannedImage>> chunks,
    Set<String> missing)
    implements Serializable {

  /** Returns how many pictures were published. */
  Integer run(TaskEnvironment environment, PictureSampler.Factory samplers) throws IOException {
    RunFolder run = RunFolder.of(config.storageRuns(), runId, environment.hadoop());
    boolean quantised = chunks.get(0).get(0).isQuantised();
    Path base = LocalModelFolder.of(config.modelBase(), environment.hadoop());
    Optional<Path> quantisedBase =
        quantised
            ? Optional.of(LocalModelFolder.of(quantizedBase, environment.hadoop()))
            : Optional.empty();
    Path scratch = Files.createTempDirectory("tuneqdm-deltas-");
    Map<String, Path> deltas = new HashMap<>();
    int published = 0;
    try (PictureSampler sampler =
        samplers.open(new PictureSampler.Setting(config, base, quantisedBase, environment.gpu()))) {
      for (List<PlannedImage> chunk : chunks) {
        for (PlannedImage image : chunk) {
          if (image.isTuned() && !deltas.containsKey(image.subject())) {
            deltas.put(image.subject(), run.copyDeltas(image.subject(), scratch));
          }
        }
        List<RgbImage> pictures =
            sampler.sample(chunk.stream().map(image -> request(image, deltas)).toList());
        published += publish(run, chunk, pictures);
      }
    } finally {
      for (Path file : deltas.values()) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(scratch);
    }
    return published;
  }

  private static PictureSampler.Request request(PlannedImage image, Map<String, Path> deltas) {
    Optional<Path> own =
        image.isTuned() ? Optional.of(deltas.get(image.subject())) : Optional.empty();
    return new PictureSampler.Request(own, image.prompt(), image.seed());
  }

  private int publish(RunFolder run, List<PlannedImage> chunk, List<RgbImage> pictures) {
    int published = 0;
    for (int i = 0; i < chunk.size(); i++) {
      PlannedImage image = chunk.get(i);
      if (missing.contains(image.path())) {
        byte[] png = PngEncoder.encode(pictures.get(i), text(image));
        Publisher.publish(run.fileSystem(), run.path(image.path()), png);
        published++;
      }
    }
    return published;
  }

  private Map<String, String> text(PlannedImage image) {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("Software", "TuneQDM-Spark");
    text.put("run", runId);
    text.put("subject", image.subject());
    text.put("method", image.method());
    text.put("prompt", image.prompt());
    text.put("seed", Long.toString(image.seed()));
    text.put("sampler", config.evaluateSampler());
    text.put("steps", Integer.toString(config.evaluateSteps()));
    text.put("guidance", Double.toString(config.evaluateGuidance()));
    return text;
  }
}
