package io.github.tuneqdm.metrics;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Everything that fixes a score besides the tuned weights: two evaluations are comparable where
 * their protocols are equal. Stored with the run as JSON.
 *
 * @param prompts of every subject, but for those that {@code livePrompts} is for
 * @param imagesPerPrompt images of each prompt and subject
 * @param sampler as configured, such as {@code ddim}
 * @param steps sampling steps
 * @param guidance classifier-free guidance scale
 * @param firstSeed see {@link #seed}
 * @param preprocessing what each encoder does to a picture, by encoder ("dino", "clip"), in words
 *     or as its configuration
 * @param modelHashes SHA-256 of the weights by role ("base", "dino", "clip")
 * @param livePrompts null where all subjects have the same prompts
 */
public record EvaluationProtocol(
    PromptSet prompts,
    TokenRule tokenRule,
    int imagesPerPrompt,
    String sampler,
    int steps,
    double guidance,
    long firstSeed,
    Map<String, String> preprocessing,
    Map<String, String> modelHashes,
    LivePrompts livePrompts) {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .build();

  public EvaluationProtocol {
    if (imagesPerPrompt < 1) {
      throw TuneQdmException.usage(
          "Cannot evaluate with %d images a prompt: at least 1 is needed (tuneqdm.evaluate.images-per-prompt)"
              .formatted(imagesPerPrompt));
    }
    if (steps < 1) {
      throw TuneQdmException.usage(
          "Cannot evaluate with %d sampling steps: at least 1 is needed (tuneqdm.evaluate.steps)"
              .formatted(steps));
    }
    if (!Double.isFinite(guidance)) {
      throw TuneQdmException.usage(
          "Cannot evaluate with guidance %s: it must be a number (tuneqdm.evaluate.guidance)"
              .formatted(guidance));
    }
    preprocessing = Collections.unmodifiableMap(new TreeMap<>(preprocessing)); // in shown order
    modelHashes = Collections.unmodifiableMap(new TreeMap<>(modelHashes));
  }

  /** The prompts of a subject of this class. */
  public PromptSet promptsOf(String classNoun) {
    return livePrompts != null && livePrompts.areFor(classNoun) ? livePrompts.prompts() : prompts;
  }

  /**
   * The seed of one image. Each prompt has seeds of its own, so that a subject's images do not all
   * start from the same few latents; each subject and method has the same ones, so that they can be
   * compared picture by picture.
   *
   * @param promptIndex from 0
   * @param image from 0, below {@link #imagesPerPrompt}
   */
  public long seed(int promptIndex, int image) {
    return firstSeed + (long) promptIndex * imagesPerPrompt + image;
  }

  /** Images of one subject of this class and one method. */
  public int imagesPerSubject(String classNoun) {
    return Math.multiplyExact(promptsOf(classNoun).size(), imagesPerPrompt);
  }

  /** UTF-8 JSON, indented, the same bytes for equal protocols. */
  public byte[] toJson() {
    try {
      return (JSON.writeValueAsString(this) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * @param where the file's name, for messages
   */
  public static EvaluationProtocol fromJson(byte[] json, String where) {
    try {
      EvaluationProtocol protocol = JSON.readValue(json, EvaluationProtocol.class);
      if (protocol == null) {
        throw TuneQdmException.inputData("Cannot read protocol %s: it is null".formatted(where));
      }
      return protocol;
    } catch (JacksonException e) {
      throw TuneQdmException.inputData(
          "Cannot read protocol %s: %s".formatted(where, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw TuneQdmException.inputData("Cannot read protocol %s: %s".formatted(where, e), e);
    }
  }
}
