package io.github.tuneqdm.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.tuneqdm.ToyWorld;
import io.github.tuneqdm.error.TuneQdmException;
import io.github.tuneqdm.image.RgbImage;
import io.github.tuneqdm.models.DeltaScales;
import io.github.tuneqdm.models.Models;
import io.github.tuneqdm.models.TunableUNet;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class ImageSamplerTest {
  private static final SamplingSettings FEW_STEPS = new SamplingSettings("ddim", 3, 4, 64);

  private static Compute compute;

  @BeforeAll
  static void open() {
    compute = Compute.cpu(2);
  }

  @AfterAll
  static void close() {
    compute.close();
  }

  /** Two subjects whose scales are visibly off the base's, each in its own way. */
  private static ImageSampler twoSubjects(SamplingSettings settings) {
    TunableUNet network = ToyWorld.fourBits(compute);
    List<DeltaScales> subjects = new ArrayList<>();
    for (int s = 0; s < 2; s++) {
      DeltaScales scales = DeltaScales.initial(network, 4);
      float[] noise = PhiloxRandom.of(s, "subject", 0).normals(scales.rows().length);
      for (int i = 0; i < noise.length; i++) {
        scales.rows()[i] *= 1 + 0.03f * noise[i];
      }
      subjects.add(scales);
    }
    Denoiser denoiser = Denoiser.tuned(compute, network, subjects, 1000);
    return new ImageSampler(compute, ToyWorld.base(), denoiser, settings);
  }

  @Test
  void aMixedBatchGivesEachPictureAsIfAlone() {
    List<SampleRequest> mixed =
        List.of(
            new SampleRequest(0, "a photo of a mug", 1),
            new SampleRequest(1, "a photo of a mug", 1),
            new SampleRequest(1, "a photo of a red car", 2));
    try (ImageSampler sampler = twoSubjects(FEW_STEPS)) {
      List<RgbImage> together = sampler.sample(mixed);
      for (int i = 0; i < mixed.size(); i++) {
        RgbImage alone = sampler.sample(List.of(mixed.get(i))).get(0);
        assertThat(largestDifference(together.get(i), alone)).isLessThanOrEqualTo(1);
      }
      assertThat(largestDifference(together.get(0), together.get(1))).isGreaterThan(10);
    }
  }

  @Test
  void severalBatchesGiveThePicturesOfEachAndAllAreTaken() {
    List<List<SampleRequest>> batches =
        List.of(
            List.of(
                new SampleRequest(0, "a photo of a mug", 1),
                new SampleRequest(1, "a photo of a red car", 2)),
            List.of(new SampleRequest(1, "a donut", 3)),
            List.of(new SampleRequest(0, "a donut", 4)));
    try (ImageSampler sampler = twoSubjects(FEW_STEPS)) {
      List<List<RgbImage>> taken = Collections.synchronizedList(new ArrayList<>());
      sampler.sample(
          batches,
          (batch, pictures) -> {
            assertThat(batch).isEqualTo(taken.size());
            taken.add(pictures);
          });

      assertThat(taken).isEqualTo(batches.stream().map(sampler::sample).toList());
    }
  }

  @Test
  void picturesThatCannotBeTakenAreTheFailure() {
    List<SampleRequest> batch = List.of(new SampleRequest(0, "a donut", 3));
    TuneQdmException full =
        TuneQdmException.environment("Cannot write x.png: disk full", new IOException());
    try (ImageSampler sampler = twoSubjects(FEW_STEPS)) {
      assertThatThrownBy(
              () ->
                  sampler.sample(
                      List.of(batch, batch, batch),
                      (i, pictures) -> {
                        throw full;
                      }))
          .isSameAs(full);
    }
  }

  @Test
  void everySamplerOfTheHouseEndsInAPicture() {
    for (String name : List.of("ddpm", "pndm", "dpm++2m-karras", "euler", "unipc")) {
      try (ImageSampler sampler = twoSubjects(new SamplingSettings(name, 4, 1, 64))) {
        RgbImage image = sampler.sample(List.of(new SampleRequest(0, "a donut", 5))).get(0);
        assertThat(image.width()).isEqualTo(64);
        assertThat(largestDifference(image, RgbImage.filled(64, 64, 0))).isGreaterThan(50);
      }
    }
  }

  @Test
  void aResolutionThatTheVaeCannotMakeIsRefused() {
    Denoiser plain = Denoiser.plain(compute, Models.unet(compute, ToyWorld.base().unet()));
    assertThatThrownBy(
            () ->
                new ImageSampler(
                    compute, ToyWorld.base(), plain, new SamplingSettings("ddim", 2, 1, 66)))
        .isInstanceOf(TuneQdmException.class)
        .hasMessageContaining("multiple of 4");
  }

  private static int largestDifference(RgbImage a, RgbImage b) {
    int worst = 0;
    for (int i = 0; i < a.rgb().length; i++) {
      worst = Math.max(worst, Math.abs((a.rgb()[i] & 0xff) - (b.rgb()[i] & 0xff)));
    }
    return worst;
  }
}
