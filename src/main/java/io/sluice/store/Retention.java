package io.sluice.store;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code routes/80-forget}: what has been kept long enough is removed, a little at a
 * time, so that nothing waits for it. Stateless and safe for any thread.
 */
public final class Retention {
  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);
  private static final String LEFT = "left";

  /** Short enough that a delete of so many rows holds up no update. */
  private static final int ROWS_AT_ONCE = 500;

  private final Duration events;
  private final Duration updates;
  private final Standstill standstill =
      new Standstill(
          LOG,
          "Old events and receipts cannot be removed now.",
          "Old events and receipts are removed again.");

  /**
   * @param events for so long events stay after they were published, for {@code GET /events}
   * @param updates for so long the receipt of an update that failed stays, and with it its
   *     idempotency key or the identity of its record
   */
  public Retention(Duration events, Duration updates) {
    this.events = events;
    this.updates = updates;
  }

  /** Whether this tick has something left to remove. */
  public boolean more(Exchange exchange) {
    Deque<?> left = exchange.getProperty(LEFT, Deque.class);
    if (left == null) {
      left =
          new ArrayDeque<>(
              List.of(
                  Statement.named("forget-events").with("keep", events.toMillis()),
                  Statement.named("forget-updates").with("keep", updates.toMillis())));
      exchange.setProperty(LEFT, left);
    }
    return !left.isEmpty() && exchange.getContext().getStatus().isStarted();
  }

  public Statement forget(@ExchangeProperty(LEFT) Deque<Statement> left) {
    return left.element().with("limit", ROWS_AT_ONCE);
  }

  public void forgotten(
      @Body List<Map<String, Object>> rows, @ExchangeProperty(LEFT) Deque<Statement> left) {
    long removed = ((Number) rows.get(0).get("removed")).longValue();
    if (removed < ROWS_AT_ONCE) {
      left.remove();
    }
    if (left.isEmpty()) {
      standstill.over();
    }
  }

  /** The next tick tries again. */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught, Exchange exchange) {
    standstill.failed(caught, exchange.getContext());
  }
}
