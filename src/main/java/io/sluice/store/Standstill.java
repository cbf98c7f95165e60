package io.sluice.store;

import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.CamelContext;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;

/**
 * Tells of a step that is tried again and again when it begins to fail, and when it works again;
 * not each time between. Thread-safe.
 */
public final class Standstill {
  private final Logger log;
  private final String begun;
  private final String over;
  private final AtomicBoolean told = new AtomicBoolean();

  /**
   * @param begun what is told of the first failure
   * @param over what is told when it works again
   */
  public Standstill(Logger log, String begun, String over) {
    this.log = log;
    this.begun = begun;
    this.over = over;
  }

  /** The step has failed. What fails because the service stops is no failure. */
  public void failed(Throwable caught, CamelContext camel) {
    if (!camel.getStatus().isStarted() || told.getAndSet(true)) {
      return;
    }
    if (passes(caught)) {
      log.atWarn().addKeyValue("failure", caught.getClass().getName()).log(begun);
    } else {
      log.atError().setCause(caught).log(begun);
    }
  }

  /** Whether the store or the broker is to blame, and no mistake of this service. */
  private static boolean passes(Throwable failure) {
    boolean broker = false;
    for (Throwable t = failure; t != null; t = t.getCause()) {
      broker = broker || t instanceof KafkaException;
    }
    return broker || StoreFailure.isOutage(failure);
  }

  /** The step works. */
  public void over() {
    if (told.get() && told.getAndSet(false)) {
      log.atInfo().log(over);
    }
  }
}
