package io.github.tuneqdm.tuning;

import io.github.tuneqdm.image.*;
import io.github.tuneqdm.metrics.*;
import io.github.tuneqdm.models.*;
import io.github.tuneqdm.quant.*;
import io.github.tuneqdm.sampling.*;
import io.github.tuneqdm.scoring.*;
import io.github.tuneqdm.storage.*;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.*;
import java.util.*;

class ScratchE2E {
  public static void main(String[] a) throws Exception {
    int steps = Integer.parseInt(a[0]);
    Path toy = Path.of("src/demo/toyworld");
    try (Compute c = Compute.cpu(2)) {
      PipelineFolder base = new PipelineFolder(toy.resolve("base"));
      Map<String, QuantizedWeight> layers = new HashMap<>();
      try (TensorSource w = ModelWeights.open(base.unet())) {
        for (String n : w.names())
          if (n.endsWith(".weight") && w.shape(n).length >= 2) {
            String l = n.substring(0, n.length() - 7);
            layers.put(
                l,
                WeightQuantizer.quantize(
                    l, w.tensor(n).toFloats(), w.shape(n), new QuantizerSettings(4, false)));
          }
      }
      java.util.function.Supplier<TunableUNet> net =
          () -> {
            try (TensorSource w = ModelWeights.open(base.unet())) {
              return TunableUNet.open(c, base.unetConfig(), layers.keySet(), layers::get, w);
            }
          };
      TuningSettings s =
          new TuningSettings(
              4,
              true,
              steps,
              4,
              1,
              1e-4,
              LearningRateSchedule.CONSTANT,
              0,
              AdamWSettings.REFERENCE,
              0,
              0,
              64,
              false,
              1,
              42);
      List<Subject> subjects = new ArrayList<>();
      String[] names = {"ball1", "cube1", "mug1", "donut1"};
      List<List<RgbImage>> real = new ArrayList<>();
      for (String n : names) {
        List<RgbImage> ph = new ArrayList<>();
        for (int i = 0; i < 5; i++)
          ph.add(ImageReader.read(toy.resolve("subjects/" + n + "/" + i + ".png"), 64000000));
        real.add(ph);
        subjects.add(new Subject(n, "a photo of a sks " + n.replace("1", ""), ph, "", List.of()));
      }
      long t0 = System.nanoTime();
      long[] last = {t0};
      List<TunedSubject> r =
          new SubjectTuner(c, base, net, s)
              .tune(
                  subjects,
                  (st, l) -> {
                    long n = System.nanoTime();
                    System.out.printf(
                        "step %d loss %.4f  %.1f ms/step%n", st, l, (n - last[0]) / 1e7);
                    last[0] = n;
                  });
      System.out.println("train s " + (System.nanoTime() - t0) / 1e9);
      for (TunedSubject t : r) System.out.println(t.name() + " " + t.failure() + " " + t.scales());
      List<DeltaScales> ds = r.stream().map(t -> t.scales().get()).toList();
      t0 = System.nanoTime();
      PromptSet ps = PromptSet.read(toy.resolve("prompts.txt"));
      try (ImageSampler is =
              new ImageSampler(
                  c,
                  base,
                  Denoiser.tuned(c, net.get(), ds, 1000),
                  new SamplingSettings("ddim", 25, 5.0, 64));
          ImageScorer sc = new ImageScorer(c, toy.resolve("dino"), toy.resolve("clip"))) {
        double[] tot = new double[3];
        for (int k = 0; k < 4; k++) {
          String noun = names[k].replace("1", "");
          List<String> prompts = ps.prompts("sks", noun);
          List<SampleRequest> rq = new ArrayList<>();
          for (int i = 0; i < prompts.size(); i++)
            rq.add(new SampleRequest(k, prompts.get(i), 4242 + i));
          List<RgbImage> im = is.sample(rq);
          double d = Similarity.imageToImage(sc.dino(im), sc.dino(real.get(k)));
          double ci = Similarity.imageToImage(sc.clipImage(im), sc.clipImage(real.get(k)));
          double ct =
              Similarity.imageToText(sc.clipImage(im), sc.clipText(ps.withoutIdentifier(noun)));
          System.out.printf("%s dino %.3f clipI %.3f clipT %.3f%n", names[k], d, ci, ct);
          tot[0] += d / 4;
          tot[1] += ci / 4;
          tot[2] += ct / 4;
          List<List<RgbImage>> rows = new ArrayList<>();
          rows.add(real.get(k));
          for (int i = 0; i < 25; i += 5) rows.add(im.subList(i, i + 5));
          Files.write(
              Path.of("/tmp/sheet-" + names[k] + ".png"),
              PngEncoder.encode(ContactSheet.white(2).compose(rows), Map.of()));
        }
        System.out.printf(
            "mean %.3f %.3f %.3f  in %.1f s%n",
            tot[0], tot[1], tot[2], (System.nanoTime() - t0) / 1e9);
      }
    }
  }
}
