package io.github.tuneqdm.spark;

import io.github.tuneqdm.error.TuneQdmException;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What to score and against what; every location may lie on any storage.
 *
 * @param images the folder to be scored
 * @param photos a folder of a subject's real photos, for DINO and CLIP-I
 * @param prompt the text of all pictures, for CLIP-T
 * @param prompts a file {@code file,prompt} with a text a picture, instead
 * @param reference a folder of pictures to measure the distance to
 * @param inception a TorchScript file, for FID, KID and IS
 * @param out a folder for the tables
 */
public record ScoreImagesRequest(
    String images,
    Optional<String> photos,
    Optional<String> prompt,
    Optional<String> prompts,
    Optional<String> reference,
    Optional<String> inception,
    Optional<String> out) {
  public ScoreImagesRequest {
    if (prompt.isPresent() && prompts.isPresent()) {
      throw TuneQdmException.usage("Cannot take both --prompt and --prompts (leave one out)");
    }
    if (Stream.of(photos, prompt, prompts, reference, inception).allMatch(Optional::isEmpty)) {
      throw TuneQdmException.usage(
          "Cannot score %s against nothing: give --photos, --prompt, --prompts, --reference or --inception"
              .formatted(images));
    }
  }
}
