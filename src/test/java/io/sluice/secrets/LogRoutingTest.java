package io.sluice.secrets;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.model.Secret;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

final class LogRoutingTest {
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final ByteArrayOutputStream printed = new ByteArrayOutputStream();
  private final PrintStream standardError = System.err;
  private final ch.qos.logback.classic.Logger root =
      (ch.qos.logback.classic.Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);

  @BeforeEach
  void install() {
    System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
    LogRouting.install();
    logged.start();
    root.addAppender(logged);
  }

  @AfterEach
  void uninstall() {
    root.detachAppender(logged);
    SLF4JBridgeHandler.uninstall();
    Thread.setDefaultUncaughtExceptionHandler(null);
    System.setErr(standardError);
  }

  private String encoded() {
    StringBuilder text = new StringBuilder();
    for (ILoggingEvent event : List.copyOf(logged.list)) {
      text.append(new String(new LogLine().encode(event), StandardCharsets.UTF_8));
    }
    return text.toString();
  }

  @Test
  void a_driver_that_uses_the_jdks_logging_is_scrubbed_too() {
    try (Redaction.Scope inUse = Redaction.open(List.of(Secret.of("jul-canary-1")))) {
      java.util.logging.Logger.getLogger("some.driver")
          .log(Level.SEVERE, "refused jul-canary-1", new IllegalStateException("jul-canary-1"));
      assertThat(encoded()).contains("refused ********").doesNotContain("jul-canary-1");
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).doesNotContain("jul-canary-1");
  }

  @Test
  void an_exception_that_ends_a_thread_is_logged_and_not_printed() throws InterruptedException {
    try (Redaction.Scope inUse = Redaction.open(List.of(Secret.of("thread-canary-1")))) {
      Thread thread =
          new Thread(
              () -> {
                throw new IllegalStateException("thread-canary-1");
              },
              "doomed");
      thread.start();
      thread.join();
      assertThat(encoded()).contains("A thread ended by an exception.", "name=doomed");
      assertThat(encoded()).doesNotContain("thread-canary-1");
    }
    assertThat(printed.toString(StandardCharsets.UTF_8)).isEmpty();
  }
}
