package io.github.tuneqdm.tuning;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.DType;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All that training needs to go on as if it had never stopped: randomness is a function of the
 * step, so nothing else has to be remembered. Dimensions: S subjects, K scales a subject (N experts
 * of P each), T steps.
 *
 * @param step T, optimiser steps done
 * @param scales (S, K) float32
 * @param firstMoment AdamW's, (S, K) float32
 * @param secondMoment AdamW's, (S, K) float32
 * @param lossScale (S,) of float16; empty where losses are not scaled
 * @param cleanSteps (S,) since the loss scale changed; empty where losses are not scaled
 * @param log T records of each subject
 */
public record TrainingState(
    int step,
    StoredTensor scales,
    StoredTensor firstMoment,
    StoredTensor secondMoment,
    float[] lossScale,
    float[] cleanSteps,
    List<List<StepRecord>> log) {
  private static final String SCALES = "scales";
  private static final String FIRST_MOMENT = "first_moment";
  private static final String SECOND_MOMENT = "second_moment";
  private static final String LOSS_SCALE = "loss_scale";
  private static final String CLEAN_STEPS = "clean_steps";
  private static final String LOSS = "log.loss";
  private static final String GRAD_NORM = "log.grad_norm";
  private static final String LEARNING_RATE = "log.learning_rate";

  public TrainingState {
    log = log.stream().map(List::copyOf).toList();
  }

  /** Whether this is a state of S subjects with K scales each, no further than {@code steps}. */
  boolean fits(int subjects, int scalesOfOne, int steps) {
    return step <= steps && Arrays.equals(scales.shape(), new long[] {subjects, scalesOfOne});
  }

  /** Named tensors, from which {@link #fromTensors} makes the same state. */
  public Map<String, StoredTensor> toTensors() {
    int subjects = log.size();
    double[] loss = new double[subjects * step];
    double[] gradNorm = new double[subjects * step];
    double[] learningRate = new double[step];
    for (int s = 0; s < subjects; s++) {
      for (int t = 0; t < step; t++) {
        StepRecord record = log.get(s).get(t);
        loss[s * step + t] = record.loss();
        gradNorm[s * step + t] = record.gradNorm();
        learningRate[t] = record.learningRate();
      }
    }
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    tensors.put(SCALES, scales);
    tensors.put(FIRST_MOMENT, firstMoment);
    tensors.put(SECOND_MOMENT, secondMoment);
    if (lossScale.length > 0) {
      tensors.put(LOSS_SCALE, StoredTensor.of(lossScale, subjects));
      tensors.put(CLEAN_STEPS, StoredTensor.of(cleanSteps, subjects));
    }
    tensors.put(LOSS, StoredTensor.of(loss, subjects, step));
    tensors.put(GRAD_NORM, StoredTensor.of(gradNorm, subjects, step));
    tensors.put(LEARNING_RATE, StoredTensor.of(learningRate, step));
    return tensors;
  }

  /**
   * Reads {@link #toTensors} back.
   *
   * @param where names the file in messages
   * @throws TuneQdmException (input data) where a tensor is missing or the shapes do not agree
   */
  public static TrainingState fromTensors(TensorSource tensors, String where) {
    Reader reader = new Reader(tensors, where);
    long[] shape = reader.shape(SCALES, 2); // (S, K)
    int subjects = Math.toIntExact(shape[0]);
    int steps = Math.toIntExact(reader.shape(LEARNING_RATE, 1)[0]);
    boolean scaled = tensors.names().contains(LOSS_SCALE);
    double[] loss = reader.tensor(LOSS, DType.F64, subjects, steps).toDoubles();
    double[] gradNorm = reader.tensor(GRAD_NORM, DType.F64, subjects, steps).toDoubles();
    double[] learningRate = reader.tensor(LEARNING_RATE, DType.F64, steps).toDoubles();
    List<List<StepRecord>> log = new ArrayList<>();
    for (int s = 0; s < subjects; s++) {
      List<StepRecord> records = new ArrayList<>(steps);
      for (int t = 0; t < steps; t++) {
        int at = s * steps + t;
        records.add(new StepRecord(t + 1, loss[at], gradNorm[at], learningRate[t]));
      }
      log.add(records);
    }
    return new TrainingState(
        steps,
        reader.tensor(SCALES, DType.F32, shape),
        reader.tensor(FIRST_MOMENT, DType.F32, shape),
        reader.tensor(SECOND_MOMENT, DType.F32, shape),
        scaled ? reader.tensor(LOSS_SCALE, DType.F32, subjects).toFloats() : new float[0],
        scaled ? reader.tensor(CLEAN_STEPS, DType.F32, subjects).toFloats() : new float[0],
        log);
  }

  private record Reader(TensorSource tensors, String where) {
    long[] shape(String name, int dimensions) {
      if (!tensors.names().contains(name)) {
        throw refused("it has no tensor " + name);
      }
      long[] shape = tensors.shape(name);
      if (shape.length != dimensions || shape[0] > Integer.MAX_VALUE) {
        throw refused("its tensor " + name + " has shape " + Arrays.toString(shape));
      }
      return shape;
    }

    StoredTensor tensor(String name, DType type, long... wanted) {
      long[] shape = shape(name, wanted.length);
      if (tensors.dtype(name) != type || !Arrays.equals(shape, wanted)) {
        throw refused(
            "its tensor %s is %s%s where %s%s was expected"
                .formatted(
                    name,
                    tensors.dtype(name),
                    Arrays.toString(shape),
                    type,
                    Arrays.toString(wanted)));
      }
      return tensors.tensor(name);
    }

    private TuneQdmException refused(String why) {
      return TuneQdmException.inputData(
          "Cannot use the training state " + where + ": " + why + " (delete the file)");
    }
  }
}
