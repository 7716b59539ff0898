package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.LowRank;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.nn.MemoryMode;
import io.github.tuneqdm.sampling.Denoiser;
import io.github.tuneqdm.storage.TensorSource;
import io.github.tuneqdm.tensor.Compute;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Opens what a task samples pictures with. */
record SampledNetworks(
    Compute compute,
    PipelineFolder model,
    RunFolder run,
    TaskEnvironment environment,
    TuneQdmConfig config,
    String quantizedBase) {

  /** The float base. */
  Denoiser base() {
    return Denoiser.plain(compute, Models.unet(compute, model.unet()));
  }

  /** The quantised base: subject 0 is the base un-tuned, the others follow. */
  Denoiser scales(List<String> subjects) {
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

  /** A network with one subject's weights. */
  Denoiser weights(String subject) {
    String where = run.deltas(subject).toString();
    Optional<LowRank> lowRank = Recipe.lowRank(config);
    try (TensorSource tensors = run.openDeltas(subject)) {
      if (lowRank.isEmpty()) {
        return Denoiser.plain(compute, Models.unet(compute, model.unetConfig(), tensors, where));
      }
      UNet unet = OpenBase.floatUnet(compute, config, environment, quantizedBase);
      try {
        lowRank.get().mergeInto(unet, compute, tensors, where);
      } catch (RuntimeException e) {
        unet.close();
        throw e;
      }
      return Denoiser.plain(compute, unet);
    }
  }
}
