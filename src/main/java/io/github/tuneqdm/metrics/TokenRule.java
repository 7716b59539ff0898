package io.github.tuneqdm.metrics;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.List;

/**
 * Which text an image is scored against. Images are always sampled with the subject's identifier in
 * the prompt; the literature leaves open whether CLIP-T's text has it, so a protocol says so.
 */
public enum TokenRule {
  /** The default: CLIP has never seen the identifier, it would only add noise. */
  SCORE_WITHOUT_IDENTIFIER("sample with identifier, score CLIP-T without"),
  SCORE_WITH_IDENTIFIER("sample with identifier, score CLIP-T with identifier");

  private final String description;

  TokenRule(String description) {
    this.description = description;
  }

  @JsonValue
  public String description() {
    return description;
  }

  /** The texts that CLIP-T compares images with, in template order. */
  public List<String> scoredTexts(PromptSet prompts, String identifier, String classNoun) {
    return switch (this) {
      case SCORE_WITHOUT_IDENTIFIER -> prompts.withoutIdentifier(classNoun);
      case SCORE_WITH_IDENTIFIER -> prompts.prompts(identifier, classNoun);
    };
  }
}
