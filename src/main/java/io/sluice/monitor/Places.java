package io.sluice.monitor;

import io.sluice.store.StoreFailure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How much of one kind of work is under way: never more is claimed than there are places for, so
 * that no lease runs while its work waits for a thread. Thread-safe.
 */
final class Places {
  private static final Logger LOG = LoggerFactory.getLogger(Places.class);
  private static final String CLAIMED = "claimed";
  private static final String WANTED = "wanted";
  private static final Duration IDLE_WAIT = Duration.ofSeconds(1);

  private final Semaphore idle;

  Places(int count) {
    this.idle = new Semaphore(count);
  }

  /** Whether the last claim of this tick found something, so that there may be more. */
  static boolean more(Exchange exchange) {
    List<?> claimed = exchange.getProperty(CLAIMED, List.class);
    return (claimed == null || !claimed.isEmpty()) && exchange.getContext().getStatus().isStarted();
  }

  /** How much may be claimed; waits a little for the first place. */
  int take(Exchange exchange) throws InterruptedException {
    int wanted = 0;
    if (idle.tryAcquire(IDLE_WAIT.toMillis(), TimeUnit.MILLISECONDS)) {
      wanted = 1 + idle.drainPermits();
    }
    exchange.setProperty(WANTED, wanted);
    return wanted;
  }

  /** Each row keeps its place until {@link #done}. */
  void claimed(List<Map<String, Object>> rows, Exchange exchange) {
    idle.release((Integer) exchange.removeProperty(WANTED) - rows.size());
    exchange.setProperty(CLAIMED, rows);
  }

  /** The claim failed. */
  void unread(Exception caught, Exchange exchange) {
    Object wanted = exchange.removeProperty(WANTED);
    if (wanted != null) {
      idle.release((Integer) wanted);
    }
    failed(null, caught);
  }

  void done() {
    idle.release();
  }

  /**
   * The store went away, which it does not need to be told; or a fault of this service. Either way
   * the lease runs out, and the work is taken up again.
   */
  static void failed(Object id, Throwable caught) {
    if (StoreFailure.isOutage(caught)) {
      LOG.atDebug().addKeyValue("id", id).log("The store is away; what is due waits for it.");
    } else {
      LOG.atError()
          .addKeyValue("id", id)
          .setCause(caught)
          .log("A scheduled test could not be made; it will be repeated.");
    }
  }
}
