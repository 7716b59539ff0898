package io.github.tuneqdm.verify;

import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.ClipModel;
import io.github.tuneqdm.models.ClipTextModel;
import io.github.tuneqdm.models.DinoVisionTransformer;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;

/** The model folders among the goldens. */
record GoldenModels(Compute compute, Path folder) {

  UNet unet(String name) {
    return Models.unet(compute, folder.resolve(name));
  }

  AutoencoderKL vae(String name) {
    return Models.vae(compute, folder.resolve(name));
  }

  ClipTextModel textEncoder(String name) {
    return Models.textEncoder(compute, folder.resolve(name));
  }

  ClipModel clip(String name) {
    return Models.clip(compute, folder.resolve(name));
  }

  DinoVisionTransformer dino(String name) {
    return Models.dino(compute, folder.resolve(name));
  }
}
