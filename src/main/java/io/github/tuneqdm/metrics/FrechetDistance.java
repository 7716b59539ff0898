package io.github.tuneqdm.metrics;

import java.util.Arrays;
import org.apache.commons.math3.linear.Array2DRowRealMatrix;
import org.apache.commons.math3.linear.EigenDecomposition;
import org.apache.commons.math3.linear.RealMatrix;
import org.apache.commons.math3.linear.SingularValueDecomposition;

/**
 * The Frechet distance of two Gaussians (FID where the features are Inception's; Heusel et al.
 * 2017):
 *
 * <pre>|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)</pre>
 *
 * <p>With S = F F^T the last trace is the sum of the singular values of {@code F1^T F2}. Nothing is
 * inverted and no square root is taken of a difference, so that covariances of fewer images than
 * features, which are singular, need no added diagonal.
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
    double[][] factorA = factor(a); // (rank a, D)
    double[][] factorB = factor(b); // (rank b, D)
    if (factorA.length == 0 || factorB.length == 0) {
      return 0;
    }
    RealMatrix product =
        new Array2DRowRealMatrix(factorA, false)
            .multiply(new Array2DRowRealMatrix(factorB, false).transpose());
    return Arrays.stream(new SingularValueDecomposition(product).getSingularValues()).sum();
  }

  /** F^T with S = F F^T: one row sqrt(eigenvalue) * eigenvector for each direction S extends in. */
  private static double[][] factor(FeatureGaussian gaussian) {
    EigenDecomposition eigen =
        new EigenDecomposition(new Array2DRowRealMatrix(gaussian.covariance(), false));
    double[] eigenvalues = eigen.getRealEigenvalues();
    // Eigenvalues of a singular covariance come out as rounding noise of either sign.
    double noise =
        gaussian.width()
            * Math.ulp(1.0)
            * Arrays.stream(eigenvalues).map(Math::abs).max().orElse(0);
    double[][] rows = new double[eigenvalues.length][];
    int rank = 0;
    for (int i = 0; i < eigenvalues.length; i++) {
      if (eigenvalues[i] > noise) {
        rows[rank++] = eigen.getEigenvector(i).mapMultiply(Math.sqrt(eigenvalues[i])).toArray();
      }
    }
    return Arrays.copyOf(rows, rank);
  }
}
