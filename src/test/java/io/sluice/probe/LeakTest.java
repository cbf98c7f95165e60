package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.servers.LiveObjects;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SshServer;
import io.sluice.servers.TdsServer;
import io.sluice.servers.ToxicProxy;
import io.sluice.servers.ToxicProxy.Direction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Nothing is left behind by a test, however it ended. */
class LeakTest {
  private static final int MORE_ROUNDS = 4;

  /**
   * What a connection test makes objects of and no server of the tests does: the product's classes,
   * sockets among them, the drivers' and the SSH client's.
   */
  private static final List<String> OF_A_TEST =
      List.of(
          "io.sluice.model.",
          "io.sluice.probe.",
          "org.mariadb.",
          "com.mysql.",
          "org.postgresql.",
          "com.microsoft.",
          "org.apache.sshd.client.");

  private static boolean isOfATest(String name) {
    return OF_A_TEST.stream().anyMatch(name::startsWith);
  }

  /** The product's threads; the mute and SSH servers of the tests have other names. */
  private static List<String> threads() {
    return Thread.getAllStackTraces().entrySet().stream()
        .filter(
            entry ->
                entry.getKey().getName().startsWith("probe-")
                    || entry.getKey().getName().contains("mssql")
                    || entry.getKey().getName().contains("BastionClient"))
        .map(entry -> entry.getKey() + " " + List.of(entry.getValue()))
        .toList();
  }

  @Test
  void socketsThreadsPlacesAndHeapReturnToTheBaseline() {
    try (SshServer bastion = SshServer.setup().user("hop", "hop").start();
        MuteServer mute = MuteServer.start();
        TdsServer tds =
            TdsServer.setup(Targets.CA.server(Targets.HOST))
                .user(Targets.USER, Targets.PASSWORD)
                .database("shop", Targets.USER)
                .start();
        ToxicProxy cut =
            ToxicProxy.to(Targets.HOST, Targets.port("mariadb"))
                .resetAfter(Direction.TO_CLIENT, 90)) {
      try (Prober warm =
          new Prober(
              Probe.DRIVERS,
              Probe.LOOPBACK,
              Probe.impatient(Duration.ofMillis(500), Duration.ofSeconds(2)))) {
        round(warm, bastion, mute, tds, cut);
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(threads()).isEmpty());
      // Where the client was the one to reset it, a connection of the server's has no address
      // either.
      mute.hangUp();
      int unconnected = OpenSockets.withoutAddress();
      List<Integer> ports =
          List.of(
              bastion.port(),
              mute.port(),
              tds.port(),
              cut.port(),
              Targets.port("mariadb"),
              Targets.port("mysql"),
              Targets.port("postgresql"));
      try (Prober prober =
          new Prober(
              Probe.DRIVERS,
              Probe.LOOPBACK,
              Probe.impatient(Duration.ofMillis(500), Duration.ofSeconds(2)))) {
        round(prober, bastion, mute, tds, cut);
        awaitEnds(bastion, tds, cut);
        mute.hangUp();
        LiveObjects live = LiveObjects.in(ProcessHandle.current(), LeakTest::isOfATest);
        for (int i = 0; i < MORE_ROUNDS; i++) {
          round(prober, bastion, mute, tds, cut);
        }
        awaitEnds(bastion, tds, cut);
        mute.hangUp();
        // What one test in a round leaves behind is there once for each round, at the least.
        Awaitility.await()
            .atMost(Duration.ofSeconds(20))
            .pollInterval(Duration.ofMillis(500))
            .untilAsserted(() -> assertThat(live.grownBy(MORE_ROUNDS)).isEmpty());
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(threads()).isEmpty());
      mute.hangUp();
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(OpenSockets.to(ports)).isEmpty());
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(
              () -> assertThat(OpenSockets.withoutAddress()).isLessThanOrEqualTo(unconnected + 3));
    }
  }

  private static void awaitEnds(SshServer bastion, TdsServer tds, ToxicProxy cut) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(10))
        .until(() -> bastion.open() == 0 && tds.open() == 0 && cut.open() == 0);
  }

  private static void round(
      Prober prober, SshServer bastion, MuteServer mute, TdsServer tds, ToxicProxy cut) {
    for (String driver : List.of("mariadb", "mysql", "postgresql")) {
      prober.test(Targets.good(driver).tls(Targets.CA.certificatePem()).build());
      prober.test(Targets.good(driver).login(Targets.USER, "wrong").build());
      prober.test(Targets.at(driver, mute.host(), mute.port()).build());
    }
    for (String password : List.of(Targets.PASSWORD, "wrong")) {
      prober.test(
          Targets.at("sqlserver", Targets.HOST, tds.port())
              .login(Targets.USER, password)
              .tls(Targets.CA.certificatePem())
              .build());
    }
    prober.test(Targets.at("sqlserver", mute.host(), mute.port()).build());
    prober.test(Targets.at("mariadb", cut.host(), cut.port()).build());
    // TLS in the tunnel: the JDK's close must not wait for an end that the channel never shows.
    prober.test(
        Targets.good("mariadb")
            .tls(Targets.CA.certificatePem())
            .via(bastion.host(), bastion.port(), "hop", "hop", null, null, true)
            .build());
    prober.test(
        Targets.at("postgresql", mute.host(), mute.port())
            .via(bastion.host(), bastion.port(), "hop", "hop", null, null, true)
            .build());
  }

  @Test
  void aWrongPasswordThatIsSentTwiceAtOnceIsTriedOnce() {
    ExecutorService callers = Executors.newCachedThreadPool();
    try (Prober prober = Probe.prober();
        ToxicProxy proxy =
            ToxicProxy.to(Targets.HOST, Targets.port("mariadb")).latency(Duration.ofMillis(20))) {
      Probe.Target wrong =
          Targets.at("mariadb", proxy.host(), proxy.port()).login(Targets.USER, "wrong");
      List<CompletableFuture<Reason>> ends = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        ends.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return prober.test(wrong.build()).report().reason();
                  } catch (Refusal e) {
                    return e.reason();
                  }
                },
                callers));
      }
      List<Reason> reasons = ends.stream().map(CompletableFuture::join).toList();
      assertThat(reasons).filteredOn(reason -> reason == Reason.AUTH_FAILED).hasSize(1);
      assertThat(proxy.connections()).isEqualTo(1);
    } finally {
      callers.shutdownNow();
    }
  }
}
