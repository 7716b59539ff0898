package io.github.tuneqdm.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Small TorchScript files with a {@code forward} of the test's own. */
public final class StandInNetwork {
  private StandInNetwork() {}

  /**
   * In the place of Inception: six features, the mean of each channel and its upper left value;
   * three logits, twice the means.
   */
  public static Path inception(Path file) throws IOException {
    return write(
        file,
        """
          def forward(self: __torch__.Net, x: Tensor) -> Tuple[Tensor, Tensor]:
            means = torch.mean(x, [2, 3])
            corner = torch.select(torch.select(x, 3, 0), 2, 0)
            features = torch.cat([means, corner], 1)
            return (features, torch.mul(means, 2.))
        """);
  }

  /** Features alone. */
  public static Path half(Path file) throws IOException {
    return write(
        file,
        """
          def forward(self: __torch__.Net, x: Tensor) -> Tensor:
            return torch.mean(x, [2, 3])
        """);
  }

  private static Path write(Path file, String forward) throws IOException {
    String source =
        """
        class Net(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
        """
            + forward.indent(0);
    return Files.write(file, TorchScriptArchive.of("Net", source));
  }
}
