package io.github.tuneqdm.spark;

import io.github.tuneqdm.metrics.EvaluationProtocol;
import io.github.tuneqdm.metrics.Methods;
import io.github.tuneqdm.metrics.PromptSet;
import java.util.ArrayList;
import java.util.List;

/**
 * Every picture of an evaluation, in chunks that are sampled together. Chunks depend on protocol
 * and subjects alone, never on what is already there, so that a picture is the same however often
 * the evaluation was interrupted.
 *
 * @param chunks each of one method, at most a batch long; of one subject where subjects have
 *     weights of their own; pictures for the prior score lie in chunks of their own
 */
record EvaluationPlan(List<List<PlannedImage>> chunks) {

  /**
   * @param methods in the order of {@link Methods}
   * @param subjects in name order
   * @param priorImages pictures of the plain class, a subject and method; 0 for none
   */
  static EvaluationPlan of(
      EvaluationProtocol protocol,
      List<String> methods,
      List<SubjectEntry> subjects,
      int batchSize,
      int priorImages) {
    List<List<PlannedImage>> chunks = new ArrayList<>();
    for (String method : methods) {
      List<PlannedImage> images = new ArrayList<>();
      List<PlannedImage> priors = new ArrayList<>();
      for (SubjectEntry subject : subjects) {
        images.addAll(images(protocol, method, subject));
        priors.addAll(priors(protocol, method, subject, priorImages));
        if (PlannedImage.network(method) == PlannedImage.Network.WEIGHTS) {
          cut(images, batchSize, chunks);
          cut(priors, batchSize, chunks);
        }
      }
      cut(images, batchSize, chunks);
      cut(priors, batchSize, chunks);
    }
    return new EvaluationPlan(List.copyOf(chunks));
  }

  /** Moves images into chunks. */
  private static void cut(
      List<PlannedImage> images, int batchSize, List<List<PlannedImage>> chunks) {
    for (int start = 0; start < images.size(); start += batchSize) {
      int end = Math.min(images.size(), start + batchSize);
      chunks.add(List.copyOf(images.subList(start, end)));
    }
    images.clear();
  }

  /** Their seeds follow on those of the prompts. */
  private static List<PlannedImage> priors(
      EvaluationProtocol protocol, String method, SubjectEntry subject, int count) {
    int prompts = protocol.promptsOf(subject.classNoun()).size();
    String prompt = "a photo of a " + subject.classNoun();
    List<PlannedImage> images = new ArrayList<>();
    for (int image = 0; image < count; image++) {
      long seed = protocol.seed(prompts, image);
      String path = PlannedImage.folder(method, subject.name()) + "/prior-%d.png".formatted(seed);
      images.add(
          new PlannedImage(method, subject.name(), PlannedImage.PRIOR, prompt, prompt, seed, path));
    }
    return images;
  }

  private static List<PlannedImage> images(
      EvaluationProtocol protocol, String method, SubjectEntry subject) {
    String identifier = subject.identifier();
    PromptSet templates = protocol.promptsOf(subject.classNoun());
    List<String> prompts = templates.prompts(identifier, subject.classNoun());
    List<String> texts =
        protocol.tokenRule().scoredTexts(templates, identifier, subject.classNoun());
    List<PlannedImage> images = new ArrayList<>();
    for (int prompt = 0; prompt < prompts.size(); prompt++) {
      for (int image = 0; image < protocol.imagesPerPrompt(); image++) {
        long seed = protocol.seed(prompt, image);
        String path =
            PlannedImage.folder(method, subject.name()) + "/%02d-%d.png".formatted(prompt, seed);
        images.add(
            new PlannedImage(
                method,
                subject.name(),
                prompt,
                prompts.get(prompt),
                texts.get(prompt),
                seed,
                path));
      }
    }
    return images;
  }

  /** All pictures. */
  List<PlannedImage> images() {
    return chunks.stream().flatMap(List::stream).toList();
  }

  /** Those that have a row of scores. */
  List<PlannedImage> scored() {
    return chunks.stream().flatMap(List::stream).filter(image -> !image.isPrior()).toList();
  }
}
