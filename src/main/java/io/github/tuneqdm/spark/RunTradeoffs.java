package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.Metric;
import io.github.tuneqdm.metrics.ScoreTable;
import io.github.tuneqdm.report.ReportData.SubjectReport;
import io.github.tuneqdm.report.Tradeoff;
import io.github.tuneqdm.report.Tradeoff.Point;
import io.github.tuneqdm.storage.Publisher;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/** What the methods of one run cost: bytes a subject, and the weights they share. */
final class RunTradeoffs {
  private static final Metric QUALITY = Metric.DINO;
  private static final double MEGABYTE = 1e6;

  private final RunFolder run;
  private final TuneQdmConfig config;

  RunTradeoffs(RunFolder run, TuneQdmConfig config) {
    this.run = run;
    this.config = config;
  }

  /** Nothing where there is nothing to compare, or where the weights lie out of reach by now. */
  List<Tradeoff> of(ScoreTable table, List<SubjectReport> subjects) {
    if (table.methods().size() < 2) {
      return List.of();
    }
    double stored =
        subjects.stream()
            .flatMapToLong(subject -> subject.effort().storedBytes().stream())
            .average()
            .orElse(0);
    List<Tradeoff> tradeoffs = new ArrayList<>();
    tradeoffs.add(
        plot(
            "Quality and storage",
            "MB stored a subject",
            table,
            method -> Methods.isBaseline(method) ? 0 : stored));
    OptionalDouble plain = weights(new Path(config.modelBase() + "/unet"));
    OptionalDouble quantised =
        run.plan()
            .map(p -> weights(new Path(config.storageBases(), "base-" + p.baseId())))
            .orElse(OptionalDouble.empty());
    if (plain.isPresent() && quantised.isPresent()) {
      tradeoffs.add(
          plot(
              "Quality and memory",
              "MB of UNet weights, as stored",
              table,
              method -> (isQuantised(method) ? quantised : plain).getAsDouble()));
    }
    return tradeoffs;
  }

  private static boolean isQuantised(String method) {
    return PlannedImage.network(method) == PlannedImage.Network.SCALES;
  }

  @FunctionalInterface
  private interface Cost {
    double bytes(String method);
  }

  private static Tradeoff plot(String title, String cost, ScoreTable table, Cost bytes) {
    List<Point> points = new ArrayList<>();
    for (String method : table.methods()) {
      points.add(
          new Point(method, bytes.bytes(method) / MEGABYTE, table.interval(method, QUALITY)));
    }
    return new Tradeoff(title, cost, QUALITY.label(), points);
  }

  /** Bytes of the safetensors and Parquet files in a folder, without variants such as fp16. */
  private OptionalDouble weights(Path folder) {
    try {
      FileSystem fs = Publisher.fileSystem(folder, SparkApplication.hadoopConfiguration());
      long bytes =
          Arrays.stream(fs.listStatus(folder))
              .filter(file -> file.getPath().getName().matches("[^.]+\\.(safetensors|parquet)"))
              .mapToLong(FileStatus::getLen)
              .sum();
      return bytes > 0 ? OptionalDouble.of(bytes) : OptionalDouble.empty();
    } catch (IOException | TuneQdmException e) {
      return OptionalDouble.empty(); // the report does without
    }
  }
}
