package io.sluice;

import io.sluice.secrets.LogRouting;
import io.sluice.start.Start;
import org.apache.camel.main.Main;

/**
 * Starts Sluice in the current folder, which holds {@code config} and {@code routes}. The profile
 * is named by {@code APP_PROFILE}: {@code dev}, or none for production.
 */
public final class Sluice {
  private Sluice() {}

  public static void main(String[] args) throws Exception {
    LogRouting.install();
    Main main = new Main();
    Start.prepare(main, System.getenv("APP_PROFILE"), System.out);
    main.run();
    System.exit(main.getExitCode());
  }
}
