package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.SetDistances;
import io.github.tuneqdm.metrics.SetScore;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.spark.EmbeddingTask.Embedded;
import io.github.tuneqdm.storage.ParquetTable;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.StorageProblem;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Scores a folder of pictures as it is, whoever made them: each against photos and a prompt, and
 * all together against a reference set.
 */
public final class ScoreImagesJob {
  private static final int MOST_A_TASK = 4096; // so that a task's result stays well below 100 MB
  private static final int LARGEST_PROMPTS = 64 << 20;
  private static final List<String> HEADER = List.of("file", "prompt"); // of --prompts
  private static final ParquetTable<PictureScore> PICTURES = ParquetTable.of(PictureScore.class);
  private static final ParquetTable<SetScore> SETS = ParquetTable.of(SetScore.class);

  private final TuneQdmConfig config;
  private final OnDemandSpark spark;
  private final PrintStream out;

  /**
   * @param config names the encoders and the device
   * @param out for messages
   */
  public ScoreImagesJob(TuneQdmConfig config, OnDemandSpark spark, PrintStream out) {
    this.config = config;
    this.spark = spark;
    this.out = out;
  }

  /**
   * @param pictures in name order
   * @param sets means first, then distances
   */
  public record Result(List<PictureScore> pictures, List<SetScore> sets) {
    public Result {
      pictures = List.copyOf(pictures);
      sets = List.copyOf(sets);
    }
  }

  public Result run(ScoreImagesRequest request) {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    config.modelDino(); // asked for before folders of millions are listed
    config.modelClip();
    for (String out : request.out().stream().toList()) {
      Path folder = new Path(out);
      Publisher.requireWritable(Publisher.fileSystem(folder, hadoop), folder);
    }
    List<PictureFile> images = PictureFile.list(request.images(), "--images", hadoop);
    List<String> texts = texts(request, images, hadoop);
    List<PictureFile> photos =
        request.photos().map(f -> PictureFile.list(f, "--photos", hadoop)).orElse(List.of());
    List<PictureFile> references =
        request.reference().map(f -> PictureFile.list(f, "--reference", hadoop)).orElse(List.of());
    String inception = request.inception().orElse("");

    Embedded made = embed("images", images, texts, inception);
    Embedded real = embed("photos", photos, List.of(), "");
    Embedded reference = embed("references", references, List.of(), inception);

    List<PictureScore> pictures = pictures(images, texts, made, real);
    List<SetScore> sets = new ArrayList<>(means(pictures, real));
    if (!references.isEmpty()) {
      sets.addAll(SetDistances.of("FD-DINO", "KD-DINO", made.dino(), reference.dino()));
      sets.addAll(SetDistances.of("FD-CLIP", "KD-CLIP", made.clip(), reference.clip()));
    }
    if (!inception.isEmpty()) {
      if (!references.isEmpty()) {
        sets.addAll(SetDistances.of("FID", "KID", made.inception(), reference.inception()));
      }
      sets.add(SetDistances.inceptionScore(made.logits()));
    }
    request.out().ifPresent(folder -> write(folder, pictures, sets, hadoop));
    return new Result(pictures, sets);
  }

  private Embedded embed(
      String what, List<PictureFile> files, List<String> texts, String inception) {
    if (files.isEmpty()) {
      float[][] none = new float[0][];
      return new Embedded(none, none, new double[0], none, none);
    }
    SparkApplication application = spark.get();
    int slots = application.slots();
    int length = Math.min(MOST_A_TASK, (files.size() + slots - 1) / slots);
    List<EmbeddingTask> tasks = new ArrayList<>();
    for (int from = 0; from < files.size(); from += length) {
      int to = Math.min(files.size(), from + length);
      tasks.add(
          new EmbeddingTask(
              config,
              List.copyOf(files.subList(from, to)),
              texts.isEmpty() ? List.of() : List.copyOf(texts.subList(from, to)),
              inception));
    }
    String description = "embed %d %s".formatted(files.size(), what);
    out.println("Embedding %d %s ...".formatted(files.size(), what));
    List<Embedded> parts =
        application.fanOut(
            "score-images",
            description,
            DeviceDemand.ENGINE,
            tasks,
            (task, environment) -> task.run(environment));
    return new Embedded(
        joined(parts, Embedded::dino),
        joined(parts, Embedded::clip),
        parts.stream().flatMapToDouble(part -> Arrays.stream(part.clipT())).toArray(),
        joined(parts, Embedded::inception),
        joined(parts, Embedded::logits));
  }

  private static float[][] joined(List<Embedded> parts, Function<Embedded, float[][]> of) {
    return parts.stream().flatMap(part -> Arrays.stream(of.apply(part))).toArray(float[][]::new);
  }

  private static List<PictureScore> pictures(
      List<PictureFile> files, List<String> texts, Embedded made, Embedded real) {
    boolean photos = real.dino().length > 0;
    double[] dino = photos ? Similarity.imageToImageEach(made.dino(), real.dino()) : null;
    double[] clipI = photos ? Similarity.imageToImageEach(made.clip(), real.clip()) : null;
    List<PictureScore> pictures = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      pictures.add(
          new PictureScore(
              files.get(i).name(),
              texts.isEmpty() ? null : texts.get(i),
              photos ? dino[i] : null,
              photos ? clipI[i] : null,
              texts.isEmpty() ? null : made.clipT()[i]));
    }
    return pictures;
  }

  private static List<SetScore> means(List<PictureScore> pictures, Embedded real) {
    int photos = real.dino().length;
    List<SetScore> means = new ArrayList<>();
    mean("DINO", pictures, PictureScore::dino, photos).ifPresent(means::add);
    mean("CLIP-I", pictures, PictureScore::clipI, photos).ifPresent(means::add);
    mean("CLIP-T", pictures, PictureScore::clipT, 0).ifPresent(means::add);
    if (photos > 1) {
      means.add(
          new SetScore("real DINO", Similarity.realAgainstReal(real.dino()), null, photos, photos));
      means.add(
          new SetScore(
              "real CLIP-I", Similarity.realAgainstReal(real.clip()), null, photos, photos));
    }
    return means;
  }

  private static Optional<SetScore> mean(
      String name, List<PictureScore> pictures, Function<PictureScore, Double> score, int others) {
    return pictures.stream()
        .map(score)
        .filter(Objects::nonNull)
        .mapToDouble(value -> value)
        .average()
        .stream()
        .mapToObj(mean -> new SetScore(name, mean, null, pictures.size(), others))
        .findFirst();
  }

  /** One a picture; none where CLIP-T is not asked for. */
  private static List<String> texts(
      ScoreImagesRequest request, List<PictureFile> images, Configuration hadoop) {
    if (request.prompt().isPresent()) {
      return images.stream().map(image -> request.prompt().get()).toList();
    }
    if (request.prompts().isEmpty()) {
      return List.of();
    }
    String file = request.prompts().get();
    List<List<String>> lines = CsvText.lines(text(file, hadoop), file);
    if (lines.isEmpty() || !lines.get(0).stream().map(String::strip).toList().equals(HEADER)) {
      throw TuneQdmException.inputData(
          "Cannot read %s: its first line must be file,prompt (--prompts)".formatted(file));
    }
    Map<String, String> byFile = new HashMap<>();
    for (int row = 1; row < lines.size(); row++) {
      List<String> line = lines.get(row);
      if (line.size() != HEADER.size()) {
        throw TuneQdmException.inputData(
            "Cannot read %s: row %d has %d fields, not file,prompt (a prompt with a comma stands in quotes)"
                .formatted(file, row, line.size()));
      }
      if (byFile.put(line.get(0).strip(), line.get(1).strip()) != null) {
        throw TuneQdmException.inputData(
            "Cannot read %s: %s is there twice".formatted(file, line.get(0).strip()));
      }
    }
    for (PictureFile image : images) {
      if (!byFile.containsKey(image.name())) {
        throw TuneQdmException.inputData(
            "Cannot score %s: %s has no prompt for it (add a line %s,...)"
                .formatted(image.path(), file, image.name()));
      }
    }
    return images.stream().map(image -> byFile.get(image.name())).toList();
  }

  private static String text(String file, Configuration hadoop) {
    Path path = new Path(file);
    FileSystem fs = Publisher.fileSystem(path, hadoop);
    try (InputStream in = fs.open(path)) {
      byte[] bytes = in.readNBytes(LARGEST_PROMPTS + 1);
      if (bytes.length > LARGEST_PROMPTS) {
        throw TuneQdmException.inputData("Cannot read " + file + ": it is larger than 64 MiB");
      }
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (FileNotFoundException e) {
      throw TuneQdmException.inputData(
          "Cannot read %s: there is no such file (--prompts)".formatted(file), e);
    } catch (CharacterCodingException e) {
      throw TuneQdmException.inputData(
          "Cannot read " + file + ": it is not UTF-8 text (save it as UTF-8)", e);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot read " + file, e);
    }
  }

  private static void write(
      String folder, List<PictureScore> pictures, List<SetScore> sets, Configuration hadoop) {
    Path root = new Path(folder);
    FileSystem fs = Publisher.fileSystem(root, hadoop);
    PICTURES.replace(fs, new Path(root, "pictures.parquet"), pictures);
    SETS.replace(fs, new Path(root, "sets.parquet"), sets);
  }
}
