package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import com.fasterxml.jackson.databind.JsonNode;
import io.github.tuneqdm.models.AutoencoderKL;
import io.github.tuneqdm.models.ClipModel;
import io.github.tuneqdm.models.ClipTextModel;
import io.github.tuneqdm.models.DinoVisionTransformer;
import io.github.tuneqdm.models.Tap;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.ScaleRows;
import java.util.ArrayList;
import java.util.List;

/** Outputs, inner results and gradients of the float networks. */
final class NetworkChecks {
  static final double TOLERANCE = 1e-4;

  private final Compute compute;
  private final GoldenModels models;

  NetworkChecks(Compute compute, GoldenModels models) {
    this.compute = compute;
    this.models = models;
  }

  void unet(GoldenFile g) {
    try (UNet unet = models.unet(g.setting("model").asText());
        NDManager scope = compute.scope()) {
      NDArray out = unet.forward(input(g, scope, "", -1), ScaleRows.NONE);
      g.near("out", out, TOLERANCE);
      g.near("out_f64", out, TOLERANCE);
      Tap compare =
          (module, value) -> {
            if (g.has("act." + module)) {
              g.near("act." + module, value, TOLERANCE);
            }
          };
      unet.forward(input(g, scope, "", 0), ScaleRows.NONE, compare);
      for (String size : List.of("wide", "odd")) {
        if (g.has(size + ".sample")) {
          NDArray other = unet.forward(input(g, scope, size + ".", 0), ScaleRows.NONE);
          g.near(size + ".out", other, TOLERANCE);
        }
      }
    }
    floatGradients(g);
  }

  private void floatGradients(GoldenFile g) {
    try (UNet unet = models.unet(g.setting("model").asText());
        NDManager scope = compute.scope()) {
      unet.parameters().values().forEach(p -> p.setRequiresGradient(true));
      NDArray loss =
          Compute.withGradients(
              true,
              () -> {
                NDArray out = unet.forward(input(g, scope, "", 1), ScaleRows.NONE);
                return backward(out, g.row(scope, "target", 1));
              });
      g.near("float.loss_row1", loss, TOLERANCE);
      JsonNode names = g.setting("float.grad_names");
      double[] norms = new double[names.size()];
      for (int i = 0; i < norms.length; i++) {
        String name = names.get(i).asText();
        NDArray parameter = unet.parameters().get(name);
        g.require(parameter != null, "the network has no parameter " + name);
        if (parameter != null) {
          double[] gradient = GoldenFile.doubles(parameter.getGradient());
          double sum = 0;
          for (double v : gradient) {
            sum += v * v;
          }
          norms[i] = Math.sqrt(sum);
          if (g.has("float.grad_row1." + name)) {
            g.near("float.grad_row1." + name, gradient, TOLERANCE);
          }
        }
      }
      g.near("float.grad_norms_row1", norms, TOLERANCE);
    }
  }

  /** Mean squared error against {@code target}; leaves gradients at the leaves. */
  static NDArray backward(NDArray out, NDArray target) {
    NDArray loss = out.sub(target).square().mean();
    NDArray one = loss.onesLike();
    JniUtils.backward((PtNDArray) loss, (PtNDArray) one, false, false);
    return loss.stopGradient();
  }

  /**
   * @param prefix of the sample's name; timestep and text are always those of the base case
   * @param row which row to take, or -1 for all
   */
  static UNet.Input input(GoldenFile g, NDManager scope, String prefix, int row) {
    NDArray sample =
        row < 0 || !prefix.isEmpty()
            ? g.array(scope, prefix + "sample")
            : g.row(scope, "sample", row);
    return new UNet.Input(
        sample,
        pick(g, scope, "timestep", row),
        pick(g, scope, "encoder_hidden_states", row),
        pick(g, scope, "text_embeds", row),
        pick(g, scope, "time_ids", row));
  }

  private static NDArray pick(GoldenFile g, NDManager scope, String name, int row) {
    if (!g.has(name)) {
      return null;
    }
    return row < 0 ? g.array(scope, name) : g.row(scope, name, row);
  }

  void vae(GoldenFile g) {
    try (AutoencoderKL vae = models.vae(g.setting("model").asText());
        NDManager scope = compute.scope()) {
      g.within("scaling_factor", vae.scalingFactor(), g.setting("scaling_factor").asDouble(), 0);
      for (String prefix : List.of("", "wide.")) {
        if (!g.has(prefix + "image")) {
          continue;
        }
        Tap tap =
            (module, value) -> {
              if (prefix.isEmpty() && g.has("act." + module)) {
                g.near("act." + module, value, TOLERANCE);
              }
            };
        AutoencoderKL.Posterior p = vae.encode(g.array(scope, prefix + "image"), tap);
        g.near(prefix + "mean", p.mean(), TOLERANCE);
        g.near(prefix + "logvar", p.logVariance(), TOLERANCE);
        NDArray sample = p.mean().add(p.std().mul(g.array(scope, prefix + "noise")));
        g.near(prefix + "posterior_sample", sample, TOLERANCE);
        NDArray decoded = vae.decode(g.array(scope, prefix + "latents"), tap);
        g.near(prefix + "decoded", decoded, TOLERANCE);
        if (g.has(prefix + "decoded_f64")) {
          g.near(prefix + "mean_f64", p.mean(), TOLERANCE);
          g.near(prefix + "decoded_f64", decoded, TOLERANCE);
        }
      }
    }
  }

  void clipText(GoldenFile g) {
    try (ClipTextModel text = models.textEncoder(g.setting("model").asText());
        NDManager scope = compute.scope()) {
      ClipTextModel.Output out = text.forward(scope, ids(g, "input_ids"));
      g.near("last_hidden_state", out.lastHiddenState(), TOLERANCE);
      g.near("pooler_output", out.pooled(), TOLERANCE);
      Tap tap =
          (module, value) -> {
            if (g.has(module)) {
              g.near(module, value, TOLERANCE);
            }
          };
      ClipTextModel.Output first = text.forward(scope, ids(g, "input_ids").subList(0, 1), tap);
      g.near("last_hidden_state_f64_row0", first.lastHiddenState(), TOLERANCE);
    }
  }

  void clip(GoldenFile g) {
    try (ClipModel clip = models.clip(g.setting("model").asText());
        NDManager scope = compute.scope()) {
      ClipModel.ImageOutput image = clip.image(g.array(scope, "pixel_values"));
      ClipModel.TextOutput text = clip.text(scope, ids(g, "input_ids"));
      g.near("vision_last_hidden_state", image.lastHiddenState(), TOLERANCE);
      g.near("vision_pooler_output", image.pooled(), TOLERANCE);
      g.near("image_embeds", image.embeds(), TOLERANCE);
      g.near("image_embeds_f64", image.embeds(), TOLERANCE);
      g.near("text_last_hidden_state", text.lastHiddenState(), TOLERANCE);
      g.near("text_pooler_output", text.pooled(), TOLERANCE);
      g.near("text_embeds", text.embeds(), TOLERANCE);
      g.near("text_embeds_f64", text.embeds(), TOLERANCE);
      NDArray i = normalised(image.embeds());
      NDArray t = normalised(text.embeds());
      g.near("image_embeds_normalised", i, TOLERANCE);
      g.near("text_embeds_normalised", t, TOLERANCE);
      NDArray logits = i.matMul(t.transpose()).mul(Math.exp(clip.logitScale()));
      g.near("logits_per_image", logits, TOLERANCE);
    }
  }

  private static NDArray normalised(NDArray rows) {
    return rows.div(rows.norm(new int[] {1}, true));
  }

  private static List<int[]> ids(GoldenFile g, String name) {
    long[] flat = g.longs(name);
    int length = (int) g.tensor(name).shape()[1];
    List<int[]> rows = new ArrayList<>();
    for (int from = 0; from < flat.length; from += length) {
      int[] row = new int[length];
      for (int i = 0; i < length; i++) {
        row[i] = (int) flat[from + i];
      }
      rows.add(row);
    }
    return rows;
  }

  /** Pictures tile a stored pattern over several sizes. */
  void dino(GoldenFile g) {
    float[] base = g.floats("pixel_base");
    int period = (int) g.tensor("pixel_base").shape()[3];
    try (DinoVisionTransformer dino = models.dino(g.setting("model").asText());
        NDManager scope = compute.scope()) {
      for (String name : g.names()) {
        if (name.endsWith(".cls")) {
          String size = name.substring(0, name.length() - ".cls".length());
          String[] sides = size.contains("x") ? size.split("x") : new String[] {size, size};
          int h = Integer.parseInt(sides[0]);
          int w = Integer.parseInt(sides[1]);
          float[] pixels = new float[3 * h * w];
          for (int c = 0; c < 3; c++) {
            for (int y = 0; y < h; y++) {
              for (int x = 0; x < w; x++) {
                pixels[(c * h + y) * w + x] = base[(c * period + y % period) * period + x % period];
              }
            }
          }
          dino(g, dino, size, Compute.floats(scope, pixels, 1, 3, h, w));
        }
      }
    }
  }

  void dinov2(GoldenFile g) {
    try (DinoVisionTransformer dino = models.dino(g.setting("model").asText());
        NDManager scope = compute.scope()) {
      for (String name : g.names()) {
        if (name.endsWith(".pixel_values")) {
          String size = name.substring(0, name.length() - ".pixel_values".length());
          dino(g, dino, size, g.array(scope, name));
        }
      }
    }
  }

  private static void dino(GoldenFile g, DinoVisionTransformer dino, String size, NDArray pixels) {
    Tap tap =
        (module, value) -> {
          if (g.has(size + "." + module)) {
            g.near(size + "." + module, value, TOLERANCE);
          }
        };
    NDArray states = dino.lastHiddenState(pixels, tap);
    NDArray cls = states.get(":, 0");
    g.near(size + ".cls", cls, TOLERANCE);
    g.near(size + ".cls_f64", cls, TOLERANCE);
    if (g.has(size + ".last_hidden_state_first_8")) {
      g.near(size + ".last_hidden_state_first_8", states.get(":, :8"), TOLERANCE);
    }
    if (g.has(size + ".last_hidden_state")) {
      g.near(size + ".last_hidden_state", states, TOLERANCE);
    }
  }
}
