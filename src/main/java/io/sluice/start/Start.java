package io.sluice.start;

import io.sluice.store.StoreFailure;
import java.io.PrintStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts a Camel main together: where its settings are, what it wires, and what it says. */
public final class Start {
  /** From the signal until the process has to be over. */
  private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

  private static final Logger LOG = LoggerFactory.getLogger(Start.class);

  private Start() {}

  /**
   * Starts, and returns when the process was asked to stop and everything is closed.
   *
   * @param profile {@code dev}, or null for production
   * @param out where the addresses are printed
   * @return the exit status: 1 when the start failed, which the log explains
   */
  public static int run(String profile, PrintStream out) {
    Main main = new Main();
    AtomicBoolean failed = new AtomicBoolean();
    Wiring wiring;
    try {
      wiring = prepare(main, profile, out, failed);
    } catch (StartFailure e) {
      explain(e);
      return 1;
    }
    CompletableFuture<Integer> ended = new CompletableFuture<>();
    awaitBeforeExit(ended);
    int status = 1;
    try {
      main.run();
      status = failed.get() ? 1 : main.getExitCode();
    } catch (Exception e) {
      explain(e);
    } finally {
      wiring.close();
      ended.complete(status);
    }
    return status;
  }

  private static void explain(Exception failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof StartFailure explained) {
        LOG.atError().log("Sluice did not start. {}", explained.getMessage());
        return;
      }
    }
    LOG.atError().setCause(failure).log("Sluice did not start.");
  }

  /**
   * Camel's own shutdown hook lets the JVM end as soon as the routes have stopped, while the main
   * thread is still closing what they used. A second hook waits for that. It also sets the exit
   * status, which for a JVM that a signal ends is never 0 by itself.
   */
  private static void awaitBeforeExit(CompletableFuture<Integer> ended) {
    Thread hook =
        new Thread(
            () -> {
              try {
                int status = ended.get(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
                Runtime.getRuntime().halt(status);
              } catch (TimeoutException | ExecutionException e) {
                LOG.atWarn().log("Not everything was closed in time.");
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "await-close");
    Runtime.getRuntime().addShutdownHook(hook);
  }

  private static Wiring prepare(Main main, String profile, PrintStream out, AtomicBoolean failed) {
    boolean dev = "dev".equals(profile);
    if (profile != null && !profile.isBlank() && !dev && !profile.equals("prod")) {
      throw new StartFailure("APP_PROFILE must be dev or prod, or not be set.");
    }
    Runnable stop =
        () -> {
          failed.set(true);
          main.completed();
        };
    Wiring wiring = new Wiring(dev, stop);
    main.setPropertyPlaceholderLocations(
        dev
            ? "file:config/application-dev.properties,file:config/application.properties"
            : "file:config/application.properties");
    main.configure().addConfiguration(wiring);
    main.addMainListener(
        new MainListenerSupport() {
          @Override
          public void beforeConfigure(BaseMainSupport support) {
            wiring.choosePorts(support.getCamelContext());
          }

          @Override
          public void afterStart(BaseMainSupport support) {
            try {
              new FirstSteps(support.getCamelContext(), wiring.started(), wiring::open).take(out);
            } catch (RuntimeException e) {
              // Camel itself would end as if nothing had happened.
              explain(
                  StoreFailure.isOutage(e)
                      ? new StartFailure("The store went away during the start. Start again.")
                      : e);
              stop.run();
            }
          }
        });
    return wiring;
  }
}
