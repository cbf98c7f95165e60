package io.sluice.store;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much of one kind of work is under way: never more is claimed than there are places for, so
 * that no lease runs while its work waits for a thread. Thread-safe.
 */
public final class Places {
  private static final Logger LOG = LoggerFactory.getLogger(Places.class);
  private static final String CLAIMED = "claimed";
  private static final String WANTED = "wanted";
  private static final Duration IDLE_WAIT = Duration.ofSeconds(1);

  private final Semaphore idle;
  private final Standstill standstill;

  /**
   * @param count how much is under way at most
   * @param work what it is, as a sentence about it begins
   */
  public Places(int count, String work) {
    this.idle = new Semaphore(count);
    this.standstill =
        new Standstill(LOG, work + " cannot be looked for now, and wait.", work + " go on.");
  }

  /** Whether this tick has made no claim yet. */
  public static boolean first(Exchange exchange) {
    return exchange.getProperty(CLAIMED) == null;
  }

  /**
   * Whether this tick is to claim: for the first time, or because its last claim found something.
   */
  public static boolean more(Exchange exchange) {
    return (first(exchange) || !exchange.getProperty(CLAIMED, List.class).isEmpty())
        && exchange.getContext().getStatus().isStarted();
  }

  /** How much may be claimed; waits a little for the first place. */
  public int take(Exchange exchange) throws InterruptedException {
    int wanted = 0;
    if (idle.tryAcquire(IDLE_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
      wanted = 1 + idle.drainPermits();
    }
    exchange.setProperty(WANTED, wanted);
    return wanted;
  }

  /** Each row keeps its place until {@link #done}. */
  public void claimed(@Body List<Map<String, Object>> rows, Exchange exchange) {
    standstill.over();
    idle.release((Integer) exchange.removeProperty(WANTED) - rows.size());
    exchange.setProperty(CLAIMED, rows);
  }

  /** The claim failed, or was interrupted because the service stops. */
  public void unread(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught, Exchange exchange) {
    Object wanted = exchange.removeProperty(WANTED);
    if (wanted != null) {
      idle.release((Integer) wanted);
    }
    standstill.failed(caught, exchange.getContext());
  }

  /** One that was claimed needs its place no longer. */
  public void done() {
    idle.release();
  }

  /** Whether more could be claimed at once. */
  public boolean free() {
    return idle.availablePermits() > 0;
  }

  /**
   * The store went away, which it does not need to be told; or a fault of this service. Either way
   * the lease runs out, and the work is taken up again.
   */
  public static void failed(Object id, Throwable caught) {
    if (StoreFailure.isOutage(caught)) {
      LOG.atDebug().addKeyValue("id", id).log("The store is away; what is due waits for it.");
    } else {
      LOG.atError()
          .addKeyValue("id", id)
          .setCause(caught)
          .log("What is due could not be done; it will be tried again.");
    }
  }
}
