package io.github.tuneqdm.tuning;

import io.github.tuneqdm.image.RgbImage;
import java.util.List;

/**
 * Someone or something to be learned.
 *
 * @param name keys the subject's randomness: the same name gives the same draws in any batch
 * @param instancePrompt such as {@code a photo of a sks mug}
 * @param photos at least one
 * @param classPrompt such as {@code a photo of a mug}; used with class images only
 * @param classImages pictures by the base model for prior preservation, or none
 * @param overrides what it trains with in the place of the recipe's own
 */
public record Subject(
    String name,
    String instancePrompt,
    List<RgbImage> photos,
    String classPrompt,
    List<RgbImage> classImages,
    SubjectOverrides overrides) {

  public Subject {
    photos = List.copyOf(photos);
    classImages = List.copyOf(classImages);
  }

  /** Trains as the recipe says. */
  public Subject(
      String name,
      String instancePrompt,
      List<RgbImage> photos,
      String classPrompt,
      List<RgbImage> classImages) {
    this(name, instancePrompt, photos, classPrompt, classImages, SubjectOverrides.NONE);
  }
}
