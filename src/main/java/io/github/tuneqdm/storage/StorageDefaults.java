package io.github.tuneqdm.storage;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/**
 * How storage is asked, and how long it is waited for. Hadoop's own defaults let a wrong address
 * pass for a slow one for a quarter of an hour; with these a job outlives half a minute without its
 * store, and says within three minutes that it is not there.
 */
public final class StorageDefaults {
  private static final Map<String, String> DEFAULTS =
      Map.of(
          "fs.s3a.connection.establish.timeout", "15s", // the least it accepts
          "fs.s3a.attempts.maximum", "0", // repeats by the client, within each of the next
          "fs.s3a.retry.limit", "6", // after 0.5, 1, 2, ... seconds: 31 in all
          "fs.s3a.input.stream.type", "classic", // the newer one does not repeat failed reads
          "ipc.client.connect.timeout", "10000",
          "ipc.client.connect.max.retries.on.timeouts", "3");

  private StorageDefaults() {}

  /** Sets what neither the site's files nor the user have set. */
  public static Configuration applyTo(Configuration configuration) {
    DEFAULTS.forEach(
        (key, value) -> {
          if (isDefault(configuration, key)) {
            configuration.set(key, value, "tuneqdm");
          }
        });
    return configuration;
  }

  private static boolean isDefault(Configuration configuration, String key) {
    String[] sources = configuration.getPropertySources(key);
    return sources == null
        || sources.length == 0
        || sources[sources.length - 1].endsWith("core-default.xml");
  }
}
