package io.github.tuneqdm.verify;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TensorSource;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * One file of expected tensors: reads them, compares, keeps the worst differences and what has not
 * been looked at, and ends as one {@link VerifyRow}.
 */
final class GoldenFile implements AutoCloseable {
  private final String name;
  private final TensorSource tensors;
  private final JsonNode info;
  private final Set<String> unread;
  private final List<String> failures = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();
  private double maxAbs;
  private double relative;
  private int compared;

  GoldenFile(String name, TensorSource tensors) {
    this.name = name;
    this.tensors = tensors;
    this.unread = new LinkedHashSet<>(tensors.names());
    try {
      this.info = new ObjectMapper().readTree(tensors.metadata().getOrDefault("info", "{}"));
    } catch (JsonProcessingException e) {
      throw TuneQdmException.inputData(
          "Cannot read " + name + ": its metadata entry info is not JSON", e);
    }
  }

  String name() {
    return name;
  }

  JsonNode info() {
    return info;
  }

  /** A setting that the file must have in its info. */
  JsonNode setting(String key) {
    JsonNode value = info.get(key);
    if (value == null || value.isNull()) {
      throw TuneQdmException.inputData("Cannot check " + name + ": its info has no " + key);
    }
    return value;
  }

  boolean has(String tensor) {
    return tensors.names().contains(tensor);
  }

  Set<String> names() {
    return new TreeSet<>(tensors.names());
  }

  StoredTensor tensor(String tensor) {
    unread.remove(tensor);
    return tensors.tensor(tensor);
  }

  float[] floats(String tensor) {
    return tensor(tensor).toFloats();
  }

  double[] doubles(String tensor) {
    return tensor(tensor).toDoubles();
  }

  long[] longs(String tensor) {
    return tensor(tensor).toLongs();
  }

  /** The raw bytes: pixels, codes. */
  byte[] bytes(String tensor) {
    return bytes(tensor(tensor));
  }

  static byte[] bytes(StoredTensor tensor) {
    byte[] bytes = new byte[tensor.bytes().remaining()];
    tensor.bytes().get(bytes);
    return bytes;
  }

  /** A matrix of floats. */
  float[][] floatRows(String tensor) {
    float[] flat = floats(tensor);
    int[] size = matrix(tensor);
    float[][] rows = new float[size[0]][];
    Arrays.setAll(rows, r -> Arrays.copyOfRange(flat, r * size[1], (r + 1) * size[1]));
    return rows;
  }

  /** A matrix of whole numbers. */
  int[][] intRows(String tensor) {
    int[] flat = Arrays.stream(longs(tensor)).mapToInt(Math::toIntExact).toArray();
    int[] size = matrix(tensor);
    int[][] rows = new int[size[0]][];
    Arrays.setAll(rows, r -> Arrays.copyOfRange(flat, r * size[1], (r + 1) * size[1]));
    return rows;
  }

  private int[] matrix(String tensor) {
    long[] shape = tensor(tensor).shape();
    if (shape.length != 2) {
      throw TuneQdmException.inputData("Cannot check " + name + ": " + tensor + " is no matrix");
    }
    return new int[] {Math.toIntExact(shape[0]), Math.toIntExact(shape[1])};
  }

  /** A picture (H, W, 3) of bytes. */
  RgbImage image(String tensor) {
    long[] shape = tensor(tensor).shape();
    if (shape.length != 3 || shape[2] != 3) {
      throw TuneQdmException.inputData("Cannot check " + name + ": " + tensor + " is no picture");
    }
    return new RgbImage((int) shape[1], (int) shape[0], bytes(tensor));
  }

  /** The tensor as float32, or int64 where it holds integers. */
  NDArray array(NDManager manager, String tensor) {
    StoredTensor t = tensor(tensor);
    Shape shape = new Shape(t.shape());
    return switch (t.dtype()) {
      case I64, I32, I16, I8, U8, BOOL ->
          manager.create(LongBuffer.wrap(t.toLongs()), shape, DataType.INT64);
      default -> manager.create(FloatBuffer.wrap(t.toFloats()), shape, DataType.FLOAT32);
    };
  }

  /** Row {@code row} of the tensor's first dimension, keeping that dimension. */
  NDArray row(NDManager manager, String tensor, int row) {
    return array(manager, tensor).get(row + ":" + (row + 1));
  }

  /** Compares with a stored tensor by the 2-norm, relative. */
  void near(String tensor, NDArray actual, double tolerance) {
    near(tensor, doubles(actual), doubles(tensor), tolerance);
  }

  void near(String tensor, double[] actual, double tolerance) {
    near(tensor, actual, doubles(tensor), tolerance);
  }

  void near(String what, double[] actual, double[] expected, double tolerance) {
    if (!comparable(what, actual.length, expected.length)) {
      return;
    }
    double difference = 0;
    double norm = 0;
    double worst = 0;
    for (int i = 0; i < actual.length; i++) {
      double d = actual[i] - expected[i];
      difference += d * d;
      norm += expected[i] * expected[i];
      worst = worst(worst, Math.abs(d));
    }
    double error = norm == 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
    record(worst, error);
    require(
        error <= tolerance,
        String.format(Locale.ROOT, "%s: relative error %.1e over %.0e", what, error, tolerance));
  }

  /** Every element within {@code tolerance} absolutely. */
  void within(String what, double[] actual, double[] expected, double tolerance) {
    if (!comparable(what, actual.length, expected.length)) {
      return;
    }
    double worst = 0;
    for (int i = 0; i < actual.length; i++) {
      worst = worst(worst, Math.abs(actual[i] - expected[i]));
    }
    record(worst, 0);
    require(
        worst <= tolerance,
        String.format(Locale.ROOT, "%s: differs by %.2e, more than %.0e", what, worst, tolerance));
  }

  void within(String what, double actual, double expected, double tolerance) {
    within(what, new double[] {actual}, new double[] {expected}, tolerance);
  }

  /** The same numbers, hence the same bits but for the sign of zero. */
  void equal(String tensor, float[] actual) {
    equal(tensor, actual, floats(tensor));
  }

  void equal(String tensor, float[] actual, float[] expected) {
    if (comparable(tensor, actual.length, expected.length)) {
      double worst = 0;
      boolean same = true;
      for (int i = 0; i < actual.length; i++) {
        worst = worst(worst, Math.abs((double) actual[i] - expected[i]));
        same &= actual[i] == expected[i];
      }
      record(worst, 0);
      require(same, tensor + ": not equal bit for bit");
    }
  }

  void equal(String tensor, long[] actual) {
    compared++;
    require(Arrays.equals(longs(tensor), actual), tensor + ": not equal");
  }

  /** Settings, counts, texts. */
  void equal(String what, Object actual, Object expected) {
    compared++;
    require(actual.equals(expected), what + ": " + actual + " where " + expected + " is expected");
  }

  void equal(String what, byte[] actual, byte[] expected) {
    if (comparable(what, actual.length, expected.length)) {
      int mismatch = Arrays.mismatch(actual, expected);
      require(mismatch < 0, what + ": first differs at byte " + mismatch);
    }
  }

  /**
   * Bit for bit where this CPU takes float32 roots as the goldens' did; else as near as roots that
   * differ by one unit in the last place allow. PyTorch's vector library takes another path on each
   * family of CPUs.
   *
   * @param allowed the largest difference, absolute below 1 and relative above
   */
  void equalUpToRoots(String tensor, float[] actual, double allowed) {
    float[] expected = floats(tensor);
    if (comparable(tensor, actual.length, expected.length)) {
      double worst = 0;
      for (int i = 0; i < actual.length; i++) {
        double scale = Math.max(1, Math.abs(expected[i]));
        worst = worst(worst, Math.abs((double) actual[i] - expected[i]) / scale);
      }
      record(worst, 0);
      require(
          worst <= allowed,
          String.format(Locale.ROOT, "%s: differs by %.2e, more than roots do", tensor, worst));
    }
  }

  /** At most one unit in the last place apart. */
  void withinOneUlp(String tensor, float[] actual) {
    float[] expected = floats(tensor);
    if (comparable(tensor, actual.length, expected.length)) {
      double worst = 0;
      boolean near = true;
      for (int i = 0; i < actual.length; i++) {
        double d = Math.abs((double) actual[i] - expected[i]);
        worst = worst(worst, d);
        near &= d <= Math.ulp(expected[i]);
      }
      record(worst, 0);
      require(near, tensor + ": more than one ulp apart");
    }
  }

  /** Pictures: at least {@code share} of the bytes within one grey level. */
  void withinOneGreyLevel(String tensor, byte[] actual, double share) {
    byte[] expected = bytes(tensor);
    if (comparable(tensor, actual.length, expected.length)) {
      int worst = 0;
      int near = 0;
      for (int i = 0; i < actual.length; i++) {
        int d = Math.abs((actual[i] & 0xFF) - (expected[i] & 0xFF));
        worst = Math.max(worst, d);
        near += d <= 1 ? 1 : 0;
      }
      double seen = (double) near / actual.length;
      notes.add(
          String.format(
              Locale.ROOT, "%s: %.2f %% within a grey level, worst %d", tensor, 100 * seen, worst));
      require(
          seen >= share,
          String.format(
              Locale.ROOT,
              "%s: only %.2f %% of the values are within one grey level",
              tensor,
              100 * seen));
    }
  }

  void require(boolean condition, String failure) {
    if (!condition) {
      failures.add(failure);
    }
  }

  void note(String text) {
    notes.add(text);
  }

  VerifyRow row() {
    List<String> problems = new ArrayList<>(failures);
    if (!unread.isEmpty()) {
      problems.add("tensors that nothing looked at: " + String.join(", ", unread));
    }
    if (compared == 0) {
      problems.add("nothing compared");
    }
    String detail =
        problems.isEmpty()
            ? compared + " comparisons" + (notes.isEmpty() ? "" : "; " + String.join("; ", notes))
            : problems.get(0)
                + (problems.size() > 1 ? " (and " + (problems.size() - 1) + " more)" : "");
    return new VerifyRow(name, problems.isEmpty(), maxAbs, relative, detail);
  }

  static double[] doubles(NDArray array) {
    float[] values = array.toType(DataType.FLOAT32, false).toFloatArray();
    double[] out = new double[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = values[i];
    }
    return out;
  }

  private boolean comparable(String what, int actual, int expected) {
    compared++;
    require(actual == expected, what + ": " + actual + " values where " + expected + " are due");
    return actual == expected;
  }

  /** The maximum, in which a NaN counts as infinite: it must never pass. */
  private static double worst(double a, double b) {
    return Double.isNaN(b) ? Double.POSITIVE_INFINITY : Math.max(a, b);
  }

  private void record(double absolute, double error) {
    maxAbs = Math.max(maxAbs, absolute);
    relative = Math.max(relative, Double.isNaN(error) ? Double.POSITIVE_INFINITY : error);
  }

  @Override
  public void close() {
    tensors.close();
  }
}
