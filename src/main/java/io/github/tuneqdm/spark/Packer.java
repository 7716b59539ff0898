package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;

/**
 * Puts subjects into batches, one after the other, in the order they come. A batch depends on
 * configuration and subjects, and where their number is left open on what a device's memory holds:
 * never on how many devices there are, nor on what is done already.
 *
 * <p>Where the configuration names a number, that many train together; where subjects have weights
 * of their own, each is a batch. Where it is left open, a batch also ends before its photos would
 * fill the host's memory, and the last batches of a run of several waves are half as large: then no
 * device works on a whole batch when the others are done.
 */
final class Packer {
  /** Where nothing is known of a device: what a CPU's caches take well. */
  private static final int USUAL = 4;

  /** Photos and class images whose pixels lie in the host's memory at a time. */
  private static final int MOST_PICTURES = 1_000;

  /** Batches from which on the last ones are halved. */
  private static final int SEVERAL = 4;

  private final int together;
  private final boolean open;
  private final int classImages;
  private final int count;
  private int taken;
  private int batch = -1;
  private int members;
  private int pictures;

  private Packer(int together, boolean open, int classImages, int count) {
    this.together = together;
    this.open = open;
    this.classImages = classImages;
    this.count = count;
  }

  /** Whether the configuration leaves the number of subjects in a batch open. */
  static boolean isOpen(TuneQdmConfig config) {
    return config.tuningSubjectsPerBatch() == 0 && !Recipe.method(config).trainsSubjectsApart();
  }

  /**
   * @param count of all subjects
   */
  static Packer of(TuneQdmConfig config, int count) {
    boolean open = isOpen(config);
    int named = Recipe.method(config).trainsSubjectsApart() ? 1 : config.tuningSubjectsPerBatch();
    return new Packer(
        open ? USUAL : named,
        open,
        config.tuningPriorPreservationEnabled() ? config.tuningPriorPreservationClassImages() : 0,
        count);
  }

  /** The same for a device whose memory holds so many subjects. */
  Packer fitting(int subjects) {
    return new Packer(subjects, open, classImages, count);
  }

  /**
   * The batch of the next subject.
   *
   * @param photos of that subject
   */
  int next(int photos) {
    int more = photos + classImages;
    if (batch < 0 || isFull(more)) {
      batch++;
      members = 0;
      pictures = 0;
    }
    taken++;
    members++;
    pictures += more;
    return batch;
  }

  private boolean isFull(int more) {
    if (!open) {
      return members == together;
    }
    int leftAtItsStart = count - (taken - members);
    boolean last = count > SEVERAL * together && leftAtItsStart <= 2 * together;
    return members >= (last ? (together + 1) / 2 : together) || pictures + more > MOST_PICTURES;
  }

  /** Batches so far. */
  int batches() {
    return batch + 1;
  }
}
