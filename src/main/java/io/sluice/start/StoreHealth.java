package io.sluice.start;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ready means that updates can be accepted: the store answers, may be written to, and the service
 * is not stopping. Targets and the broker do not count, since without them updates are accepted all
 * the same.
 *
 * <p>The store is asked once a second by a thread of its own. Who wants to know gets the last
 * answer at once: he asks on a thread that serves others as well, liveness among them.
 */
final class StoreHealth extends AbstractHealthCheck {
  private static final Logger LOG = LoggerFactory.getLogger(StoreHealth.class);

  private static final Duration PERIOD = Duration.ofSeconds(1);

  /** So long a question may take; an answer that is older than it and the period is none. */
  private static final Duration LIMIT = Duration.ofSeconds(2);

  private final CamelContext camel;
  private final DataSource store;

  /** Null until the service may call itself ready. */
  private volatile Future<?> asking;

  private volatile boolean answers;

  /** When it was asked last; of the clock that never jumps. */
  private volatile long asked;

  StoreHealth(CamelContext camel, DataSource store) {
    super("sluice", "store");
    this.camel = camel;
    this.store = store;
  }

  /** From now on the service may call itself ready. */
  void open() {
    ask();
    asking =
        camel
            .getExecutorServiceManager()
            .newSingleThreadScheduledExecutor(this, "store-health")
            .scheduleWithFixedDelay(
                this::askAgain, PERIOD.toMillis(), PERIOD.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void askAgain() {
    boolean before = answers;
    ask();
    if (before == answers || !camel.getStatus().isStarted()) {
      return;
    }
    if (answers) {
      LOG.atInfo().log("The store is there again: updates are accepted.");
    } else {
      LOG.atWarn()
          .log("The store does not answer, or takes no updates: none is accepted until it does.");
    }
  }

  private void ask() {
    asked = System.nanoTime();
    try (Connection connection = store.getConnection();
        Statement question = connection.createStatement()) {
      connection.setNetworkTimeout(Runnable::run, Math.toIntExact(LIMIT.toMillis()));
      try (ResultSet readOnly = question.executeQuery("show transaction_read_only")) {
        answers = readOnly.next() && readOnly.getString(1).equals("off");
      }
    } catch (SQLException | RuntimeException | Error e) {
      // One that gets out would be the last question.
      answers = false;
    }
  }

  @Override
  public boolean isLiveness() {
    return false;
  }

  @Override
  protected void doCall(HealthCheckResultBuilder result, Map<String, Object> options) {
    if (asking == null || !camel.getStatus().isStarted()) {
      result.message("The service is starting or stopping.").down();
    } else if (answers && System.nanoTime() - asked < PERIOD.plus(LIMIT).toNanos()) {
      result.up();
    } else {
      result.message("The store does not answer, or takes no updates.").down();
    }
  }
}
