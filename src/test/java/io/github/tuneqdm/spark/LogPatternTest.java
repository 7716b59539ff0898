package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.impl.ContextDataFactory;
import org.apache.logging.log4j.core.impl.Log4jLogEvent;
import org.apache.logging.log4j.core.layout.PatternLayout;
import org.apache.logging.log4j.message.SimpleMessage;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

class LogPatternTest {
  @Test
  void aLineNamesItsRunAndSubjectWhereThereAre() throws IOException {
    assertThat(line(Map.of("run", "0123456789ab", "subject", "mug1")))
        .endsWith(" WARN BatchTask: [0123456789ab mug1] mug1 failed\n");
    assertThat(line(Map.of("run", "0123456789ab")))
        .endsWith(" WARN BatchTask: [0123456789ab] mug1 failed\n");
    assertThat(line(Map.of("run", ""))).endsWith(" WARN BatchTask: mug1 failed\n");
    assertThat(line(Map.of())).endsWith(" WARN BatchTask: mug1 failed\n");
  }

  private static String line(Map<String, String> context) throws IOException {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of("conf/log4j2.properties"))) {
      properties.load(reader);
    }
    return PatternLayout.newBuilder()
        .withPattern(properties.getProperty("appender.stderr.layout.pattern"))
        .build()
        .toSerializable(
            Log4jLogEvent.newBuilder()
                .setLevel(Level.WARN)
                .setLoggerName(BatchTask.class.getName())
                .setContextData(ContextDataFactory.createContextData(context))
                .setMessage(new SimpleMessage("mug1 failed"))
                .build());
  }

  @Test
  void aTasksWorkLeavesItsThreadsContextAsItWas() throws Exception {
    LogContext.run("outer");
    String inside =
        LogContext.around(
            "inner",
            () -> {
              LogContext.subject("mug1");
              return MDC.get("run") + " " + MDC.get("subject");
            });
    assertThat(inside).isEqualTo("inner mug1");
    assertThat(LogContext.run()).isEqualTo("outer");
    assertThat(MDC.get("subject")).isNull();
    MDC.remove("run");
  }
}
