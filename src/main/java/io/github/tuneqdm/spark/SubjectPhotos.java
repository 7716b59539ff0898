package io.github.tuneqdm.spark;

import io.github.tuneqdm.image.RgbImage;
import java.util.List;

/** A subject with its photos read, ready to be trained. */
public record SubjectPhotos(SubjectEntry subject, List<RgbImage> photos) {
  public SubjectPhotos {
    photos = List.copyOf(photos);
  }
}
