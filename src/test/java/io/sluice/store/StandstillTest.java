package io.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.List;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What an operator reads of work that stands still, and goes on. */
final class StandstillTest {
  private static final String BEGUN = "It waits.";
  private static final String OVER = "It goes on.";

  private final Logger log = (Logger) LoggerFactory.getLogger("io.sluice.standstill");
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final CamelContext camel = new DefaultCamelContext();
  private final Standstill standstill = new Standstill(log, BEGUN, OVER);

  @BeforeEach
  void start() {
    lines.start();
    log.addAppender(lines);
    camel.start();
  }

  @AfterEach
  void stop() {
    log.detachAppender(lines);
    camel.stop();
  }

  @Test
  void eachStandstillIsToldOnceAndItsEndToo() {
    for (int i = 0; i < 2; i++) {
      standstill.over();
      standstill.failed(new SQLTransientConnectionException(), camel);
      standstill.failed(new SQLException("no such table", "42P01"), camel);
      standstill.over();
      standstill.over();
    }
    assertThat(messages()).containsExactly(BEGUN, OVER, BEGUN, OVER);
  }

  @Test
  void aServerThatIsAwayIsAWarningAndAMistakeAnErrorWithItsTrace() {
    standstill.failed(new IllegalStateException(new SQLException("gone", "08006")), camel);
    standstill.over();
    standstill.failed(new IllegalStateException(new TimeoutException("no broker")), camel);
    standstill.over();
    standstill.failed(new SQLException("no such table", "42P01"), camel);
    assertThat(lines.list)
        .extracting(ILoggingEvent::getLevel)
        .containsExactly(Level.WARN, Level.INFO, Level.WARN, Level.INFO, Level.ERROR);
    assertThat(lines.list.get(2).getThrowableProxy()).isNull();
    assertThat(lines.list.get(4).getThrowableProxy().getMessage()).isEqualTo("no such table");
  }

  @Test
  void whatFailsBecauseTheServiceStopsIsNotTold() {
    camel.stop();
    standstill.failed(new InterruptedException(), camel);
    assertThat(messages()).isEmpty();
  }

  private List<String> messages() {
    return lines.list.stream().map(ILoggingEvent::getMessage).toList();
  }
}
