package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.parallel.Ahead;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.sampling.ImageSampler;
import io.github.tuneqdm.sampling.SampleRequest;
import io.github.tuneqdm.sampling.SamplingSettings;
import io.github.tuneqdm.storage.Hashes;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.tensor.Compute;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Pictures of each class by the untouched base, for prior preservation. They are made once a run
 * and class and shared by the class's subjects.
 */
final class ClassImages {
  // The sampler is part of what a run is: it must not change with the evaluation's settings.
  private static final String SAMPLER = "ddim";
  private static final int STEPS = 50;
  private static final double GUIDANCE = 7.5;
  private static final int TOGETHER = 4;

  private final TuneQdmConfig config;
  private final OnDemandSpark spark;
  private final PrintStream out;

  ClassImages(TuneQdmConfig config, OnDemandSpark spark, PrintStream out) {
    this.config = config;
    this.spark = spark;
    this.out = out;
  }

  /** Makes what is missing. */
  void make(RunFolder run, List<SubjectEntry> subjects) {
    List<String> prompts =
        subjects.stream()
            .map(SubjectEntry::classPrompt)
            .distinct()
            .filter(prompt -> !run.list(folder(prompt)).containsAll(paths(config, prompt)))
            .toList();
    if (prompts.isEmpty()) {
      return;
    }
    out.println("Making class images of %d prompts ...".formatted(prompts.size()));
    TuneQdmConfig settings = config;
    String runId = run.id();
    spark
        .get()
        .fanOut(
            "class-images",
            "make class images of %d prompts".formatted(prompts.size()),
            DeviceDemand.ENGINE,
            prompts,
            (prompt, environment) -> sample(settings, runId, prompt, environment));
  }

  private static Integer sample(
      TuneQdmConfig config, String runId, String prompt, TaskEnvironment environment) {
    RunFolder run = RunFolder.of(config.storageRuns(), runId, environment.hadoop());
    PipelineFolder model = new PipelineFolder(environment.local(config.modelBase()));
    SamplingSettings settings =
        new SamplingSettings(SAMPLER, STEPS, GUIDANCE, config.dataResolution());
    List<String> paths = paths(config, prompt);
    Set<String> there = run.list(folder(prompt));
    List<List<String>> chunks = new ArrayList<>();
    for (int first = 0; first < paths.size(); first += TOGETHER) {
      List<String> chunk = paths.subList(first, Math.min(paths.size(), first + TOGETHER));
      if (!there.containsAll(chunk)) {
        chunks.add(chunk);
      }
    }
    try (Compute compute = environment.compute(config);
        ImageSampler sampler =
            new ImageSampler(
                compute,
                model,
                Denoiser.plain(compute, Models.unet(compute, model.unet())),
                settings)) {
      sampler.sample(
          chunks.stream().map(chunk -> requests(config, prompt, paths, chunk)).toList(),
          (i, pictures) -> publish(run, prompt, chunks.get(i), pictures));
    }
    return paths.size();
  }

  /** A picture's place among all decides its seed. */
  private static List<SampleRequest> requests(
      TuneQdmConfig config, String prompt, List<String> paths, List<String> chunk) {
    return chunk.stream()
        .map(path -> new SampleRequest(0, prompt, config.tuningSeed() + paths.indexOf(path)))
        .toList();
  }

  private static void publish(
      RunFolder run, String prompt, List<String> chunk, List<RgbImage> pictures) {
    for (int i = 0; i < chunk.size(); i++) {
      byte[] png = PngEncoder.encode(pictures.get(i), Map.of("prompt", prompt));
      Publisher.publishOrAdopt(run.fileSystem(), run.path(chunk.get(i)), png);
    }
  }

  /** A subject's class images, in order. */
  static List<RgbImage> read(RunFolder run, TuneQdmConfig config, SubjectEntry subject) {
    return Ahead.all(
        paths(config, subject.classPrompt()),
        path -> ImageReader.read(run.read(path), path, config.dataMaxPixels()));
  }

  private static List<String> paths(TuneQdmConfig config, String prompt) {
    return IntStream.range(0, config.tuningPriorPreservationClassImages())
        .mapToObj(i -> folder(prompt) + "/%05d.png".formatted(i))
        .toList();
  }

  private static String folder(String prompt) {
    return "class-images/" + Hashes.sha256(prompt).substring(0, 12);
  }
}
