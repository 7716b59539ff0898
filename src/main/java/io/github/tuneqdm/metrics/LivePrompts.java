package io.github.tuneqdm.metrics;

import java.util.List;

/**
 * Prompts of their own for subjects that live: a dog wears a hat where a vase stands on a rug (Ruiz
 * et al. 2023, supplement).
 *
 * @param classes the class nouns that get them; case does not matter
 */
public record LivePrompts(List<String> classes, PromptSet prompts) {
  public LivePrompts {
    classes = List.copyOf(classes);
  }

  boolean areFor(String classNoun) {
    return classes.stream().anyMatch(live -> live.equalsIgnoreCase(classNoun.strip()));
  }
}
