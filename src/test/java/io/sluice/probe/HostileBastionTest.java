package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Status;
import io.sluice.model.Report.Step;
import io.sluice.probe.Prober.Extent;
import io.sluice.servers.MuteServer;
import io.sluice.servers.RogueSshServer;
import io.sluice.servers.RogueSshServer.Manner;
import io.sluice.servers.SshKey;
import io.sluice.servers.SshServer;
import io.sluice.servers.SshServer.Setup.Outdated;
import io.sluice.servers.SshServer.Setup.Vice;
import io.sluice.servers.ToxicProxy;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Bastions are chosen by the sender: whatever they do, a test ends and says where. */
class HostileBastionTest {
  private static final String HOP = "hop-" + UUID.randomUUID();
  private static final Duration STEP = Duration.ofMillis(1500);
  private static final Duration TOTAL = Duration.ofSeconds(3);

  /** What a client may have taken, with what the system's buffers hold. */
  private static final long BOUND_BYTES = 24L * 1024 * 1024;

  private static MuteServer database;
  private Prober prober;

  @BeforeAll
  static void start() {
    database = MuteServer.start();
  }

  @AfterAll
  static void stop() {
    database.close();
  }

  @BeforeEach
  void open() {
    prober = new Prober(Probe.DRIVERS, Probe.LOOPBACK, Probe.impatient(STEP, TOTAL));
  }

  @AfterEach
  void close() {
    prober.close();
    Awaitility.await()
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(
                        thread ->
                            thread.isAlive()
                                && (thread.getName().startsWith("probe-")
                                    || thread.getName().contains("BastionClient"))));
  }

  private Tested tunnel(String host, int port, String... jumps) {
    return tunnel(host, port, true, jumps);
  }

  private Tested tunnel(String host, int port, boolean tunneling, String... jumps) {
    return prober.test(
        Probe.target("mariadb", database.host(), database.port())
            .via(host, port, "hop", HOP, null, null, tunneling)
            .jumps(jumps)
            .build(),
        Extent.TUNNEL,
        false);
  }

  private static Step failed(Tested tested) {
    return tested.report().steps().stream()
        .filter(step -> step.status() == Status.FAILED)
        .findFirst()
        .orElseThrow(() -> new AssertionError("Nothing failed in " + tested));
  }

  private <K extends Enum<K>> Map<K, Tested> sideBySide(
      Class<K> type, Set<K> all, Function<K, Tested> test) {
    ExecutorService callers = Executors.newCachedThreadPool();
    try {
      Map<K, CompletableFuture<Tested>> running = new EnumMap<>(type);
      all.forEach(
          each ->
              running.put(each, CompletableFuture.supplyAsync(() -> test.apply(each), callers)));
      Map<K, Tested> tested = new EnumMap<>(type);
      running.forEach((each, end) -> tested.put(each, end.join()));
      return tested;
    } finally {
      callers.shutdownNow();
    }
  }

  @Test
  void aBastionThatHangsUpAtOnceWasReached() {
    try (ToxicProxy hangsUp = ToxicProxy.to(database.host(), database.port()).cut()) {
      // The reset overtakes the client now and then.
      for (int i = 0; i < 300; i++) {
        Step step = failed(tunnel(hangsUp.host(), hangsUp.port()));
        assertThat(step.step()).isEqualTo(Name.SSH_CONNECT);
        assertThat(step.reason()).isEqualTo(Reason.SSH_UNREACHABLE);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void aServerThatNeverExchangesKeysEndsWithTheDeadlineAndCostsNothing(Way way) {
    try (SshServer outer = SshServer.setup().user("hop", HOP).start()) {
      Map<Manner, RogueSshServer> servers = new EnumMap<>(Manner.class);
      for (Manner manner : Manner.values()) {
        servers.put(manner, RogueSshServer.start(manner));
      }
      Map<Manner, Tested> ends =
          sideBySide(
              Manner.class,
              servers.keySet(),
              manner -> {
                RogueSshServer rogue = servers.get(manner);
                return switch (way) {
                  case TUNNEL -> tunnel(rogue.host(), rogue.port());
                  case COMMAND -> tunnel(rogue.host(), rogue.port(), false);
                  case BEHIND_A_HOP ->
                      tunnel(rogue.host(), rogue.port(), "hop@127.0.0.1:" + outer.port());
                };
              });
      servers.values().forEach(RogueSshServer::close);

      ends.forEach(
          (manner, tested) -> {
            Step step = failed(tested);
            assertThat(step.step()).as("%s", manner).isEqualTo(Name.SSH_CONNECT);
            assertThat(step.reason()).isIn(Reason.SSH_UNREACHABLE, Reason.TIMEOUT);
            assertThat(step.field()).as("%s", manner).isEqualTo("sshHost");
            assertThat(tested.report().durationMs()).as("%s", manner).isLessThan(4000);
            assertThat(servers.get(manner).written()).as("%s", manner).isLessThan(BOUND_BYTES);
          });
      assertThat(failed(ends.get(Manner.HTTP)).hint()).contains("is not an SSH server");
      assertThat(failed(ends.get(Manner.HTTP)).retryable()).isFalse();
      assertThat(failed(ends.get(Manner.MUTE)).reason()).isEqualTo(Reason.TIMEOUT);
    }
  }

  /** By which way the hostile server is met. */
  enum Way {
    TUNNEL,
    COMMAND,
    BEHIND_A_HOP
  }

  @ParameterizedTest
  @EnumSource(Outdated.class)
  void aServerWithOutdatedAlgorithmsOnlyIsRefusedAndToldSo(Outdated respect) {
    try (SshServer old =
        SshServer.setup().user("hop", HOP).hostKey(SshKey.rsa()).outdated(respect).start()) {
      for (boolean tunneling : new boolean[] {true, false}) {
        Step step = failed(tunnel(old.host(), old.port(), tunneling));
        assertThat(step.step()).isEqualTo(Name.SSH_CONNECT);
        assertThat(step.reason()).isEqualTo(Reason.SSH_UNREACHABLE);
        assertThat(step.hint()).contains("outdated algorithms");
      }
      assertThat(old.logins()).isEmpty();
    }
  }

  @Test
  void aLoginThatIsNeverAnsweredEndsWithTheDeadline() {
    try (SshServer mute = SshServer.setup().user("hop", HOP).vice(Vice.MUTE_LOGIN).start()) {
      for (boolean tunneling : new boolean[] {true, false}) {
        Tested tested = tunnel(mute.host(), mute.port(), tunneling);
        assertThat(Probe.steps(tested)).contains("ssh.auth TIMEOUT");
        assertThat(tested.report().durationMs()).isLessThan(4000);
      }
    }
  }

  @Test
  void aServerThatLetsEverybodyInGetsNoPassword() {
    try (SshServer open = SshServer.setup().vice(Vice.OPEN_TO_ALL).start()) {
      assertThat(Probe.steps(tunnel(open.host(), open.port())))
          .contains("ssh.auth passed", "ssh.forward passed");
      assertThat(open.logins()).isEmpty();
    }
  }

  @Test
  void endlessKeyExchangesEndWithTheDeadline() {
    try (SshServer endless =
        SshServer.setup().user("hop", HOP).vice(Vice.ENDLESS_KEY_EXCHANGE).start()) {
      Tested tested =
          prober.test(
              Probe.target("mariadb", database.host(), database.port())
                  .via(endless.host(), endless.port(), "hop", HOP, null, null, true)
                  .build());
      assertThat(tested.report().passed()).isFalse();
      assertThat(failed(tested).step()).isIn(Name.SSH_FORWARD, Name.LOGIN);
      assertThat(tested.report().durationMs()).isLessThan(4000);
      Awaitility.await().until(() -> endless.open() == 0);
    }
  }

  @Test
  void whatABastionAsksForIsRefused() {
    try (SshServer asking = SshServer.setup().user("hop", HOP).vice(Vice.ASKS_BACK).start()) {
      Tested tested =
          prober.test(
              Probe.target("mariadb", database.host(), database.port())
                  .via(asking.host(), asking.port(), "hop", HOP, null, null, true)
                  .build());
      assertThat(tested.report().durationMs()).isLessThan(4000);
      Awaitility.await()
          .untilAsserted(() -> assertThat(asking.forwards()).contains("tcpip-forward refused"));
    }
  }

  @Test
  void aBastionThatDiesAtTheLastStepIsTheOneToBlame() {
    try (SshServer dying = SshServer.setup().user("hop", HOP).vice(Vice.DIES_AT_FORWARD).start()) {
      Tested tested = tunnel(dying.host(), dying.port());
      assertThat(Probe.steps(tested)).contains("ssh.auth passed", "ssh.forward SSH_UNREACHABLE");
      assertThat(failed(tested).field()).isEqualTo("sshHost");
    }
  }

  @Test
  void theHostKeyOfTheApprovedTypeIsAskedFor() {
    SshKey rsa = SshKey.rsa();
    SshKey user = SshKey.ed25519();
    try (SshServer both =
        SshServer.setup().user("hop", user).hostKey(SshKey.ed25519()).alsoHostKey(rsa).start()) {
      Tested tested =
          prober.test(
              Probe.target("mariadb", database.host(), database.port())
                  .via(
                      both.host(),
                      both.port(),
                      "hop",
                      null,
                      user.privateOpenSsh(),
                      rsa.publicLine(),
                      true)
                  .build(),
              Extent.TUNNEL,
              false);
      assertThat(tested.report().passed()).as("%s", tested).isTrue();
    }
  }
}
