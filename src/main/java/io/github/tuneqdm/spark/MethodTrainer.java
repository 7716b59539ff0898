package io.github.tuneqdm.spark;

import io.github.tuneqdm.config.TuneQdmConfig;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.PipelineFolder;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.nn.ScaleLayout;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.StepRecord;
import io.github.tuneqdm.tuning.Subject;
import io.github.tuneqdm.tuning.SubjectTuner;
import io.github.tuneqdm.tuning.TrainingStates;
import io.github.tuneqdm.tuning.TunedSubject;
import io.github.tuneqdm.tuning.TunedWeights;
import io.github.tuneqdm.tuning.TuningSettings;
import io.github.tuneqdm.tuning.WeightTuner;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/** Trains the subjects of a batch with the method that the configuration names. */
final class MethodTrainer {
  private final TuneQdmConfig config;
  private final String quantizedBase;
  private final TaskEnvironment environment;

  /**
   * What the method made of a subject.
   *
   * @param tensors what is published; empty where training failed, or was stopped before its end
   * @param trainedParameters how many numbers were trained
   * @param failure why it failed
   */
  record Result(
      String name,
      Optional<Supplier<Map<String, StoredTensor>>> tensors,
      long trainedParameters,
      Optional<String> failure,
      List<StepRecord> steps) {

    boolean isFinished() {
      return tensors.isPresent() || failure.isPresent();
    }
  }

  /** Makes what listens to training, once it is known how much of its GPU's memory is in use. */
  @FunctionalInterface
  interface Listening {
    /**
     * @param gpuBytes in use on the device now; 0 on the CPU
     */
    SubjectTuner.Progress to(LongSupplier gpuBytes);
  }

  MethodTrainer(TuneQdmConfig config, String quantizedBase, TaskEnvironment environment) {
    this.config = config;
    this.quantizedBase = quantizedBase;
    this.environment = environment;
  }

  /** Results in the subjects' order. */
  List<Result> train(List<Subject> subjects, TrainingStates states, Listening listening) {
    return switch (Recipe.method(config).trained()) {
      case NOTHING -> subjects.stream().map(MethodTrainer::untouched).toList();
      case SCALES -> scales(subjects, states, listening);
      case WEIGHTS -> weights(subjects, states, listening);
    };
  }

  private static Result untouched(Subject subject) {
    return new Result(subject.name(), Optional.of(Map::of), 0, Optional.empty(), List.of());
  }

  private List<Result> scales(List<Subject> subjects, TrainingStates states, Listening listening) {
    PipelineFolder model = new PipelineFolder(environment.local(config.modelBase()));
    AtomicReference<ScaleLayout> layout = new AtomicReference<>();
    TuningSettings settings = Recipe.tuning(config);
    try (Compute compute = environment.compute(config)) {
      SubjectTuner.Network network =
          new SubjectTuner.Network(
              config.quantizerBits(),
              OpenBase.wanted(config),
              mode -> {
                TunableUNet unet = OpenBase.unet(compute, environment.local(quantizedBase), mode);
                layout.set(unet.layout());
                return unet;
              });
      List<TunedSubject> tuned =
          new SubjectTuner(compute, model, network, settings)
              .tune(subjects, states, listening.to(measured(compute)));
      long trained = (long) settings.experts() * width(layout.get(), settings.trainDeltaIn());
      return tuned.stream().map(subject -> result(subject, layout.get(), trained)).toList();
    }
  }

  /** The device's memory in use, above which this batch's begins: without what others left. */
  private static LongSupplier measured(Compute compute) {
    compute.emptyCache();
    return compute::gpuBytesInUse;
  }

  private static long width(ScaleLayout layout, boolean withDeltaIn) {
    return layout.layers().stream()
        .mapToLong(layer -> layer.cOut() + (withDeltaIn ? layer.cIn() : 0))
        .sum();
  }

  private static Result result(TunedSubject subject, ScaleLayout layout, long trained) {
    Optional<DeltaScales> scales = subject.scales();
    return new Result(
        subject.name(),
        scales.map(own -> () -> own.toTensors(layout)),
        trained,
        subject.failure(),
        subject.steps());
  }

  private List<Result> weights(List<Subject> subjects, TrainingStates states, Listening listening) {
    if (subjects.size() != 1) {
      throw new IllegalStateException("a batch of weights is one subject");
    }
    PipelineFolder model = new PipelineFolder(environment.local(config.modelBase()));
    try (Compute compute = environment.computeInFloat32(config)) {
      List<Result> results = new ArrayList<>();
      TunedWeights tuned =
          new WeightTuner(
                  compute,
                  model,
                  () -> OpenBase.floatUnet(compute, config, environment, quantizedBase),
                  Recipe.lowRank(config),
                  Recipe.tuning(config))
              .tune(subjects.get(0), states, listening.to(measured(compute)));
      results.add(
          new Result(
              tuned.name(),
              tuned.tensors().map(tensors -> () -> tensors),
              tuned.trained(),
              tuned.failure(),
              tuned.steps()));
      return results;
    }
  }
}
