package io.github.tuneqdm.study;

import java.util.function.Function;

/** The scores of a study's table, in the order in which they are shown; higher is better. */
public enum StudyMetric {
  DINO("DINO", StudyRow::dino),
  CLIP_I("CLIP-I", StudyRow::clipI),
  CLIP_T("CLIP-T", StudyRow::clipT),
  CLIP_T_WITH_IDENTIFIER("CLIP-T with identifier", StudyRow::clipTWithIdentifier);

  private final String label;
  private final Function<StudyRow, Double> value;

  StudyMetric(String label, Function<StudyRow, Double> value) {
    this.label = label;
    this.value = value;
  }

  public String label() {
    return label;
  }

  /** Null where it was not measured. */
  Double of(StudyRow row) {
    return value.apply(row);
  }
}
