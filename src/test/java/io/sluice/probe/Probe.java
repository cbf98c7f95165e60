package io.sluice.probe;

import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Connection;
import io.sluice.model.JumpHost;
import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Step;
import io.sluice.model.Secret;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Stream;

/** What the tests of this package share: a prober for loopback, and connections to test. */
final class Probe {
  static final DriverCatalogue DRIVERS = catalogue();
  static final EgressPolicy LOOPBACK = new EgressPolicy(List.of(), List.of(), true, List.of());

  private Probe() {}

  private static DriverCatalogue catalogue() {
    try {
      return DriverCatalogue.load(Path.of("config/drivers"), Path.of("target/test-drivers"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Prober prober() {
    return new Prober(DRIVERS, LOOPBACK, ProbeSettings.defaults());
  }

  /** All limits short, for servers that never answer. */
  static ProbeSettings impatient(Duration step, Duration total) {
    return new ProbeSettings(
        step, step, step, step, step, step, total, false, 32, 2, Duration.ZERO, Duration.ZERO);
  }

  static Target target(String driver, String host, int port) {
    return new Target(driver, host, port);
  }

  static Step step(Tested tested, Name name) {
    return tested.report().steps().stream()
        .filter(step -> step.step() == name)
        .findFirst()
        .orElseThrow(() -> new AssertionError("No step " + name + " in " + tested.report()));
  }

  /** {@code name status}, in order; a failed step with its reason. */
  static List<String> steps(Tested tested) {
    return tested.report().steps().stream()
        .map(
            step ->
                step.step().wireName()
                    + " "
                    + (step.status() == Report.Status.FAILED
                        ? step.reason().name()
                        : step.status().name().toLowerCase(Locale.ROOT)))
        .toList();
  }

  /** A connection under construction. */
  static final class Target {
    private final String driver;
    private final String host;
    private final int port;
    private final SortedMap<String, String> options = new TreeMap<>();
    private String user = "nobody";
    private String password = "pw-" + UUID.randomUUID();
    private String database = "none";
    private Connection.Tls tls;
    private Connection.Bastion bastion;
    private String accessToken;
    private String refreshToken;

    private Target(String driver, String host, int port) {
      this.driver = driver;
      this.host = host;
      this.port = port;
    }

    Target login(String user, String password) {
      this.user = user;
      this.password = password;
      return this;
    }

    Target database(String name) {
      database = name;
      return this;
    }

    Target option(String name, String value) {
      options.put(name, value);
      return this;
    }

    Target accessToken(String token) {
      accessToken = token;
      return this;
    }

    Target refreshToken(String token) {
      refreshToken = token;
      return this;
    }

    Target tls(String authorities) {
      tls = new Connection.Tls(authorities, null, null);
      return this;
    }

    Target tls(String authorities, String certificate, String key) {
      tls = new Connection.Tls(authorities, certificate, key == null ? null : Secret.of(key));
      return this;
    }

    Target tls(String authorities, String certificate, String key, String passphrase) {
      tls = new Connection.Tls(authorities, certificate, Secret.of(key), Secret.of(passphrase));
      return this;
    }

    Target via(
        String host,
        int port,
        String user,
        String password,
        String identity,
        String hostKey,
        boolean tunneling) {
      bastion =
          new Connection.Bastion(
              host,
              port,
              user,
              password == null ? null : Secret.of(password),
              identity == null ? null : Secret.of(identity),
              hostKey,
              tunneling,
              List.of());
      return this;
    }

    /** Goes through these before the bastion, each as an item of {@code sshJump}. */
    Target jumps(String... items) {
      bastion =
          new Connection.Bastion(
              bastion.host(),
              bastion.port(),
              bastion.username(),
              bastion.password(),
              bastion.identity(),
              bastion.hostKey(),
              bastion.tunneling(),
              Stream.of(items).map(item -> JumpHost.parse(item).orElseThrow()).toList());
      return this;
    }

    Connection build() {
      return new Connection(
          driver,
          host,
          port,
          user,
          password == null ? null : Secret.of(password),
          database,
          tls,
          bastion,
          accessToken == null ? null : Secret.of(accessToken),
          refreshToken == null ? null : Secret.of(refreshToken),
          options);
    }
  }
}
