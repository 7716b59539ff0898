package io.github.tuneqdm.metrics;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;

/**
 * The Frechet distance of two Gaussians (FID where the features are Inception's; Heusel et al.
 * 2017):
 *
 * <pre>|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)</pre>
 *
 * <p>With {@code S1 = F F^T} the last trace is the sum of the square roots of the eigenvalues of
 * the symmetric {@code F^T S2 F}. Only directions that S1 extends in are in F, nothing is inverted
 * and no complex root arises, so that covariances of fewer images than features, which are
 * singular, need no added diagonal. Two symmetric eigenproblems of D features: seconds for 512,
 * minutes for 2048.
 */
public final class FrechetDistance {
  private FrechetDistance() {}

  /**
   * @param a (N, D)
   * @param b (M, D)
   */
  public static double between(float[][] a, float[][] b) {
    return between(FeatureGaussian.of(a), FeatureGaussian.of(b));
  }

  /** Never negative: rounding below zero is cut off. */
  public static double between(FeatureGaussian a, FeatureGaussian b) {
    Embeddings.requireSameWidth(a.width(), b.width());
    double meanTerm = 0;
    for (int d = 0; d < a.width(); d++) {
      double difference = a.mean()[d] - b.mean()[d];
      meanTerm += difference * difference;
    }
    return Math.max(0, meanTerm + a.trace() + b.trace() - 2 * traceOfRoot(a, b));
  }

  private static double traceOfRoot(FeatureGaussian a, FeatureGaussian b) {
    double[][] factor = factor(a.covariance()); // F^T: (rank, D)
    if (factor.length == 0) {
      return 0;
    }
    double[][] inner = sandwich(factor, b.covariance()); // F^T S2 F: (rank, rank)
    EigenDecomposition eigen = eigen(inner);
    double noise = noise(eigen);
    return Arrays.stream(eigen.getRealEigenvalues()).filter(v -> v > noise).map(Math::sqrt).sum();
  }

  /**
   * One row {@code sqrt(eigenvalue) * eigenvector} for each direction the covariance extends in.
   */
  private static double[][] factor(double[][] covariance) {
    EigenDecomposition eigen = eigen(covariance);
    double[] eigenvalues = eigen.getRealEigenvalues();
    double noise = noise(eigen);
    return IntStream.range(0, eigenvalues.length)
        .filter(i -> eigenvalues[i] > noise)
        .mapToObj(i -> eigen.getEigenvector(i).mapMultiply(Math.sqrt(eigenvalues[i])).toArray())
        .toArray(double[][]::new);
  }

  /** {@code R S R^T} of rows R, symmetric to the bit. */
  private static double[][] sandwich(double[][] rows, double[][] symmetric) {
    double[][] product = new double[rows.length][rows.length];
    double[] image = new double[symmetric.length];
    for (int i = 0; i < rows.length; i++) {
      for (int d = 0; d < image.length; d++) {
        image[d] = Embeddings.dot(rows[i], symmetric[d]);
      }
      for (int j = 0; j <= i; j++) {
        product[i][j] = Embeddings.dot(image, rows[j]);
        product[j][i] = product[i][j];
      }
    }
    return product;
  }

  private static EigenDecomposition eigen(double[][] symmetric) {
    return new EigenDecomposition(new Array2DRowRealMatrix(symmetric, false));
  }

  /**
   * What eigenvalues that should be zero come out as, with either sign. Cutting it off matters: the
   * square root would lift 1e-16 to 1e-8.
   */
  private static double noise(EigenDecomposition eigen) {
    double[] eigenvalues = eigen.getRealEigenvalues();
    double largest = Arrays.stream(eigenvalues).map(Math::abs).max().orElse(0);
    return eigenvalues.length * Math.ulp(1.0) * largest;
  }
}
