package io.sluice.store;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.camel.CamelContext;

/**
 * Wakes a route that waits for rows: rung by who has put one into its table, so that the poll is
 * there only for what another instance has put there. Safe for any thread.
 */
public final class Bell {
  /** So soon a route that waits notices that the service stops. */
  private static final Duration LOOK_UP = Duration.ofMillis(200);

  private final Semaphore rings = new Semaphore(0);

  /** A row was put into the table. */
  public void ring() {
    rings.release();
  }

  /** Whether the bell has rung since it was last asked or waited for. */
  public boolean rung() {
    return rings.drainPermits() > 0;
  }

  /**
   * Returns when the bell rings or has rung since it was last waited for, when the time is over, or
   * when the service stops. All rings so far are answered together.
   */
  public void await(Duration longest, CamelContext camel) throws InterruptedException {
    long end = System.nanoTime() + longest.toNanos();
    boolean rung = false;
    for (long left = longest.toNanos(); !rung && left > 0 && camel.getStatus().isStarted(); ) {
      rung = rings.tryAcquire(Math.min(left, LOOK_UP.toNanos()), TimeUnit.NANOSECONDS);
      left = end - System.nanoTime();
    }
    rings.drainPermits();
  }
}
