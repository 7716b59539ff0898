package io.github.tuneqdm.bench;

import ai.djl.Device;
import io.github.tuneqdm.image.PngEncoder;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.LrWeights;
import io.github.tuneqdm.models.Parametrization;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.sampling.ImageSampler;
import io.github.tuneqdm.sampling.SampleRequest;
import io.github.tuneqdm.sampling.SamplingSettings;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.LearningRateSchedule;
import io.github.tuneqdm.tuning.Subject;
import io.github.tuneqdm.tuning.SubjectTuner;
import io.github.tuneqdm.tuning.TuningSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Trains one subject and makes pictures of it for long, as the jobs do, and watches whether memory
 * grows. Memory that leaks grows with every step; what merely fills up stops.
 */
public final class Soak {
  /** Growth over a run beyond this is called a leak. */
  private static final double LIMIT = 0.03;

  /** In parts of the run. Java compiles the UNet's forward pass, in 10 MiB, after 1,100 steps. */
  private static final double WARM_UP = 0.75;

  private static final int LOOKS = 70;
  private static final int PHOTOS = 5;
  private static final int TIMESTEPS = 1000;
  private static final Path STATUS = Path.of("/proc/self/status");

  private final BenchSettings settings;
  private final Consumer<String> out;

  /**
   * @param settings of a model in a folder
   * @param out shows each line as soon as it is there
   */
  public Soak(BenchSettings settings, Consumer<String> out) {
    this.settings = settings;
    this.out = out;
  }

  /** Whether memory kept its size over so many training steps and pictures after warm-up. */
  public boolean run(int steps, int pictures) {
    Device device = Machine.device(settings.device());
    out.accept(settings.model().name() + " on " + Machine.describe(device, settings.threads()));
    out.accept(MemoryTrend.heading());
    try (Compute compute = Compute.open(device, settings.precisions().get(0), settings.threads())) {
      List<MemoryTrend> trends = List.of(train(compute, steps), sample(compute, pictures));
      trends.forEach(trend -> out.accept(trend.text()));
      return trends.stream()
          .allMatch(t -> Math.max(t.resident(), Math.max(t.heap(), t.gpu())) <= LIMIT);
    }
  }

  private MemoryTrend train(Compute compute, int steps) {
    List<RgbImage> photos = new ArrayList<>();
    for (int i = 0; i < PHOTOS; i++) {
      photos.add(ScoreBench.picture(i, settings.size()));
    }
    Subject subject = new Subject("soak", "a photo of a sks mug", photos, "a mug", List.of());
    Watch watch = new Watch("train", compute, steps);
    TuningSettings recipe =
        new TuningSettings(
            settings.experts(),
            true,
            Parametrization.ABSOLUTE,
            LrWeights.EQUAL,
            watch.last,
            1,
            1,
            1e-6,
            LearningRateSchedule.CONSTANT,
            0,
            AdamWSettings.REFERENCE,
            0,
            0,
            settings.size(),
            false,
            1,
            1);
    new SubjectTuner(
            compute,
            settings.model().weights().orElseThrow(),
            new SubjectTuner.Network(
                settings.bits(), Optional.of(settings.mode()), mode -> network(compute)),
            recipe)
        .tune(List.of(subject), (step, loss) -> watch.look(step));
    return watch.trend();
  }

  private MemoryTrend sample(Compute compute, int pictures) {
    Watch watch = new Watch("sample", compute, pictures);
    List<List<SampleRequest>> requests = new ArrayList<>();
    for (int i = 0; i < watch.last; i++) {
      requests.add(List.of(new SampleRequest(0, "a photo of a sks mug", i)));
    }
    SamplingSettings how =
        new SamplingSettings("ddim", settings.sampleSteps(), 7.5, settings.size());
    TunableUNet network = network(compute);
    DeltaScales scales = DeltaScales.initial(network, settings.experts());
    try (ImageSampler sampler =
        new ImageSampler(
            compute,
            settings.model().weights().orElseThrow(),
            Denoiser.tuned(compute, network, List.of(scales), TIMESTEPS),
            how)) {
      sampler.sample(
          requests,
          (i, made) -> {
            made.forEach(picture -> PngEncoder.encode(picture, Map.of()));
            watch.look(i + 1);
          });
    }
    return watch.trend();
  }

  private TunableUNet network(Compute compute) {
    return settings.model().tunableUnet(compute, settings.quantizer(), settings.mode());
  }

  /** Looks at memory some times in a run. */
  private final class Watch {
    private final String phase;
    private final Compute compute;
    private final int warmUp;
    private final int last;
    private final int every;
    private final List<MemoryTrend.Seen> seen = new ArrayList<>();
    private int next;

    Watch(String phase, Compute compute, int length) {
      this.phase = phase;
      this.compute = compute;
      this.warmUp = (int) (WARM_UP * length);
      this.last = warmUp + length;
      this.every = Math.max(1, last / LOOKS);
    }

    void look(int at) {
      if (at < next && at < last) {
        return;
      }
      next = at + every;
      System.gc();
      Runtime java = Runtime.getRuntime();
      seen.add(
          new MemoryTrend.Seen(
              at,
              residentBytes(),
              java.totalMemory() - java.freeMemory(),
              DeviceMemory.used(compute.device())));
      out.accept(seen.get(seen.size() - 1).line(phase));
    }

    MemoryTrend trend() {
      return new MemoryTrend(phase, warmUp, seen);
    }
  }

  /** Of this process, where the system tells. */
  private static long residentBytes() {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith("VmRSS:"))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("\\D", "")))
          .findFirst()
          .orElse(0);
    } catch (IOException e) {
      return 0;
    }
  }
}
