package io.sluice.secrets;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

/** Brings what would be printed past the logs into them, and so through the redaction. */
public final class LogRouting {
  private static final Logger LOG = LoggerFactory.getLogger(LogRouting.class);

  private LogRouting() {}

  /**
   * Routes {@code java.util.logging}, which some drivers use and which prints by itself, and
   * exceptions that end a thread, which the JVM prints. To be called once, before anything else
   * starts.
   */
  public static void install() {
    SLF4JBridgeHandler.removeHandlersForRootLogger();
    SLF4JBridgeHandler.install();
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, failure) ->
            LOG.atError()
                .addKeyValue("name", thread.getName())
                .setCause(failure)
                .log("A thread ended by an exception."));
  }
}
