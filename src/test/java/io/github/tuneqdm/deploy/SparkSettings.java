package io.github.tuneqdm.deploy;

import java.util.Collection;
import java.util.List;
import java.util.regex.Pattern;
import org.apache.spark.internal.config.ConfigEntry$;

/** The settings that Spark, its Kubernetes and its YARN back end say they know. */
final class SparkSettings {
  /** Families whose members Spark does not list one by one. */
  private static final Pattern FAMILIES =
      Pattern.compile(
          "spark\\.(executor|worker|driver|task)\\.resource\\.gpu\\.(amount|discoveryScript|vendor)"
              + "|spark\\.(executorEnv|hadoop)\\..+");

  private static final List<String> WHERE_THEY_REGISTER =
      List.of(
          "org.apache.spark.internal.config.package$",
          "org.apache.spark.internal.config.Worker$",
          "org.apache.spark.deploy.k8s.Config$",
          "org.apache.spark.deploy.yarn.config.package$");

  private SparkSettings() {}

  /** Those that nothing in Spark reads. */
  static List<String> unknown(Collection<String> keys) {
    WHERE_THEY_REGISTER.forEach(SparkSettings::load);
    return keys.stream()
        .filter(key -> !FAMILIES.matcher(key).matches())
        .filter(key -> ConfigEntry$.MODULE$.findEntry(key) == null)
        .toList();
  }

  private static void load(String holder) {
    try {
      Class.forName(holder);
    } catch (ClassNotFoundException e) {
      throw new AssertionError(e);
    }
  }
}
