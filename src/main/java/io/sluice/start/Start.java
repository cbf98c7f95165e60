package io.sluice.start;

import java.io.PrintStream;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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
    Wiring wiring = prepare(main, profile, out);
    CompletableFuture<Integer> ended = new CompletableFuture<>();
    awaitBeforeExit(ended);
    int status = 1;
    try {
      main.run();
      status = main.getExitCode();
    } catch (Exception e) {
      LOG.atError().setCause(e).log("Sluice did not start.");
    } finally {
      wiring.close();
      ended.complete(status);
    }
    return status;
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

  private static Wiring prepare(Main main, String profile, PrintStream out) {
    boolean dev = "dev".equals(profile);
    if (profile != null && !profile.isBlank() && !dev && !profile.equals("prod")) {
      throw new IllegalArgumentException("APP_PROFILE must be dev or prod, or not be set.");
    }
    Wiring wiring = new Wiring(dev);
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
            new FirstSteps(support.getCamelContext(), wiring.started(), wiring::open).take(out);
          }
        });
    return wiring;
  }
}
