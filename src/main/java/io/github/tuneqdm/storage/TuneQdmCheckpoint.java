package io.github.tuneqdm.storage;

import io.github.tuneqdm.error.TuneQdmException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A checkpoint of the reference implementation, {@code tuneqdm_state.pt}.
 *
 * @param config the settings; absent in the older form, which is a bare state dict
 * @param deltaState tensors by name: {@code <layer>.delta_out_experts} (N, O, 1) or (N, O, 1, 1,
 *     1), {@code .delta_in_experts} (N, 1, I) or (N, 1, I, 1, 1), {@code .weight_int} I8, {@code
 *     .zero_point} (O, 1) or (O, 1, 1, 1), {@code .bias}
 */
public record TuneQdmCheckpoint(Optional<Config> config, Map<String, StoredTensor> deltaState) {

  /** The settings as the reference implementation stores them. */
  public record Config(
      int bits,
      boolean symmetric,
      int experts,
      int timesteps,
      boolean trainDeltaIn,
      boolean trainBias) {}

  private static final String DELTA_STATE = "delta_state";
  private static final String CONFIG = "config";

  /**
   * Reads either form.
   *
   * @throws TuneQdmException (input data) where the file is not such a checkpoint
   */
  public static TuneQdmCheckpoint read(Path path) {
    if (!(TorchCheckpoint.read(path) instanceof Map<?, ?> root)) {
      throw malformed(path, "it holds no dict");
    }
    if (!root.containsKey(DELTA_STATE)) {
      return new TuneQdmCheckpoint(Optional.empty(), tensors(path, root));
    }
    if (!(root.get(DELTA_STATE) instanceof Map<?, ?> state)) {
      throw malformed(path, "its delta_state is no dict");
    }
    Optional<Config> config = Optional.empty();
    if (root.get(CONFIG) != null) {
      if (!(root.get(CONFIG) instanceof Map<?, ?> values)) {
        throw malformed(path, "its config is no dict");
      }
      config = Optional.of(config(path, values));
    }
    return new TuneQdmCheckpoint(config, tensors(path, state));
  }

  private static Map<String, StoredTensor> tensors(Path path, Map<?, ?> state) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    state.forEach(
        (name, value) -> {
          if (!(value instanceof StoredTensor tensor)) {
            throw malformed(path, "its entry '%s' is no tensor".formatted(name));
          }
          tensors.put((String) name, tensor);
        });
    if (tensors.keySet().stream().noneMatch(name -> name.endsWith(".delta_out_experts"))) {
      throw malformed(path, "no tensor of it is named <layer>.delta_out_experts");
    }
    return Collections.unmodifiableMap(tensors);
  }

  private static Config config(Path path, Map<?, ?> values) {
    return new Config(
        number(path, values, "n_bits"),
        flag(path, values, "symmetric"),
        number(path, values, "num_experts"),
        number(path, values, "total_denoising_steps"),
        flag(path, values, "train_delta_in"),
        flag(path, values, "train_bias"));
  }

  private static int number(Path path, Map<?, ?> values, String key) {
    if (values.get(key) instanceof Long number && number > 0 && number <= Integer.MAX_VALUE) {
      return number.intValue();
    }
    throw malformed(path, "its config's '%s' is %s".formatted(key, values.get(key)));
  }

  private static boolean flag(Path path, Map<?, ?> values, String key) {
    if (values.get(key) instanceof Boolean flag) {
      return flag;
    }
    throw malformed(path, "its config's '%s' is %s".formatted(key, values.get(key)));
  }

  private static TuneQdmException malformed(Path path, String reason) {
    return TuneQdmException.inputData(
        "Cannot read the TuneQDM checkpoint %s: %s".formatted(path, reason));
  }
}
