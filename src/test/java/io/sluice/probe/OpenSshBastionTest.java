package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.model.Report.Name;
import io.sluice.model.Report.Status;
import io.sluice.model.Report.Step;
import io.sluice.probe.Prober.Extent;
import io.sluice.servers.MuteServer;
import io.sluice.servers.OpenSshServer;
import io.sluice.servers.SshKey;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The same as everybody's bastion says it. */
class OpenSshBastionTest {
  private static MuteServer database;
  private static OpenSshServer bastion;
  private static OpenSshServer restricted;
  private static int closedPort;
  private Prober prober;

  @BeforeAll
  static void start() {
    assumeTrue(OpenSshServer.installed(), "There is no sshd on this machine.");
    database = MuteServer.start();
    try (MuteServer closed = MuteServer.start()) {
      closedPort = closed.port();
    }
    bastion = OpenSshServer.setup().start();
    restricted =
        OpenSshServer.setup()
            .line("AllowTcpForwarding no")
            .line("ForceCommand echo No commands here.")
            .start();
  }

  @AfterAll
  static void stop() {
    if (bastion != null) {
      restricted.close();
      bastion.close();
      database.close();
    }
  }

  @BeforeEach
  void open() {
    prober = Probe.prober();
  }

  @AfterEach
  void close() {
    prober.close();
  }

  private Tested tunnel(OpenSshServer server, String host, int port, boolean tunneling) {
    return prober.test(
        Probe.target("mariadb", host, port)
            .via(
                server.host(),
                server.port(),
                server.user(),
                null,
                server.userKey().privateOpenSsh(),
                null,
                tunneling)
            .build(),
        Extent.TUNNEL,
        false);
  }

  private static Step forward(Tested tested) {
    return Probe.step(tested, Name.SSH_FORWARD);
  }

  @Test
  void theTunnelAndTheCommandBothReachTheDatabase() {
    Tested tunneled = tunnel(bastion, database.host(), database.port(), true);
    assertThat(forward(tunneled).status()).as("%s", tunneled).isEqualTo(Status.PASSED);
    Tested asked = tunnel(bastion, database.host(), database.port(), false);
    assertThat(forward(asked).status()).as("%s", asked).isEqualTo(Status.PASSED);
    assertThat(forward(asked).detail()).isEqualTo("by a command on the bastion");
    assertThat(database.connections()).isGreaterThanOrEqualTo(2);
  }

  @Test
  void aClosedPortAndAnUnknownNameAreToldApartOnBothWays() {
    for (boolean tunneling : List.of(true, false)) {
      Step closed = forward(tunnel(bastion, database.host(), closedPort, tunneling));
      assertThat(closed.reason().name()).isEqualTo("SSH_FORWARD_REFUSED");
      assertThat(closed.field()).as("tunneling %s", tunneling).isEqualTo("port");
      assertThat(closed.hint()).contains("nothing listens");

      Step unknown = forward(tunnel(bastion, "nowhere.invalid", 3306, tunneling));
      assertThat(unknown.reason().name()).isEqualTo("SSH_FORWARD_REFUSED");
      assertThat(unknown.field()).as("tunneling %s", tunneling).isEqualTo("host");
      assertThat(unknown.hint()).contains("does not know");
    }
  }

  @Test
  void aBastionThatForbidsForwardingIsNamedAlsoWhereItRunsNoCommand() {
    for (boolean tunneling : List.of(true, false)) {
      Step step = forward(tunnel(restricted, database.host(), database.port(), tunneling));
      assertThat(step.reason().name()).isEqualTo("SSH_FORWARD_REFUSED");
      assertThat(step.field()).isEqualTo("sshTunneling");
      assertThat(step.hint()).contains("AllowTcpForwarding");
      assertThat(step.hint().contains("command was tried")).isEqualTo(!tunneling);
      assertThat(step.retryable()).isFalse();
    }
  }

  @Test
  void aKeyThatIsAcceptedAndNotEnoughIsNotBlamed() {
    try (OpenSshServer twoKeys =
        OpenSshServer.setup().line("AuthenticationMethods publickey,publickey").start()) {
      for (int i = 0; i < 2; i++) {
        Step step =
            Probe.step(tunnel(twoKeys, database.host(), database.port(), true), Name.SSH_AUTH);
        assertThat(step.reason().name()).isEqualTo("SSH_AUTH_FAILED");
        assertThat(step.hint()).contains("accepts it", "AuthenticationMethods");
      }
    }
  }

  @Test
  void aBastionThatTakesKeysOnlyAsksForOne() {
    try (OpenSshServer keysOnly =
        OpenSshServer.setup()
            .line("PasswordAuthentication no")
            .line("KbdInteractiveAuthentication no")
            .start()) {
      Tested tested =
          prober.test(
              Probe.target("mariadb", database.host(), database.port())
                  .via(keysOnly.host(), keysOnly.port(), keysOnly.user(), "pw", null, null, true)
                  .build(),
              Extent.TUNNEL,
              false);
      Step step = Probe.step(tested, Name.SSH_AUTH);
      assertThat(step.reason().name()).isEqualTo("SSH_AUTH_FAILED");
      assertThat(step.field()).isEqualTo("sshIdentity");
      assertThat(step.hint()).contains("takes no passwords");
    }
  }

  @Test
  void whereACommandIsForcedAChannelTriesThePort() {
    try (OpenSshServer forced =
        OpenSshServer.setup().line("ForceCommand sleep 0.4; echo 7 open").start()) {
      Step step = forward(tunnel(forced, database.host(), database.port(), false));
      assertThat(step.status()).isEqualTo(Status.PASSED);
      assertThat(step.detail()).contains("channel");
      // What the command took is in the step that it was for.
      assertThat(step.durationMs()).isGreaterThanOrEqualTo(400);
    }
  }

  @Test
  void loginsThatAreRefusedSayWhichFieldToLookAt() {
    Tested key =
        prober.test(
            Probe.target("mariadb", database.host(), database.port())
                .via(
                    bastion.host(),
                    bastion.port(),
                    bastion.user(),
                    null,
                    SshKey.ed25519().privateOpenSsh(),
                    null,
                    true)
                .build());
    assertThat(Probe.steps(key)).contains("ssh.auth SSH_AUTH_FAILED");
    assertThat(Probe.step(key, Name.SSH_AUTH).field()).isEqualTo("sshIdentity");

    assumeTrue(bastion.passwordUser().isPresent(), "Only root makes users.");
    OpenSshServer.PasswordUser user = bastion.passwordUser().get();
    for (String name : List.of(user.name(), "nobody-" + user.name())) {
      Tested password =
          prober.test(
              Probe.target("mariadb", database.host(), database.port())
                  .via(bastion.host(), bastion.port(), name, "wrong", null, null, false)
                  .build(),
              Extent.TUNNEL,
              false);
      assertThat(Probe.steps(password)).as(name).contains("ssh.auth SSH_AUTH_FAILED");
      assertThat(Probe.step(password, Name.SSH_AUTH).field()).isEqualTo("sshPassword");
    }
    Tested good =
        prober.test(
            Probe.target("mariadb", database.host(), database.port())
                .via(
                    bastion.host(), bastion.port(), user.name(), user.password(), null, null, false)
                .build(),
            Extent.TUNNEL,
            false);
    assertThat(good.report().passed()).as("%s", good).isTrue();
  }

  @Test
  void aChainLeadsThroughIt() {
    Tested tested =
        prober.test(
            Probe.target("mariadb", database.host(), database.port())
                .via(
                    bastion.host(),
                    bastion.port(),
                    bastion.user(),
                    null,
                    bastion.userKey().privateOpenSsh(),
                    null,
                    true)
                .jumps(
                    bastion.host() + ":" + bastion.port(),
                    bastion.host() + ":" + bastion.port() + " " + bastion.hostKey().fingerprint())
                .build(),
            Extent.TUNNEL,
            false);
    assertThat(tested.report().passed()).as("%s", tested).isTrue();
    assertThat(tested.observedJumpKeys()).containsOnly(bastion.hostKey().publicLine());
  }
}
