package io.github.tuneqdm.tuning;

import java.util.Locale;

/** What a run makes of a subject: the method of the paper, and those it is compared with. */
public enum TuningMethod {
  /** Nothing: the base as it is. */
  UNTUNED(Trained.NOTHING, Base.FLOAT),
  /** Nothing: the quantised base as it is. */
  PTQ(Trained.NOTHING, Base.QUANTISED),
  /** Every weight of the UNet. */
  DREAMBOOTH(Trained.WEIGHTS, Base.FLOAT),
  /** Low-rank additions to the weights of each Linear and Conv2d. */
  LORA(Trained.WEIGHTS, Base.FLOAT),
  /** As {@link #LORA}, on the weights that the quantised base stands for. */
  QLORA(Trained.WEIGHTS, Base.QUANTISED),
  /** Output scales. */
  PEQA(Trained.SCALES, Base.QUANTISED),
  /** Output and input scales. */
  TUNEQDM(Trained.SCALES, Base.QUANTISED);

  /** What is trained. */
  public enum Trained {
    NOTHING,
    SCALES,
    WEIGHTS
  }

  /** What training begins from. */
  public enum Base {
    FLOAT,
    QUANTISED
  }

  private final Trained trained;
  private final Base base;

  TuningMethod(Trained trained, Base base) {
    this.trained = trained;
    this.base = base;
  }

  /** By its name in settings, such as {@code tuneqdm}. */
  public static TuningMethod parse(String name) {
    return valueOf(name.toUpperCase(Locale.ROOT));
  }

  public Trained trained() {
    return trained;
  }

  public Base base() {
    return base;
  }

  /** Whether subjects of one pass through the network would each need weights of their own. */
  public boolean trainsSubjectsApart() {
    return trained == Trained.WEIGHTS;
  }
}
