package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.sampling.ImageSampler;
import io.github.tuneqdm.sampling.SampleRequest;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.tensor.Compute;
import java.io.Serializable;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Samples some chunks of an evaluation in one Spark task and publishes what the run misses.
 *
 * @param source hash of the plain UNet's tensors
 * @param chunks all of one kind of network
 * @param missing paths of the pictures to publish
 */
record SamplingTask(
    String runId,
    String quantizedBase,
    String source,
    TuneQdmConfig config,
    List<List<PlannedImage>> chunks,
    Set<String> missing)
    implements Serializable {

  /** Returns how many pictures were published. */
  Integer run(TaskEnvironment environment) {
    RunFolder run = RunFolder.of(config.storageRuns(), runId, environment.hadoop());
    List<String> subjects =
        chunks.stream()
            .flatMap(List::stream)
            .filter(PlannedImage::isTuned)
            .map(PlannedImage::subject)
            .distinct()
            .toList();
    LogContext.subjects(subjects);
    PipelineFolder model = new PipelineFolder(environment.local(config.modelBase()));
    Map<String, String> scales = new HashMap<>();
    for (String subject : subjects) {
      run.subjectStatus(subject).ifPresent(s -> scales.put(subject, s.deltasSha256()));
    }
    AtomicInteger published = new AtomicInteger();
    try (Compute compute = environment.compute(config)) {
      SampledNetworks networks =
          new SampledNetworks(compute, model, run, environment, config, quantizedBase);
      switch (chunks.get(0).get(0).network()) {
        case BASE -> sample(networks, chunks, networks.base(), List.of(), scales, published);
        case SCALES ->
            sample(networks, chunks, networks.scales(subjects), subjects, scales, published);
        case WEIGHTS -> {
          for (String subject : subjects) {
            List<List<PlannedImage>> own =
                chunks.stream().filter(c -> c.get(0).subject().equals(subject)).toList();
            sample(networks, own, networks.weights(subject), List.of(), scales, published);
          }
        }
      }
    }
    return published.get();
  }

  /**
   * @param denoiser belongs to this from now on
   * @param subjects that it knows by number, from 1 on; 0 is the base
   */
  private void sample(
      SampledNetworks networks,
      List<List<PlannedImage>> some,
      Denoiser denoiser,
      List<String> subjects,
      Map<String, String> scales,
      AtomicInteger published) {
    try (ImageSampler sampler =
        new ImageSampler(networks.compute(), networks.model(), denoiser, Recipe.sampling(config))) {
      sampler.sample(
          some.stream().map(chunk -> requests(chunk, subjects)).toList(),
          (i, pictures) ->
              published.addAndGet(publish(networks.run(), scales, some.get(i), pictures)));
    }
  }

  private static List<SampleRequest> requests(List<PlannedImage> chunk, List<String> subjects) {
    return chunk.stream()
        .map(
            image ->
                new SampleRequest(
                    image.isTuned() ? 1 + subjects.indexOf(image.subject()) : 0,
                    image.prompt(),
                    image.seed()))
        .toList();
  }

  private int publish(
      RunFolder run,
      Map<String, String> scales,
      List<PlannedImage> chunk,
      List<RgbImage> pictures) {
    int published = 0;
    for (int i = 0; i < chunk.size(); i++) {
      PlannedImage image = chunk.get(i);
      if (missing.contains(image.path())) {
        byte[] png =
            PngEncoder.encode(
                pictures.get(i), text(image, image.isTuned() ? scales.get(image.subject()) : null));
        Publisher.publishOrAdopt(run.fileSystem(), run.path(image.path()), png);
        published++;
      }
    }
    return published;
  }

  /**
   * What a picture was made with.
   *
   * @param scales hash of what the subject was tuned to; null where nothing was
   */
  private Map<String, String> text(PlannedImage image, String scales) {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("Software", "TuneQDM-Spark");
    text.put("run", runId);
    text.put("model", source);
    if (image.isQuantised()) {
      text.put("base", quantizedBase.substring(quantizedBase.lastIndexOf('/') + 1));
    }
    if (scales != null) {
      text.put("scales", scales);
    }
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
