package io.github.tuneqdm.metrics;

import java.util.Comparator;
import java.util.List;

/** Names of what makes images, and the order in which they are shown: baselines first. */
public final class Methods {
  public static final String UNTUNED = "un-tuned";
  public static final String QUANTISED_UNTUNED = "quantised un-tuned";
  public static final String DREAMBOOTH = "full DreamBooth";

  /** Before the rank. */
  public static final String LORA = "LoRA rank ";

  /** Before the rank. */
  public static final String QLORA = "QLoRA-like rank ";

  public static final String PEQA = "PEQA";
  public static final String TUNED = "TuneQDM";

  /** The known methods in their order, then any other by name. */
  public static final Comparator<String> ORDER =
      Comparator.comparingInt(Methods::rank).thenComparing(Comparator.naturalOrder());

  private static final List<String> KNOWN =
      List.of(UNTUNED, QUANTISED_UNTUNED, DREAMBOOTH, LORA, QLORA, PEQA, TUNED);

  private Methods() {}

  /** Whether a method's pictures are the same for every run on a base: nothing is trained. */
  public static boolean isBaseline(String method) {
    return method.equals(UNTUNED) || method.equals(QUANTISED_UNTUNED);
  }

  private static int rank(String method) {
    int index = KNOWN.indexOf(method.replaceAll("\\d+$", ""));
    return index < 0 ? KNOWN.size() : index;
  }
}
