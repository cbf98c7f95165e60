package io.sluice.start;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.health.HealthCheckResultBuilder;
import org.apache.camel.impl.health.AbstractHealthCheck;

/**
 * Ready means that updates can be accepted: the store answers and the service is not stopping.
 * Targets and the broker do not count, since without them updates are accepted all the same.
 */
final class StoreHealth extends AbstractHealthCheck {
  private static final int ANSWER_SECONDS = 2;

  private final CamelContext camel;
  private final DataSource store;
  private final BooleanSupplier opened;

  /**
   * @param opened whether the first token is in force
   */
  StoreHealth(CamelContext camel, DataSource store, BooleanSupplier opened) {
    super("sluice", "store");
    this.camel = camel;
    this.store = store;
    this.opened = opened;
  }

  @Override
  public boolean isLiveness() {
    return false;
  }

  @Override
  protected void doCall(HealthCheckResultBuilder result, Map<String, Object> options) {
    if (!camel.getStatus().isStarted() || !opened.getAsBoolean()) {
      result.message("The service is starting or stopping.").down();
      return;
    }
    try (Connection connection = store.getConnection()) {
      if (connection.isValid(ANSWER_SECONDS)) {
        result.up();
      } else {
        result.message("The store does not answer.").down();
      }
    } catch (SQLException e) {
      result.message("The store cannot be reached.").down();
    }
  }
}
