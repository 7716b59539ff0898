package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.ModelConfig;
import io.github.tuneqdm.models.ModelOutline;
import io.github.tuneqdm.quant.BasePlan;
import io.github.tuneqdm.quant.BaseWriter;
import io.github.tuneqdm.quant.BaseWriter.PartReceipt;
import io.github.tuneqdm.quant.QuantizerSettings;
import io.github.tuneqdm.storage.Attempts;
import io.github.tuneqdm.storage.ModelWeights;
import io.github.tuneqdm.storage.Publisher;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.io.PrintStream;
import java.nio.file.Files;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * Quantises the UNet of a base model, a Spark task a part of its layers. The same UNet and settings
 * give the same folder, so a base that is there already is used as it is.
 */
public final class QuantizeBaseJob {
  private static final String NAME = "quantize-base";

  private final TuneQdmConfig config;
  private final OnDemandSpark spark;
  private final PrintStream out;

  /**
   * @param out for messages
   */
  public QuantizeBaseJob(TuneQdmConfig config, OnDemandSpark spark, PrintStream out) {
    this.config = config;
    this.spark = spark;
    this.out = out;
  }

  /**
   * A finished base.
   *
   * @param id 12 hex digits of the hash of source and settings
   * @param folder fully qualified
   * @param wasThere whether it was finished before
   */
  public record Result(String id, String folder, boolean wasThere) {}

  public Result run() {
    Configuration hadoop = SparkApplication.hadoopConfiguration();
    QuantizerSettings settings =
        new QuantizerSettings(config.quantizerBits(), config.quantizerSymmetric());
    String model = config.modelBase();
    java.nio.file.Path unet = unet(model, hadoop);
    BasePlan plan = BasePlan.of(unet, settings);
    Path bases = new Path(config.storageBases());
    FileSystem fs = Publisher.fileSystem(bases, hadoop);
    Path folder = fs.makeQualified(BaseWriter.folder(bases, plan));
    if (BaseWriter.isFinished(fs, bases, plan)) {
      out.println("Quantised base " + folder + ": there already");
      return new Result(plan.id(), folder.toString(), true);
    }
    Attempts.sweepOld(fs, folder);
    EngineSeats.prepare(config.deviceThreads());
    checkShapes(unet);
    String qualifiedBases = folder.getParent().toString();
    List<PartReceipt> receipts =
        spark
            .get()
            .fanOut(
                NAME,
                "quantise %d layers to %d bits".formatted(plan.layerCount(), settings.bits()),
                DeviceDemand.NONE,
                IntStream.range(0, plan.parts().size()).boxed().toList(),
                (part, environment) -> writePart(model, plan, part, qualifiedBases, environment));
    BaseWriter.finish(unet, plan, receipts, fs, bases);
    Attempts.sweepAll(fs, folder);
    out.println(
        "Quantised base %s: %d layers, %d bits%s"
            .formatted(
                folder,
                plan.layerCount(),
                settings.bits(),
                settings.symmetric() ? ", symmetric" : ""));
    return new Result(plan.id(), folder.toString(), false);
  }

  /** Refuses, before anything is written, a UNet that is not what its config.json says. */
  private static void checkShapes(java.nio.file.Path unet) {
    try (Compute compute = Compute.cpu(1);
        TensorSource weights = ModelWeights.open(unet)) {
      ModelOutline.of(compute, ModelConfig.read(unet.resolve("config.json")), weights);
    }
  }

  private static PartReceipt writePart(
      String model, BasePlan plan, int part, String bases, TaskEnvironment environment) {
    Path folder = new Path(bases);
    return BaseWriter.writePart(
        unet(model, environment.hadoop()),
        plan,
        part,
        Publisher.fileSystem(folder, environment.hadoop()),
        folder);
  }

  private static java.nio.file.Path unet(String model, Configuration hadoop) {
    java.nio.file.Path unet = LocalFolders.of(model, hadoop).resolve("unet");
    if (!Files.isDirectory(unet)) {
      throw TuneQdmException.inputData(
          "Cannot quantise the base model "
              + model
              + ": it has no folder unet (tuneqdm.model.base must name a folder in diffusers' layout)");
    }
    return unet;
  }
}
