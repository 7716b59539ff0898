package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.ImageReader;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.metrics.Similarity;
import io.github.tuneqdm.scoring.ImageScorer;
import io.github.tuneqdm.scoring.InceptionNetwork;
import io.github.tuneqdm.scoring.PictureEncoders;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.StorageProblem;
import io.github.tuneqdm.tensor.Compute;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;

/**
 * Embeds a stretch of a folder's pictures in one Spark task. They are read as they are needed; what
 * stays is a few numbers each.
 *
 * @param texts what CLIP-T compares each picture with; none where it is not asked for
 * @param inception a TorchScript file on any storage; empty for none
 */
record EmbeddingTask(
    TuneQdmConfig config, List<PictureFile> pictures, List<String> texts, String inception)
    implements Serializable {

  /**
   * One row a picture.
   *
   * @param clipT empty where it was not asked for
   * @param inception (N, 2048); empty rows without Inception
   * @param logits (N, 1008); likewise
   */
  record Embedded(
      float[][] dino, float[][] clip, double[] clipT, float[][] inception, float[][] logits)
      implements Serializable {}

  Embedded run(TaskEnvironment environment) {
    Configuration hadoop = environment.hadoop();
    List<Supplier<RgbImage>> toRead = new ArrayList<>();
    for (PictureFile picture : pictures) {
      toRead.add(
          () ->
              ImageReader.read(
                  picture.bytes(hadoop, config.dataMaxPhotoBytes()),
                  picture.path(),
                  config.dataMaxPixels()));
    }
    try (Compute compute = environment.compute(config)) {
      PictureEncoders.Features features;
      double[] clipT;
      try (ImageScorer scorer =
          new ImageScorer(
              compute,
              environment.local(config.modelDino()),
              environment.local(config.modelClip()))) {
        features = scorer.pictures(toRead);
        clipT =
            texts.isEmpty()
                ? new double[0]
                : Similarity.imageToTextEach(features.clip(), scorer.clipText(texts));
      }
      InceptionNetwork.Features seen =
          inception.isEmpty()
              ? new InceptionNetwork.Features(new float[0][], new float[0][])
              : inception(compute, toRead, hadoop);
      return new Embedded(features.dino(), features.clip(), clipT, seen.features(), seen.logits());
    }
  }

  private InceptionNetwork.Features inception(
      Compute compute, List<Supplier<RgbImage>> toRead, Configuration hadoop) {
    org.apache.hadoop.fs.Path file = new org.apache.hadoop.fs.Path(inception);
    FileSystem fs = Publisher.fileSystem(file, hadoop);
    try {
      Path folder = Files.createTempDirectory("tuneqdm-inception-");
      Path copy = folder.resolve("inception.pt");
      try {
        fs.copyToLocalFile(false, file, new org.apache.hadoop.fs.Path(copy.toUri()), true);
        try (InceptionNetwork network = new InceptionNetwork(compute, copy, inception)) {
          return network.embed(toRead);
        }
      } finally {
        Files.deleteIfExists(copy);
        Files.deleteIfExists(folder);
      }
    } catch (FileNotFoundException e) {
      throw TuneQdmException.inputData(
          "Cannot read %s: there is no such file (--inception)".formatted(inception), e);
    } catch (IOException e) {
      throw StorageProblem.environment("Cannot read " + inception, e);
    }
  }
}
