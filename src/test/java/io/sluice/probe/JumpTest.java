package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Report.Name;
import io.sluice.model.Report.Step;
import io.sluice.probe.Prober.Extent;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SshKey;
import io.sluice.servers.SshServer;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A chain of bastions. */
class JumpTest {
  private static final String HOP = "hop-" + UUID.randomUUID();

  private static SshServer first;
  private static SshServer second;
  private static SshServer last;
  private Prober prober;

  @BeforeAll
  static void start() {
    first = SshServer.setup().user("one", HOP).user("hop", HOP).start();
    second = SshServer.setup().user("hop", HOP).start();
    last = SshServer.setup().user("hop", HOP).commands().start();
  }

  @AfterAll
  static void stop() {
    last.close();
    second.close();
    first.close();
  }

  @BeforeEach
  void open() {
    prober = Probe.prober();
  }

  @AfterEach
  void close() {
    prober.close();
    Awaitility.await().until(() -> first.open() + second.open() + last.open() == 0);
  }

  private static String at(String user, SshServer server) {
    return (user == null ? "" : user + "@") + server.host() + ":" + server.port();
  }

  private static Probe.Target through(String... jumps) {
    return Targets.good("mariadb")
        .via(last.host(), last.port(), "hop", HOP, null, null, true)
        .jumps(jumps);
  }

  @Test
  void theWayLeadsThroughEachBastionInOrder() {
    Tested tested =
        prober.test(
            through(at("one", first), at(null, second)).tls(Targets.CA.certificatePem()).build());

    assertThat(Probe.steps(tested)).noneMatch(step -> step.matches(".* [A-Z_]+|.*skipped"));
    assertThat(first.forwards()).last().isEqualTo("127.0.0.1:" + second.port());
    assertThat(second.forwards()).last().isEqualTo("127.0.0.1:" + last.port());
    assertThat(last.forwards()).last().isEqualTo("127.0.0.1:" + Targets.port("mariadb"));
    assertThat(first.logins()).last().isEqualTo("password one accepted");
    assertThat(tested.observedJumpKeys())
        .containsExactly(first.hostKey().publicLine(), second.hostKey().publicLine());
    assertThat(tested.observedHostKey()).isEqualTo(last.hostKey().publicLine());
    for (Name name : List.of(Name.SSH_CONNECT, Name.SSH_HOSTKEY, Name.SSH_AUTH)) {
      assertThat(Probe.step(tested, name).detail()).startsWith("3 hops");
    }
  }

  @Test
  void theTunnelThroughTheChainIsTestedAlone() {
    Tested tested = prober.test(through(at(null, first)).build(), Extent.TUNNEL, false);

    assertThat(Probe.steps(tested)).contains("ssh.forward passed", "login skipped");
    assertThat(tested.report().passed()).isTrue();
  }

  @Test
  void withoutTunnelingTheLastBastionOfTheChainTriesThePort() {
    Tested tested =
        prober.test(
            Targets.good("mariadb")
                .via(last.host(), last.port(), "hop", HOP, null, null, false)
                .jumps(at("hop", first))
                .build());

    assertThat(tested.report().passed()).as("%s", tested).isTrue();
    assertThat(Probe.step(tested, Name.SSH_FORWARD).detail()).contains("command");
  }

  @Test
  void anotherHostKeyOfAHopIsRefusedBeforeItsLogin() {
    int logins = second.logins().size();
    Tested tested =
        prober.test(
            through(
                    at("hop", first) + " " + first.hostKey().fingerprint(),
                    at("hop", second) + " " + SshKey.ed25519().publicLine())
                .build());

    assertThat(Probe.steps(tested))
        .contains("ssh.hostkey SSH_HOST_KEY_CHANGED", "ssh.auth skipped");
    Step step = Probe.step(tested, Name.SSH_HOSTKEY);
    assertThat(step.field()).isEqualTo("sshJump");
    assertThat(step.hint()).startsWith("Hop 2 of 3, " + at("hop", second) + ": ");
    assertThat(second.logins()).hasSize(logins);
  }

  @Test
  void aLoginThatAHopRefusesIsTriedOnce() {
    int logins = second.logins().size();
    Probe.Target target = through(at("hop", first), at("stranger", second));
    Tested tested = prober.test(target.build());
    Tested again = prober.test(target.build());

    Step step = Probe.step(tested, Name.SSH_AUTH);
    assertThat(Probe.steps(tested)).contains("ssh.auth SSH_AUTH_FAILED");
    assertThat(step.hint()).startsWith("Hop 2 of 3, ").contains("sshJump");
    assertThat(Probe.steps(again)).contains("ssh.auth LOCKOUT_GUARD");
    assertThat(second.logins()).hasSize(logins + 1);
    // The same login elsewhere is another one.
    assertThat(prober.test(through(at("hop", first), at("hop", second)).build()).report().passed())
        .isTrue();
  }

  @Test
  void aHopThatCannotBeReachedFromTheOneBeforeIsNamed() {
    int closed;
    try (MuteServer gone = MuteServer.start()) {
      closed = gone.port();
    }
    Tested refused = prober.test(through(at("hop", first), "127.0.0.1:" + closed).build());
    Step step = Probe.step(refused, Name.SSH_CONNECT);
    assertThat(Probe.steps(refused)).contains("ssh.connect SSH_UNREACHABLE", "ssh.auth skipped");
    assertThat(step.field()).isEqualTo("sshJump");
    assertThat(step.hint())
        .startsWith("Hop 2 of 3, ")
        .contains("Hop 1 (" + at("hop", first) + ") does not reach it");

    Tested unknown =
        prober.test(
            Targets.good("mariadb")
                .via("nowhere.invalid", 22, "hop", HOP, null, null, true)
                .jumps(at("hop", first))
                .build());
    assertThat(Probe.step(unknown, Name.SSH_CONNECT).field()).isEqualTo("sshHost");
    assertThat(Probe.step(unknown, Name.SSH_CONNECT).hint()).startsWith("Hop 2 of 2, ");

    try (SshServer forbids = SshServer.setup().user("hop", HOP).refuseForwarding().start()) {
      Tested prohibited = prober.test(through(at("hop", forbids)).build());
      assertThat(Probe.step(prohibited, Name.SSH_CONNECT).hint())
          .startsWith("Hop 2 of 2, ")
          .contains("forbids forwarding");
      assertThat(Probe.step(prohibited, Name.SSH_CONNECT).retryable()).isFalse();
    }
  }

  @Test
  void aSilentServerBehindABastionEndsWithTheDeadline() {
    try (MuteServer mute = MuteServer.start();
        Prober impatient =
            new Prober(
                Probe.DRIVERS,
                Probe.LOOPBACK,
                Probe.impatient(Duration.ofMillis(1500), Duration.ofSeconds(3)))) {
      Tested tested =
          impatient.test(through(at("hop", first), mute.host() + ":" + mute.port()).build());
      Step step = Probe.step(tested, Name.SSH_CONNECT);
      assertThat(Probe.steps(tested)).contains("ssh.connect TIMEOUT");
      assertThat(step.field()).isEqualTo("sshJump");
      assertThat(step.hint()).startsWith("Hop 2 of 3, ");
      assertThat(tested.report().durationMs()).isLessThan(4000);
    }
  }

  @Test
  void theEgressPolicyHoldsForEveryHop() {
    int forwards = first.forwards().size();
    for (String denied : List.of("169.254.169.254", "[fd00:ec2::254]:22", "0.0.0.0")) {
      Tested tested = prober.test(through(denied).build());
      assertThat(Probe.steps(tested)).as(denied).contains("policy POLICY_DENIED");
      assertThat(Probe.step(tested, Name.POLICY).field()).isEqualTo("sshJump");
      Tested later = prober.test(through(at("hop", first), denied).build());
      assertThat(Probe.steps(later))
          .as(denied)
          .contains("ssh.connect POLICY_DENIED", "ssh.hostkey skipped");
      assertThat(Probe.step(later, Name.SSH_CONNECT).field()).isEqualTo("sshJump");
      for (boolean tunneling : List.of(true, false)) {
        String literal = denied.replaceAll("\\[|].*", "");
        Tested database =
            prober.test(
                Targets.at("mariadb", literal, 3306)
                    .via(first.host(), first.port(), "hop", HOP, null, null, tunneling)
                    .build(),
                Extent.TUNNEL,
                false);
        assertThat(Probe.steps(database)).as(denied).contains("ssh.forward POLICY_DENIED");
        assertThat(Probe.step(database, Name.SSH_FORWARD).field()).isEqualTo("host");
      }
    }
    assertThat(first.forwards()).hasSize(forwards);
  }
}
