package io.github.tuneqdm.diffusion;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * A scheduler_config.json read with types and limits. A key that is absent or null takes the
 * caller's default, as in diffusers' from_config; a key that no known scheduler has is refused.
 */
final class SchedulerConfig {
  private static final int MAX_TRAIN_TIMESTEPS = 1_000_000;
  private static final long MAX_FILE_BYTES = 64L << 20;

  /** Every setting of the six schedulers and of their close kin whose files are met in practice. */
  private static final Set<String> KNOWN_KEYS =
      Set.of(
          "algorithm_type",
          "beta_end",
          "beta_schedule",
          "beta_start",
          "clip_sample",
          "clip_sample_range",
          "disable_corrector",
          "dynamic_thresholding_ratio",
          "euler_at_final",
          "final_sigmas_type",
          "flow_shift",
          "interpolation_type",
          "lambda_min_clipped",
          "lower_order_final",
          "num_train_timesteps",
          "predict_epsilon",
          "predict_x0",
          "prediction_type",
          "rescale_betas_zero_snr",
          "sample_max_value",
          "set_alpha_to_one",
          "shift_terminal",
          "sigma_max",
          "sigma_min",
          "skip_prk_steps",
          "solver_order",
          "solver_p",
          "solver_type",
          "steps_offset",
          "tensor_format",
          "thresholding",
          "time_shift_type",
          "timestep_spacing",
          "timestep_type",
          "trained_betas",
          "use_beta_sigmas",
          "use_dynamic_shifting",
          "use_exponential_sigmas",
          "use_flow_sigmas",
          "use_karras_sigmas",
          "use_lu_lambdas",
          "variance_type");

  private final JsonNode json;
  private final String source;
  private final Set<String> defaulted;

  private SchedulerConfig(JsonNode json, String source) {
    this.json = json;
    this.source = source;
    this.defaulted = new HashSet<>();
    json.path("_use_default_values").forEach(key -> defaulted.add(key.asText()));
  }

  /** Reads a config already parsed; {@code source} names it in messages. */
  static SchedulerConfig of(JsonNode json, String source) {
    if (json == null || !json.isObject()) {
      throw TuneQdmException.inputData("Cannot read " + source + ": it is not a JSON object");
    }
    for (Iterator<String> keys = json.fieldNames(); keys.hasNext(); ) {
      String key = keys.next();
      if (!key.startsWith("_") && !KNOWN_KEYS.contains(key) && !json.get(key).isNull()) {
        throw TuneQdmException.inputData(
            "Cannot read " + source + ": unknown scheduler setting " + key);
      }
    }
    SchedulerConfig config = new SchedulerConfig(json, source);
    config.requireFlag("predict_epsilon", true);
    return config;
  }

  static SchedulerConfig of(JsonNode json) {
    return of(json, "the scheduler config");
  }

  /** Reads scheduler_config.json, whose numbers may be Python's Infinity. */
  static JsonNode parse(Path file) {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        throw TuneQdmException.inputData("Cannot read " + file + ": larger than 64 MiB");
      }
      JsonNode json =
          JsonMapper.builder()
              .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
              .build()
              .readTree(Files.readAllBytes(file));
      of(json, file.toString());
      return json;
    } catch (JacksonException e) {
      String where =
          e.getLocation() == null ? e.getOriginalMessage() : "line " + e.getLocation().getLineNr();
      throw TuneQdmException.inputData(
          "Cannot read " + file + ": not valid JSON (" + where + ")", e);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read " + file + ": " + e, e);
    }
  }

  /** The diffusers class it was saved by, such as PNDMScheduler; empty when it does not say. */
  String className() {
    return json.path("_class_name").asText("");
  }

  boolean isSet(String key) {
    return json.hasNonNull(key) && !defaulted.contains(key);
  }

  boolean flag(String key, boolean byDefault) {
    if (!isSet(key)) {
      return byDefault;
    }
    if (!json.get(key).isBoolean()) {
      throw wrong(key, "must be true or false");
    }
    return json.get(key).booleanValue();
  }

  int integer(String key, int byDefault, int min, int max) {
    if (!isSet(key)) {
      return byDefault;
    }
    JsonNode value = json.get(key);
    if (!value.isNumber() || value.doubleValue() != Math.rint(value.doubleValue())) {
      throw wrong(key, "must be a whole number");
    }
    if (value.doubleValue() < min || value.doubleValue() > max) {
      throw wrong(key, "must lie between " + min + " and " + max);
    }
    return (int) value.doubleValue();
  }

  /** A number that may be infinite but not NaN. */
  double number(String key, double byDefault) {
    if (!isSet(key)) {
      return byDefault;
    }
    JsonNode value = json.get(key);
    if (!value.isNumber() || Double.isNaN(value.doubleValue())) {
      throw wrong(key, "must be a number");
    }
    return value.doubleValue();
  }

  <T extends Enum<T>> T choice(
      String key, T byDefault, List<T> allowed, Function<T, String> configName) {
    if (!isSet(key)) {
      return byDefault;
    }
    String text = json.get(key).asText();
    for (T value : allowed) {
      if (json.get(key).isTextual() && configName.apply(value).equals(text)) {
        return value;
      }
    }
    throw wrong(
        key, "only " + String.join(", ", allowed.stream().map(configName).toList()) + " work");
  }

  String text(String key, String byDefault, String... allowed) {
    if (!isSet(key)) {
      return byDefault;
    }
    String text = json.get(key).asText();
    if (!json.get(key).isTextual() || !Arrays.asList(allowed).contains(text)) {
      throw wrong(key, "only " + String.join(", ", allowed) + " work");
    }
    return text;
  }

  Set<Integer> integers(String key) {
    if (!isSet(key)) {
      return Set.of();
    }
    List<Integer> values = new ArrayList<>();
    if (!json.get(key).isArray()) {
      throw wrong(key, "must be a list of whole numbers");
    }
    for (JsonNode value : json.get(key)) {
      if (!value.canConvertToInt()) {
        throw wrong(key, "must be a list of whole numbers");
      }
      values.add(value.intValue());
    }
    return Set.copyOf(values);
  }

  /** Numbers rounded to float32 once, or null when the key is not set. */
  float[] floats(String key) {
    if (!isSet(key)) {
      return null;
    }
    JsonNode array = json.get(key);
    if (!array.isArray()) {
      throw wrong(key, "must be a list of numbers");
    }
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      if (!array.get(i).isNumber()) {
        throw wrong(key, "must be a list of numbers");
      }
      values[i] = (float) array.get(i).doubleValue();
    }
    return values;
  }

  int trainTimesteps() {
    return integer("num_train_timesteps", 1000, 2, MAX_TRAIN_TIMESTEPS);
  }

  TimestepSpacing spacing(TimestepSpacing byDefault) {
    return choice(
        "timestep_spacing",
        byDefault,
        List.of(TimestepSpacing.values()),
        TimestepSpacing::configName);
  }

  int stepsOffset() {
    return integer("steps_offset", 0, 0, MAX_TRAIN_TIMESTEPS);
  }

  /** Refuses a flag that is set otherwise than this software computes. */
  void requireFlag(String key, boolean required) {
    if (flag(key, required) != required) {
      throw wrong(key, "only " + required + " works");
    }
  }

  /** Refuses settings that have no meaning here unless they are null. */
  void requireUnset(String... keys) {
    for (String key : keys) {
      if (isSet(key)) {
        throw wrong(key, "only null works");
      }
    }
  }

  TuneQdmException wrong(String key, String why) {
    String value = json.has(key) ? json.get(key).toString() : "null";
    String shown = value.length() > 60 ? value.substring(0, 60) + "…" : value;
    return TuneQdmException.inputData(
        "Cannot use " + source + ": " + key + " is " + shown + ", but " + why);
  }
}
