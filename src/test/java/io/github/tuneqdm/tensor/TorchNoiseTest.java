package io.github.tuneqdm.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import io.github.tuneqdm.GoldenTensors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchNoiseTest {
  @ParameterizedTest
  @ValueSource(strings = {"pndm50", "ddim25", "dpm2m20", "euler30"})
  void startLatentsEqualPyTorchsBitForBit(String picture) {
    GoldenTensors goldens = GoldenTensors.open("toyworld_pipeline.safetensors");
    long seed = goldens.info().get(picture).get("seed").asLong();
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      NDArray latent = TorchNoise.startLatent(manager, seed, new Shape(1, 4, 16, 16));

      assertThat(latent.toFloatArray()).isEqualTo(goldens.floats(picture + ".start_noise"));
      assertThat(latent.getShape()).isEqualTo(new Shape(1, 4, 16, 16));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 15, 16, 17, 30, 31, 32, 100, 1000, 16384, 100003})
  void everySizeEqualsTheEnginesGenerator(int count) {
    try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
      for (long seed : new long[] {0, 1, 42, 123456789, 4294967295L, 4294967297L, 1L << 40}) {
        Engine.getEngine("PyTorch").setRandomSeed((int) seed);
        NDArray expected = manager.randomNormal(0, 1, new Shape(count), DataType.FLOAT32);

        assertThat(TorchNoise.normals(seed, count)).isEqualTo(expected.toFloatArray());
      }
    }
  }

  @Test
  void theTwisterGivesTheReferenceNumbers() {
    MersenneTwister generator = new MersenneTwister(5489);
    for (int i = 1; i < 10_000; i++) {
      generator.next();
    }
    assertThat(Integer.toUnsignedLong(generator.next())).isEqualTo(4123659995L);
  }
}
