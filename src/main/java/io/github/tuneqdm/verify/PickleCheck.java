package io.github.tuneqdm.verify;

import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.storage.StoredTensor;
import io.github.tuneqdm.storage.TorchCheckpoint;
import io.github.tuneqdm.storage.TuneQdmCheckpoint;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Files of torch.save beside the tensors that they hold: {@code pt/<name>_expected}. */
final class PickleCheck {
  private static final String EXPECTED = "_expected.safetensors";
  private final GoldenFolder folder;

  PickleCheck(GoldenFolder folder) {
    this.folder = folder;
  }

  /** Compares with {@code <name>.pt} and every {@code <name>_<form>.pt}. */
  void check(GoldenFile g) {
    String stem = g.name().substring(0, g.name().length() - EXPECTED.length());
    List<String> pickles =
        folder.files().stream()
            .filter(file -> file.startsWith(stem) && file.endsWith(".pt"))
            .filter(file -> file.substring(stem.length()).matches("(_[^/]*)?\\.pt"))
            .toList();
    if (pickles.isEmpty()) {
      throw TuneQdmException.inputData("there is no " + stem + ".pt");
    }
    for (String pickle : pickles) {
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      collect("", folder.read(pickle, TorchCheckpoint::read), tensors);
      same(g, pickle, tensors);
      if (tensors.keySet().stream().anyMatch(name -> name.endsWith(".delta_out_experts"))) {
        same(g, pickle, folder.read(pickle, TuneQdmCheckpoint::read).deltaState());
      }
    }
  }

  /** All tensors of a tree by the innermost name. */
  private static void collect(String name, Object value, Map<String, StoredTensor> tensors) {
    if (value instanceof StoredTensor tensor) {
      if (tensors.put(name, tensor) != null) {
        throw TuneQdmException.inputData("two tensors are called " + name);
      }
    } else if (value instanceof Map<?, ?> map) {
      map.forEach((key, inner) -> collect((String) key, inner, tensors));
    } else if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        collect(name + "." + i, list.get(i), tensors);
      }
    }
  }

  private static void same(GoldenFile g, String pickle, Map<String, StoredTensor> tensors) {
    g.equal(pickle + " has the tensors", tensors.keySet(), g.names());
    tensors.forEach(
        (name, actual) -> {
          if (g.has(name)) {
            StoredTensor expected = g.tensor(name);
            String what = pickle + " " + name;
            g.equal(what + " type", actual.dtype(), expected.dtype());
            g.require(Arrays.equals(actual.shape(), expected.shape()), what + " has another shape");
            g.equal(what, GoldenFile.bytes(actual), GoldenFile.bytes(expected));
          }
        });
  }
}
