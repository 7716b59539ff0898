package io.github.tuneqdm.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.models.UNet;
import io.github.tuneqdm.quant.ExpertSchedule;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tuning.AdamWSettings;
import io.github.tuneqdm.tuning.SubjectBatch;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Times training steps: forward and backward pass and update of all subjects' scales, from latents
 * and text states that lie on the device. The host waits for the device once a section, as training
 * does once in a few steps. Dimensions: S subjects, B samples, L tokens.
 */
final class TrainBench {
  private static final double LEARNING_RATE = 3e-6;

  private final LoadedBase base;
  private final Compute compute;
  private final BenchSettings settings;

  TrainBench(LoadedBase base) {
    this.base = base;
    this.compute = base.compute();
    this.settings = base.settings();
  }

  /** Times S subjects with {@code perSubject} samples each. */
  BenchRow run(int subjects, int perSubject) {
    compute.emptyCache();
    BenchSettings.Effort effort = settings.effort();
    try (NDManager inputs = compute.scope();
        SubjectBatch batch = subjectBatch(subjects);
        DeviceMemory memory = DeviceMemory.watch(compute.device())) {
      Step step = new Step(inputs, batch, subjects, perSubject);
      Timings.Work section = () -> step.run(effort.stepsPerSection);
      for (int i = 0; i < effort.warmUp; i++) {
        section.run();
      }
      Timings time = Timings.of(effort.sections, effort.stepsPerSection, section);
      Map<String, Double> rates = new LinkedHashMap<>();
      rates.put("samples", time.perSecond(subjects * perSubject));
      rates.put("subject-steps", time.perSecond(subjects));
      double flop = settings.model().unetWorkload(compute, settings.size()).training();
      return base.row(
          "train",
          subjects,
          perSubject,
          time,
          base.memory(memory),
          time.perSecond(subjects * perSubject * flop) / 1e12,
          rates);
    }
  }

  /** One step of a batch that has made none before, so that nothing is replayed. */
  void firstStep(int subjects, int perSubject) {
    try (NDManager inputs = compute.scope();
        SubjectBatch batch = subjectBatch(subjects)) {
      new Step(inputs, batch, subjects, perSubject).run(1);
    }
  }

  private SubjectBatch subjectBatch(int subjects) {
    float[] one = base.initialScales().rows();
    float[] all = new float[subjects * one.length];
    for (int s = 0; s < subjects; s++) {
      System.arraycopy(one, 0, all, s * one.length, one.length);
    }
    return new SubjectBatch(
        compute, base.network(), subjects, settings.experts(), all, AdamWSettings.REFERENCE, true);
  }

  /** A training step on fixed inputs. */
  private final class Step {
    private final SubjectBatch batch;
    private final Inputs inputs;
    private final NDArray target; // (B, C, H, W)
    private final NDArray weights; // (B,)
    private final NDArray timesteps; // (B,)
    private final int[] rows;

    Step(NDManager owner, SubjectBatch batch, int subjects, int perSubject) {
      this.batch = batch;
      int b = subjects * perSubject;
      inputs = Inputs.of(compute, owner, settings, b);
      target = inputs.latents("target");
      weights = owner.ones(new Shape(b)).div(perSubject);
      ExpertSchedule schedule = new ExpertSchedule(settings.experts(), Inputs.TIMESTEPS);
      long[] times = inputs.timesteps();
      rows = new int[b];
      for (int i = 0; i < b; i++) {
        rows[i] = i / perSubject * settings.experts() + schedule.expertOf(times[i]);
      }
      timesteps = owner.create(times);
    }

    void run(int steps) {
      float[] norms = {};
      for (int i = 0; i < steps; i++) {
        try (NDManager scope = compute.scope()) {
          NDArray own = inputs.sample().duplicate();
          own.attach(scope);
          batch.accumulate(new UNet.Input(own, timesteps, inputs.context()), target, weights, rows);
          NDArray each = batch.update(scope, LEARNING_RATE, 1);
          if (i == steps - 1) {
            norms = each.toFloatArray(); // waits for the device
          }
        }
      }
      for (float norm : norms) {
        if (!(norm > 0) || Float.isInfinite(norm)) {
          throw new IllegalStateException("a gradient norm of " + norm + " measures no training");
        }
      }
    }
  }
}
