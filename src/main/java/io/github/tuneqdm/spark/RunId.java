package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The hash of everything that determines a run's result, taken subject by subject. */
final class RunId {
  private static final int DIGITS = 12;

  private final MessageDigest digest;

  /**
   * @param baseId id of the quantised base
   * @param modelHash hash of the rest of the base model: VAE, text encoder, tokenizer, scheduler
   */
  RunId(TuneQdmConfig config, String baseId, String modelHash) {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    update("run 4\n"); // the form of this text and of the arithmetic behind a run
    update(config.renderOnly(RunPlan.DETERMINING));
    update("base " + baseId + "\nmodel " + modelHash + "\n");
  }

  void add(SubjectEntry subject) {
    update("subject " + subject.name() + "\n");
    update("class " + subject.classNoun() + "\n");
    update("prompt " + subject.instancePrompt() + "\n");
    update(subject.overrides().toString());
    subject.photos().forEach(photo -> update("photo " + photo.sha256() + "\n"));
  }

  private void update(String text) {
    digest.update(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Ends the hash: nothing can be added any more. */
  String digits() {
    return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
  }
}
