package io.github.tuneqdm.tuning;

import io.github.tuneqdm.diffusion.NoiseSchedule;
import io.github.tuneqdm.diffusion.PredictionType;
import io.github.tuneqdm.tensor.PhiloxRandom;
import java.util.List;

/**
 * The endless, stateless sequence of a subject's training samples. Sample number i is a function of
 * (seed, stream name, i): not of the batch it is trained in, nor of retries.
 */
final class SampleDraws {
  private final TuningSettings settings;
  private final String stream;
  private final List<PhotoLatents> photos;
  private final NoiseSchedule schedule;
  private final double scalingFactor;
  private final int channels;

  /** Buffers for one sample: noisy latent and target, each (Z, h, w). */
  record Sample(int timestep, float[] noisy, float[] target) {}

  SampleDraws(
      TuningSettings settings,
      String stream,
      List<PhotoLatents> photos,
      NoiseSchedule schedule,
      double scalingFactor,
      int channels) {
    this.settings = settings;
    this.stream = stream;
    this.photos = photos;
    this.schedule = schedule;
    this.scalingFactor = scalingFactor;
    this.channels = channels;
  }

  Sample draw(long number) {
    PhiloxRandom.Draws random = PhiloxRandom.of(settings.seed(), stream, number).draws();
    int t = random.below(schedule.trainTimesteps());
    PhotoLatents photo = photos.get(photoOf(number));
    PhotoLatents.Posterior posterior = photo.crops().get(random.below(photo.crops().size()));
    int size = posterior.mean().length;
    float[] posteriorNoise = new float[size];
    float[] noise = new float[size];
    random.fillNormals(posteriorNoise);
    random.fillNormals(noise);
    if (settings.noiseOffset() != 0) {
      float[] shift = new float[channels];
      random.fillNormals(shift);
      int plane = size / channels;
      for (int i = 0; i < size; i++) {
        noise[i] += (float) settings.noiseOffset() * shift[i / plane];
      }
    }

    // x_t = sqrt(A_t) x_0 + sqrt(1 - A_t) eps;  v = sqrt(A_t) eps - sqrt(1 - A_t) x_0
    float signal = schedule.signalScale(t);
    float sigma = schedule.noiseScale(t);
    boolean velocity = schedule.predictionType() == PredictionType.V_PREDICTION;
    float[] noisy = new float[size];
    float[] target = velocity ? new float[size] : noise;
    for (int i = 0; i < size; i++) {
      float x0 =
          (posterior.mean()[i] + posterior.std()[i] * posteriorNoise[i]) * (float) scalingFactor;
      noisy[i] = signal * x0 + sigma * noise[i];
      if (velocity) {
        target[i] = signal * noise[i] - sigma * x0;
      }
    }
    return new Sample(t, noisy, target);
  }

  /** Every epoch shows each photo once, in an order of its own. */
  private int photoOf(long number) {
    int n = photos.size();
    PhiloxRandom.Draws random =
        PhiloxRandom.of(settings.seed(), stream + "/order", number / n).draws();
    int[] order = new int[n];
    for (int i = 0; i < n; i++) {
      int j = random.below(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order[(int) (number % n)];
  }
}
