package io.github.tuneqdm.verify;

import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.ClipModel;
import io.github.tuneqdm.models.ClipTextModel;
import io.github.tuneqdm.models.DinoVisionTransformer;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.tensor.Compute;

/** The model folders among the goldens. */
record GoldenModels(Compute compute, GoldenFolder folder) {

  UNet unet(String name) {
    return folder.readModel(name, path -> Models.unet(compute, path));
  }

  AutoencoderKL vae(String name) {
    return folder.readModel(name, path -> Models.vae(compute, path));
  }

  ClipTextModel textEncoder(String name) {
    return folder.readModel(name, path -> Models.textEncoder(compute, path));
  }

  ClipModel clip(String name) {
    return folder.readModel(name, path -> Models.clip(compute, path));
  }

  DinoVisionTransformer dino(String name) {
    return folder.readModel(name, path -> Models.dino(compute, path));
  }
}
