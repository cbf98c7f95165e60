package io.sluice.start;

import java.io.PrintStream;
import org.apache.camel.main.BaseMainSupport;
import org.apache.camel.main.Main;
import org.apache.camel.main.MainListenerSupport;

/** Puts a Camel main together: where its settings are, what it wires, and what it says. */
public final class Start {
  private Start() {}

  /**
   * @param profile {@code dev}, or null for production
   * @param out where the addresses are printed
   */
  public static void prepare(Main main, String profile, PrintStream out) {
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
            new FirstSteps(support.getCamelContext(), wiring.started()).take(out);
          }

          @Override
          public void afterStop(BaseMainSupport support) {
            wiring.close();
          }
        });
  }
}
