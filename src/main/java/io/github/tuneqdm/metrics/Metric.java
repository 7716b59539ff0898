package io.github.tuneqdm.metrics;

/** The three scores, in the order in which they are shown. */
public enum Metric {
  DINO("DINO", "likeness to the subject's photos"),
  CLIP_I("CLIP-I", "likeness to the photos in CLIP's eyes"),
  CLIP_T("CLIP-T", "fidelity to the prompt");

  private final String label;
  private final String meaning;

  Metric(String label, String meaning) {
    this.label = label;
    this.meaning = meaning;
  }

  public String label() {
    return label;
  }

  public String meaning() {
    return meaning;
  }

  public double of(Scores scores) {
    return switch (this) {
      case DINO -> scores.dino();
      case CLIP_I -> scores.clipI();
      case CLIP_T -> scores.clipT();
    };
  }
}
