package io.github.tuneqdm.cli;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.metrics.Scores;
import io.github.tuneqdm.metrics.SetScore;
import io.github.tuneqdm.spark.OnDemandSpark;
import io.github.tuneqdm.spark.PictureScore;
import io.github.tuneqdm.spark.ScoreImagesJob;
import io.github.tuneqdm.spark.ScoreImagesJob.Result;
import io.github.tuneqdm.spark.ScoreImagesRequest;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "score-images",
    description = {
      "Scores a folder of pictures as it is, whoever made them: each against a subject's photos"
          + " (DINO, CLIP-I) and a prompt (CLIP-T), and all together against a reference folder:"
          + " Frechet and kernel distances in DINO's and CLIP's spaces (FD-DINO, KD-DINO, FD-CLIP,"
          + " KD-CLIP) and, with Inception as TorchScript, FID, KID and IS.",
      "Folders are searched with those below them. All may lie on file:, hdfs: or s3a: storage."
    },
    footer = {
      "",
      "Examples:",
      "  jobs/score-images --config conf/sd14.conf --images out/dog --photos data/dog --prompt \"a dog\"",
      "  jobs/score-images --config conf/sd14.conf --images out/dog --prompts prompts.csv --out scores",
      "  jobs/score-images --config conf/sd14.conf --images samples --reference real --inception inc.pt",
      "Without --config, the encoders are those of the embedded demo."
    })
final class ScoreImagesCommand implements Callable<Integer> {
  private static final int MOST_PRINTED = 50;

  @Mixin private JobOptions options;

  @Option(
      names = "--images",
      paramLabel = "DIR",
      required = true,
      description = "The pictures to score.")
  private String images;

  @Option(
      names = "--photos",
      paramLabel = "DIR",
      description = "Real photos of the subject, for DINO and CLIP-I.")
  private Optional<String> photos;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "What all pictures show, for CLIP-T. It is taken as it stands.")
  private Optional<String> prompt;

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description = {
        "What each picture shows: CSV with the header file,prompt and a line for each picture;",
        "file is relative to --images."
      })
  private Optional<String> prompts;

  @Option(
      names = "--reference",
      paramLabel = "DIR",
      description = "Pictures to measure the distance to.")
  private Optional<String> reference;

  @Option(
      names = "--inception",
      paramLabel = "FILE",
      description = {
        "Inception-v3 as TorchScript: float32 (B, 3, 299, 299) in, (v - 128) / 128; a tuple of"
            + " features (B, 2048) and logits (B, 1008) out."
      })
  private Optional<String> inception;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      description =
          "Where pictures.parquet and sets.parquet are written. Left out: they are only printed.")
  private Optional<String> out;

  @Override
  public Integer call() {
    PrintStream terminal = System.out;
    ScoreImagesRequest request =
        new ScoreImagesRequest(images, photos, prompt, prompts, reference, inception, out);
    TuneQdmConfig config = options.load();
    JobOptions.print(config, terminal);
    try (OnDemandSpark spark = new OnDemandSpark("score-images", config)) {
      Result result = new ScoreImagesJob(config, spark, terminal).run(request);
      terminal.println();
      print(result.pictures(), terminal);
      terminal.println();
      result.sets().forEach(set -> terminal.println(line(set)));
      out.ifPresent(folder -> terminal.println("Tables: " + folder));
    }
    return 0;
  }

  private static void print(List<PictureScore> pictures, PrintStream out) {
    int width =
        pictures.stream()
            .limit(MOST_PRINTED)
            .mapToInt(picture -> picture.file().length())
            .reduce("picture".length(), Math::max);
    String format = "%-" + width + "s  %6s  %6s  %6s";
    out.println(String.format(format, "picture", "DINO", "CLIP-I", "CLIP-T"));
    pictures.stream()
        .limit(MOST_PRINTED)
        .map(
            picture ->
                String.format(
                    format,
                    picture.file().replaceAll("\\p{Cntrl}", "?"),
                    cell(picture.dino()),
                    cell(picture.clipI()),
                    cell(picture.clipT())))
        .forEach(out::println);
    if (pictures.size() > MOST_PRINTED) {
      out.println(
          "... and %d more (--out writes all of them)".formatted(pictures.size() - MOST_PRINTED));
    }
  }

  private static String cell(Double score) {
    return score == null ? "-" : Scores.format(score);
  }

  private static String line(SetScore set) {
    String value =
        set.deviation() == null
            ? String.format(Locale.ROOT, "%.6f", set.value())
            : String.format(Locale.ROOT, "%.6f +- %.6f", set.value(), set.deviation());
    String of =
        set.references() == 0
            ? "%d pictures".formatted(set.images())
            : "%d pictures, %d references".formatted(set.images(), set.references());
    return String.format("%-11s  %s  (%s)", set.name(), value, of);
  }
}
