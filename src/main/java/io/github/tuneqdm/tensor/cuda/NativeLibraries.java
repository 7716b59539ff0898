package io.github.tuneqdm.tensor.cuda;

import com.sun.jna.NativeLibrary;
import io.github.tuneqdm.error.TuneQdmException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The libraries that PyTorch has brought into this process, wherever it keeps them, and NVIDIA's
 * run-time compiler, which PyTorch ships beside them.
 */
final class NativeLibraries {
  private static final Pattern MAPPED = Pattern.compile("[^/]*(/.*\\.so[.\\d]*)");

  private final Set<Path> loaded = new LinkedHashSet<>();

  NativeLibraries() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
        Matcher m = MAPPED.matcher(line);
        if (m.matches()) {
          loaded.add(Path.of(m.group(1)));
        }
      }
    } catch (IOException e) {
      throw TuneQdmException.environment("Cannot find PyTorch's libraries: " + e.getMessage(), e);
    }
  }

  /** The loaded library whose file name begins with {@code prefix}. */
  NativeLibrary loaded(String prefix) {
    return loaded.stream()
        .filter(p -> p.getFileName().toString().startsWith(prefix))
        .findFirst()
        .map(p -> NativeLibrary.getInstance(p.toString()))
        .orElseThrow(
            () ->
                TuneQdmException.environment(
                    "Cannot use the GPU: "
                        + prefix
                        + " is not loaded (is the PyTorch engine's CUDA build on the class path?)"));
  }

  /** The run-time compiler, from one of the folders of the loaded libraries. */
  NativeLibrary nvrtc() {
    Set<Path> folders = new LinkedHashSet<>();
    loaded.forEach(p -> folders.add(p.getParent()));
    for (Path folder : folders) {
      Optional<Path> found = nvrtc(folder);
      if (found.isPresent()) {
        return NativeLibrary.getInstance(found.get().toString());
      }
    }
    throw TuneQdmException.environment(
        "Cannot use the GPU: NVIDIA's run-time compiler libnvrtc is in none of "
            + folders
            + " (it comes with PyTorch's CUDA build)");
  }

  private static Optional<Path> nvrtc(Path folder) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "libnvrtc*.so*")) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        if (!name.contains("builtins") && !name.contains(".alt.")) {
          return Optional.of(file);
        }
      }
    } catch (IOException e) {
      return Optional.empty(); // a folder that is gone or closed to us holds nothing
    }
    return Optional.empty();
  }
}
