package io.github.tuneqdm.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;

class StorageDefaultsTest {
  private static final String RETRIES = "ipc.client.connect.max.retries.on.timeouts";

  @Test
  void hadoopsOwnDefaultsGiveWay() {
    Configuration configuration = new Configuration();
    assertThat(configuration.get(RETRIES)).isEqualTo("45");
    StorageDefaults.applyTo(configuration);
    assertThat(configuration.get(RETRIES)).isEqualTo("3");
    assertThat(configuration.get("fs.s3a.retry.limit")).isEqualTo("6");
    assertThat(configuration.get("fs.s3a.input.stream.type")).isEqualTo("classic");
  }

  @Test
  void whatTheSiteOrTheUserSetStays() {
    Configuration configuration = new Configuration();
    String site =
        "<configuration><property><name>%s</name><value>45</value></property></configuration>"
            .formatted(RETRIES);
    configuration.addResource(
        new ByteArrayInputStream(site.getBytes(StandardCharsets.UTF_8)), "core-site.xml");
    configuration.set("fs.s3a.retry.limit", "9");
    StorageDefaults.applyTo(configuration);
    assertThat(configuration.get(RETRIES)).isEqualTo("45");
    assertThat(configuration.get("fs.s3a.retry.limit")).isEqualTo("9");
  }
}
