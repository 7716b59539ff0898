package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.sampling.ImageSampler;
import io.github.tuneqdm.sampling.SampleRequest;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.tensor.Compute;
import java.io.Serializable;
import java.util.ArrayList;
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
 * @param chunks all of one kind of base, quantised or not
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
    try (Compute compute = environment.compute(config);
        ImageSampler sampler =
            new ImageSampler(
                compute,
                model,
                denoiser(compute, model, run, subjects, environment),
                Recipe.sampling(config))) {
      sampler.sample(
          chunks.stream().map(chunk -> requests(chunk, subjects)).toList(),
          (i, pictures) -> published.addAndGet(publish(run, scales, chunks.get(i), pictures)));
    }
    return published.get();
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

  /**
   * The plain base, or the quantised one: there subject 0 is the base untuned, the others follow.
   */
  private Denoiser denoiser(
      Compute compute,
      PipelineFolder model,
      RunFolder run,
      List<String> subjects,
      TaskEnvironment environment) {
    if (!chunks.get(0).get(0).isQuantised()) {
      return Denoiser.plain(compute, Models.unet(compute, model.unet()));
    }
    TunableUNet unet =
        OpenBase.unet(
            compute,
            environment.local(quantizedBase),
            OpenBase.wanted(config).orElse(MemoryMode.RESIDENT));
    List<DeltaScales> scales = new ArrayList<>();
    scales.add(DeltaScales.initial(unet, config.tuningExperts()));
    for (String subject : subjects) {
      scales.add(run.readDeltas(subject, unet.layout()));
    }
    NoiseSchedule schedule = NoiseSchedule.fromConfig(model.schedulerConfig().json());
    return Denoiser.tuned(compute, unet, scales, schedule.trainTimesteps());
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
        byte[] png = PngEncoder.encode(pictures.get(i), text(image, scales.get(image.subject())));
        Publisher.publishOrAdopt(run.fileSystem(), run.path(image.path()), png);
        published++;
      }
    }
    return published;
  }

  /**
   * What a picture was made with.
   *
   * @param scales hash of the subject's own
   */
  private Map<String, String> text(PlannedImage image, String scales) {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("Software", "TuneQDM-Spark");
    text.put("run", runId);
    text.put("model", source);
    if (image.isQuantised()) {
      text.put("base", quantizedBase.substring(quantizedBase.lastIndexOf('/') + 1));
    }
    if (image.isTuned()) {
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
