package io.github.tuneqdm.verify;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.tensor.Compute;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Walks a folder of goldens and gives every file its row. Files are known by their names: those
 * with expected values have a check of their own, the rest is input that a check must have read.
 */
public final class ModelVerifier {
  private static final Pattern DOCUMENTATION =
      Pattern.compile("(.*/)?(README|LICENSE)[^/]*\\.(txt|md)");

  private final GoldenFolder folder;
  private final Map<Pattern, Function<String, VerifyRow>> checks = new LinkedHashMap<>();
  private final List<VerifyRow> rows = new ArrayList<>();
  private final Consumer<VerifyRow> asItGoes;

  private ModelVerifier(
      GoldenFolder folder,
      Optional<PipelineFolder> base,
      Compute compute,
      Consumer<VerifyRow> asItGoes) {
    this.folder = folder;
    this.asItGoes = asItGoes;
    GoldenModels models = new GoldenModels(compute, folder);
    NetworkChecks networks = new NetworkChecks(compute, models);
    tensors("unet_[^_/]+", networks::unet);
    tensors("vae(_[^/]+)?", networks::vae);
    tensors("clip_text", networks::clipText);
    tensors("clip", networks::clip);
    tensors("dino_vit", networks::dino);
    tensors("dinov2", networks::dinov2);
    QuantiserCheck quantiser = new QuantiserCheck(compute, folder);
    tensors("unet_[^_/]+_tq\\d+", quantiser::wholeNetwork);
    tensors("tuneqdm/sd1_n\\d_a?sym", quantiser::settings);
    tensors("tq_micro", new MicroLayerCheck(compute)::check);
    tensors("train_trace", new TraceCheck(compute, folder)::check);
    tensors("tuneqdm_state_expected", new CheckpointCheck(compute, folder)::check);
    tensors("pt/[^/]+_expected", new PickleCheck(folder)::check);
    NoiseTableCheck noise = new NoiseTableCheck(compute);
    SamplerCheck samplers = new SamplerCheck(compute, folder);
    tensors(
        "schedulers",
        g -> {
          noise.check(g);
          samplers.check(g);
        });
    tensors("pipeline", new PipelineCheck(compute, folder, models)::check);
    tensors("toyworld_pipeline", new PicturesCheck(compute, base)::check);
    tensors("preprocess", new PreprocessingCheck(folder)::check);
    tensors("metrics", g -> new MetricsCheck(g).check());
    TokenizerCheck tokenizer = new TokenizerCheck(folder, base);
    known("clip_tokenizer/encodings\\.jsonl\\.gz", tokenizer::ownVocabulary);
    known("clip_tokenizer/encodings_toyworld\\.jsonl\\.gz", tokenizer::basesVocabulary);
    known("SHA256SUMS", file -> HashListCheck.check(folder, file));
    checks.put(DOCUMENTATION, file -> VerifyRow.passed(file, "documentation"));
  }

  /**
   * Verifies a folder.
   *
   * @param base the model folder that the files named toyworld were made with; null where there is
   *     none, which those files then fail for
   * @param asItGoes sees each row when it is known
   * @return a row for every file
   * @throws TuneQdmException (input data) where a folder is not there or has no file
   */
  public static List<VerifyRow> verify(
      Path goldens, Path base, Compute compute, Consumer<VerifyRow> asItGoes) {
    ModelVerifier verifier =
        new ModelVerifier(
            new GoldenFolder(goldens),
            Optional.ofNullable(base).map(PipelineFolder::new),
            compute,
            asItGoes);
    verifier.run();
    return List.copyOf(verifier.rows);
  }

  /** The files that {@link #verify} gives rows for, in another order. */
  public static List<String> files(Path goldens) {
    List<String> files = new GoldenFolder(goldens).files();
    if (files.isEmpty()) {
      throw TuneQdmException.inputData("Cannot verify " + goldens + ": the folder is empty");
    }
    return files;
  }

  private void tensors(String name, Consumer<GoldenFile> check) {
    known(
        name + "\\.safetensors",
        file -> {
          try (GoldenFile g = folder.open(file)) {
            check.accept(g);
            return g.row();
          }
        });
  }

  private void known(String name, Function<String, VerifyRow> check) {
    checks.put(Pattern.compile(name), check);
  }

  private void run() {
    List<String> inputs = new ArrayList<>();
    for (String file : files(folder.path(""))) {
      Optional<Function<String, VerifyRow>> check = checkOf(file);
      if (check.isPresent()) {
        add(verdict(file, check.get()));
      } else {
        inputs.add(file);
      }
    }
    for (String file : inputs) {
      Set<String> readers = folder.readersOf(file);
      add(
          readers.isEmpty()
              ? VerifyRow.failed(file, "no check knows this file or could read it")
              : VerifyRow.passed(file, "read for " + String.join(", ", readers)));
    }
  }

  private Optional<Function<String, VerifyRow>> checkOf(String file) {
    return checks.entrySet().stream()
        .filter(known -> known.getKey().matcher(file).matches())
        .map(Map.Entry::getValue)
        .findFirst();
  }

  /** Whatever goes wrong in one check is that file's verdict, and the others go on. */
  private VerifyRow verdict(String file, Function<String, VerifyRow> check) {
    folder.readFor(file);
    try {
      return check.apply(file);
    } catch (TuneQdmException e) {
      return VerifyRow.failed(file, e.getMessage());
    } catch (RuntimeException e) {
      return VerifyRow.failed(file, "the check broke off: " + e);
    }
  }

  private void add(VerifyRow row) {
    rows.add(row);
    asItGoes.accept(row);
  }
}
