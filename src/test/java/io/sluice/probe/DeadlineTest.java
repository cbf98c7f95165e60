package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.servers.BlackHole;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SshServer;
import io.sluice.servers.ToxicProxy;
import io.sluice.servers.ToxicProxy.Direction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a peer does or leaves undone, a test ends within its total deadline and a second. */
class DeadlineTest {
  private static final Duration STEP = Duration.ofMillis(700);
  private static final Duration TOTAL = Duration.ofSeconds(2);

  private final Prober prober =
      new Prober(Probe.DRIVERS, Probe.LOOPBACK, Probe.impatient(STEP, TOTAL));

  @AfterEach
  void close() {
    prober.close();
  }

  private Tested timed(Probe.Target target) {
    long started = System.nanoTime();
    Tested tested = prober.test(target.build());
    assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(TOTAL.plusSeconds(1));
    return tested;
  }

  @ParameterizedTest
  @CsvSource({
    "mariadb, false, login", "mysql, false, login", "postgresql, false, login",
    "mariadb, true, tls", "mysql, true, tls", "postgresql, true, tls"
  })
  void aServerThatNeverAnswersIsATimeoutOfItsStep(String driver, boolean tls, String step) {
    try (MuteServer server = MuteServer.start()) {
      Probe.Target target = Targets.at(driver, server.host(), server.port());
      Tested tested = timed(tls ? target.tls(Targets.CA.certificatePem()) : target);

      assertThat(Probe.steps(tested)).contains("tcp passed", step + " TIMEOUT", "query skipped");
      assertThat(tested.report().durationMs()).isBetween(600L, TOTAL.toMillis() - 1);
    }
  }

  /** Bytes after which the server falls silent: in the handshake, the login, the answers after. */
  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aServerMayFallSilentAtAnyByte(String driver) {
    // They only wait: some at a time, each for a target of its own.
    ExecutorService callers = Executors.newFixedThreadPool(4);
    try {
      List<CompletableFuture<Void>> ends = new ArrayList<>();
      for (boolean tls : new boolean[] {false, true}) {
        for (int bytes : List.of(1, 3, 9, 60, 90, 110, 200, 400, 1000, 1200)) {
          ends.add(
              CompletableFuture.runAsync(() -> aServerFallsSilent(driver, tls, bytes), callers));
        }
      }
      ends.forEach(CompletableFuture::join);
    } finally {
      callers.shutdownNow();
    }
  }

  private void aServerFallsSilent(String driver, boolean tls, int bytes) {
    try (ToxicProxy proxy =
        ToxicProxy.to(Targets.HOST, Targets.port(driver)).muteAfter(Direction.TO_CLIENT, bytes)) {
      Probe.Target target = Targets.at(driver, proxy.host(), proxy.port());
      Tested tested = timed(tls ? target.tls(Targets.CA.certificatePem()) : target);
      assertThat(tested.report().reason())
          .as("%s after %s bytes: %s", driver, bytes, tested)
          .isIn(Reason.TIMEOUT, null);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aServerThatDripsIsATimeout(String driver) {
    try (ToxicProxy proxy =
        ToxicProxy.to(Targets.HOST, Targets.port(driver))
            .slice(Direction.TO_CLIENT, 1, Duration.ofMillis(200))) {
      Tested tested = timed(Targets.at(driver, proxy.host(), proxy.port()));

      assertThat(tested.report().reason()).isEqualTo(Reason.TIMEOUT);
      // The proxy may first drip what it has read.
      Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> proxy.open() == 0);
    }
  }

  @Test
  void aBastionMayFallSilentAtAnyByte() {
    try (SshServer bastion = SshServer.setup().user("hop", "hop").start()) {
      for (int bytes : List.of(0, 10, 30, 900, 1500, 2000, 2300, 2600, 3000)) {
        try (ToxicProxy proxy =
            ToxicProxy.to(bastion.host(), bastion.port()).muteAfter(Direction.TO_CLIENT, bytes)) {
          Tested tested =
              timed(
                  Targets.good("mariadb")
                      .via(proxy.host(), proxy.port(), "hop", "hop", null, null, true));
          assertThat(tested.report().reason())
              .as("after %s bytes: %s", bytes, tested)
              .isIn(Reason.TIMEOUT, null);
        }
      }
    }
  }

  /** How many tests wait for the connection to their bastion. */
  private static long connecting() {
    return Thread.getAllStackTraces().values().stream()
        .filter(
            stack ->
                Stream.of(stack)
                    .anyMatch(
                        frame ->
                            frame.getClassName().endsWith(".Bastions")
                                && frame.getMethodName().equals("connect")))
        .count();
  }

  @Test
  void bastionsThatDoNotAnswerHoldUpNoOther() {
    ExecutorService callers = Executors.newCachedThreadPool();
    Duration step = Duration.ofSeconds(3);
    try (Prober patient =
            new Prober(Probe.DRIVERS, Probe.LOOPBACK, Probe.impatient(step, step.plus(step)));
        BlackHole hole = BlackHole.open();
        SshServer bastion = SshServer.setup().user("hop", "hop").start()) {
      List<CompletableFuture<Tested>> hanging = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        Probe.Target target =
            Targets.at("mariadb", "db" + i + ".example", 3306)
                .via(hole.host(), hole.port(), "hop", "hop", null, null, true);
        hanging.add(CompletableFuture.supplyAsync(() -> patient.test(target.build()), callers));
      }
      Awaitility.await().until(() -> connecting() == 6);
      Probe.Target target =
          Targets.good("mariadb")
              .via(bastion.host(), bastion.port(), "hop", "hop", null, null, true);
      Tested good = patient.test(target.build());

      assertThat(good.report().passed()).as("%s", good).isTrue();
      assertThat(hanging).noneMatch(CompletableFuture::isDone);
      assertThat(hanging)
          .allSatisfy(
              each -> {
                Tested tested = each.join();
                assertThat(Probe.steps(tested)).contains("tcp TIMEOUT");
                assertThat(Probe.step(tested, Name.TCP).field()).isEqualTo("sshHost");
              });
    } finally {
      callers.shutdownNow();
    }
  }

  @Test
  void aTargetThatHangsTakesTwoPlacesAndTheOthersGoOn() {
    ExecutorService callers = Executors.newCachedThreadPool();
    try (MuteServer mute = MuteServer.start()) {
      List<CompletableFuture<Object>> hanging = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        String password = "password " + i;
        hanging.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    return prober.test(
                        Targets.at("mariadb", mute.host(), mute.port())
                            .login(Targets.USER, password)
                            .build());
                  } catch (Refusal e) {
                    return e.reason();
                  }
                },
                callers));
      }
      Awaitility.await().until(() -> mute.connections() == 2);
      assertThat(prober.test(Targets.good("mariadb").build()).report().passed()).isTrue();

      List<Object> ends = hanging.stream().map(CompletableFuture::join).toList();
      assertThat(ends).filteredOn(end -> end == Reason.OVERLOADED).hasSize(3);
      assertThat(mute.connections()).isEqualTo(2);
    } finally {
      callers.shutdownNow();
    }
  }
}
