package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SshKey;
import io.sluice.servers.SshServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BastionTest {
  private static final String HOP = "hop-" + UUID.randomUUID();
  private final SshKey userKey = SshKey.ed25519();
  private final SshServer bastion =
      SshServer.setup().user("hop", HOP).user("keyed", userKey).start();
  private final Prober prober = Probe.prober();

  @AfterEach
  void close() {
    prober.close();
    bastion.close();
  }

  private Probe.Target via(String driver, String hostKey) {
    return Targets.good(driver)
        .via(bastion.host(), bastion.port(), "hop", HOP, null, hostKey, true);
  }

  private static Prober strict() {
    ProbeSettings d = ProbeSettings.defaults();
    return new Prober(
        Probe.DRIVERS,
        Probe.LOOPBACK,
        new ProbeSettings(
            d.dns(),
            d.tcp(),
            d.ssh(),
            d.tls(),
            d.login(),
            d.query(),
            d.total(),
            true,
            d.maxTests(),
            d.maxTestsPerTarget(),
            d.lockoutWindow(),
            d.queueWait()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void theTunnelCarriesVerifiedTls(String driver) {
    Tested tested = prober.test(via(driver, null).tls(Targets.CA.certificatePem()).build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "ssh.connect passed",
            "ssh.hostkey passed",
            "ssh.auth passed",
            "ssh.forward passed",
            "tls passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(tested.observedHostKey()).isEqualTo(bastion.hostKey().publicLine());
    assertThat(bastion.forwards()).containsExactly("127.0.0.1:" + Targets.port(driver));
    Awaitility.await().until(() -> bastion.open() == 0);
  }

  @Test
  void theTunnelDoesNotHideAWrongName() {
    try (MariaDbServer server = MariaDbServer.setup().tls(Targets.CA.wrongHost()).start()) {
      for (String driver : List.of("mariadb", "mysql")) {
        Tested tested =
            prober.test(
                Targets.at(driver, server.host(), server.port())
                    .via(bastion.host(), bastion.port(), "hop", HOP, null, null, true)
                    .tls(Targets.CA.certificatePem())
                    .build());
        assertThat(Probe.steps(tested)).contains("tls TLS_HOSTNAME_MISMATCH", "login skipped");
      }
    }
  }

  @Test
  void aPinnedKeyIsComparedAsAWholeOrByItsFingerprint() {
    SshKey key = bastion.hostKey();
    for (String pin :
        List.of(
            key.fingerprint(),
            key.publicLine(),
            "[127.0.0.1]:22 " + key.publicLine(),
            key.publicLine() + " comment")) {
      assertThat(prober.test(via("mariadb", pin).build()).report().passed()).as(pin).isTrue();
    }
  }

  @Test
  void anotherHostKeyIsRefusedBeforeAnyLogin() {
    SshKey other = SshKey.ed25519();
    // Also where the server has no key of the approved type any more.
    SshKey otherType = SshKey.ecdsa();
    for (String pin : List.of(other.fingerprint(), other.publicLine(), otherType.publicLine())) {
      Tested tested = prober.test(via("mariadb", pin).build());
      assertThat(Probe.steps(tested))
          .contains("ssh.connect passed", "ssh.hostkey SSH_HOST_KEY_CHANGED", "ssh.auth skipped");
      String approved =
          pin.equals(otherType.publicLine()) ? otherType.fingerprint() : other.fingerprint();
      assertThat(Probe.step(tested, Name.SSH_HOSTKEY).hint())
          .contains(
              "Approved is " + approved, "shows " + bastion.hostKey().fingerprint(), "sshHostKey");
    }
    assertThat(bastion.logins()).isEmpty();
  }

  @Test
  void aPinOfAnotherTypeDoesNotMatch() {
    Tested tested = prober.test(via("mariadb", SshKey.ecdsa().publicLine()).build());

    assertThat(tested.report().passed()).isFalse();
    assertThat(bastion.logins()).isEmpty();
  }

  @Test
  void strictModeNamesTheFingerprintToApprove() {
    try (Prober strict = strict()) {
      Tested unknown = strict.test(via("mariadb", null).build());
      assertThat(Probe.steps(unknown)).contains("ssh.hostkey SSH_HOST_KEY_UNKNOWN");
      assertThat(Probe.step(unknown, Name.SSH_HOSTKEY).hint())
          .contains(bastion.hostKey().fingerprint());
      assertThat(bastion.logins()).isEmpty();
      Tested approved = strict.test(via("mariadb", bastion.hostKey().fingerprint()).build());
      assertThat(approved.report().passed()).isTrue();
    }
  }

  @Test
  void whatIsNoHostKeyIsRefusedAsAField() {
    for (String text : List.of("MD5:aa:bb", "ssh-ed25519 AAAAnonsense", "/etc/ssh/known_hosts")) {
      assertThatThrownBy(() -> prober.test(via("mariadb", text).build()))
          .isInstanceOfSatisfying(
              Refusal.class, e -> assertThat(e.errors().get(0).field()).isEqualTo("sshHostKey"));
    }
    assertThat(bastion.connections()).isZero();
  }

  @Test
  void aWrongBastionPasswordIsTriedOnce() {
    Probe.Target wrong =
        Targets.good("mariadb")
            .via(bastion.host(), bastion.port(), "hop", "wrong", null, null, true);
    Tested first = prober.test(wrong.build());
    Tested second = prober.test(wrong.build());

    assertThat(Probe.steps(first))
        .contains("ssh.auth SSH_AUTH_FAILED", "ssh.forward skipped", "login skipped");
    assertThat(Probe.steps(second)).contains("ssh.auth LOCKOUT_GUARD");
    assertThat(bastion.logins()).containsExactly("password hop refused");
    assertThat(bastion.connections()).isEqualTo(1);
  }

  @ParameterizedTest(name = "tunneling {0}")
  @ValueSource(booleans = {true, false})
  void aWrongBastionPasswordOfManyDataSourcesIsTriedOnceHoweverManyComeAtOnce(boolean tunneling) {
    List<String> steps = ofManyAtOnce("wrong", tunneling);

    assertThat(steps).filteredOn(all -> all.contains("ssh.auth SSH_AUTH_FAILED")).hasSize(1);
    assertThat(steps).filteredOn(all -> all.contains("ssh.auth LOCKOUT_GUARD")).hasSize(7);
    assertThat(bastion.logins()).containsExactly("password hop refused");
  }

  @ParameterizedTest(name = "tunneling {0}")
  @ValueSource(booleans = {true, false})
  void aRightBastionPasswordOfManyDataSourcesLetsAllThrough(boolean tunneling) {
    assertThat(ofManyAtOnce(HOP, tunneling))
        .allSatisfy(all -> assertThat(all).contains("ssh.auth passed"));
  }

  /** The steps of tests of eight databases behind one bastion. */
  private List<String> ofManyAtOnce(String password, boolean tunneling) {
    Executor clients = test -> new Thread(test).start();
    try (MuteServer databases = MuteServer.ofManyHosts()) {
      return IntStream.range(0, 8)
          .mapToObj(
              i ->
                  Probe.target("mariadb", databases.host(i), databases.port())
                      .login("user-" + i, "password-" + i)
                      .database("any")
                      .via(bastion.host(), bastion.port(), "hop", password, null, null, tunneling)
                      .build())
          .map(each -> CompletableFuture.supplyAsync(() -> prober.test(each), clients))
          .toList()
          .stream()
          .map(test -> Probe.steps(test.join()).toString())
          .toList();
    }
  }

  @Test
  void keysLogInInTheirUsualForms() {
    SshKey rsa = SshKey.rsa();
    SshKey ecdsa = SshKey.ecdsa();
    try (SshServer server =
        SshServer.setup()
            .user("ed", userKey)
            .user("rsa", rsa)
            .user("ec", ecdsa)
            .hostKey(SshKey.rsa())
            .start()) {
      record Login(String user, String key, String passphrase) {}
      for (Login login :
          List.of(
              new Login("ed", userKey.privateOpenSsh(), null),
              new Login("ed", userKey.privateOpenSsh("phrase"), "phrase"),
              new Login("rsa", rsa.privateOpenSsh(), null),
              new Login("rsa", rsa.privateTraditional(), null),
              new Login("ec", ecdsa.privateOpenSsh(), null))) {
        Tested tested =
            prober.test(
                Targets.good("mariadb")
                    .via(
                        server.host(),
                        server.port(),
                        login.user(),
                        login.passphrase(),
                        login.key(),
                        server.hostKey().publicLine(),
                        true)
                    .build());
        assertThat(tested.report().passed()).as("%s %s", login.user(), tested).isTrue();
      }
      assertThat(server.logins()).noneMatch(login -> login.startsWith("password"));
    }
  }

  @Test
  void aPassphraseIsNeverOfferedAsAPassword() {
    Tested tested =
        prober.test(
            Targets.good("mariadb")
                .via(
                    bastion.host(),
                    bastion.port(),
                    "hop",
                    HOP,
                    SshKey.ed25519().privateOpenSsh(HOP),
                    null,
                    true)
                .build());

    assertThat(Probe.step(tested, Name.SSH_AUTH).reason()).isEqualTo(Reason.SSH_AUTH_FAILED);
    assertThat(Probe.step(tested, Name.SSH_AUTH).field()).isEqualTo("sshIdentity");
    assertThat(bastion.logins()).allMatch(login -> login.startsWith("publickey"));
  }

  @Test
  void aKeyThatCannotBeReadIsNotSent() {
    Tested tested =
        prober.test(
            Targets.good("mariadb")
                .via(
                    bastion.host(),
                    bastion.port(),
                    "keyed",
                    "wrong phrase",
                    userKey.privateOpenSsh("phrase"),
                    null,
                    true)
                .build());

    assertThat(Probe.steps(tested)).contains("ssh.auth SSH_AUTH_FAILED");
    assertThat(Probe.step(tested, Name.SSH_AUTH).message()).contains("passphrase in sshPassword");
    assertThat(Probe.step(tested, Name.SSH_AUTH).hint()).contains("belongs to this key");
    Tested without =
        prober.test(
            Targets.good("mariadb")
                .via(
                    bastion.host(),
                    bastion.port(),
                    "keyed",
                    null,
                    userKey.privateOpenSsh("phrase"),
                    null,
                    true)
                .build());
    assertThat(Probe.step(without, Name.SSH_AUTH).field()).isEqualTo("sshPassword");
    assertThat(Probe.step(without, Name.SSH_AUTH).message()).contains("sshPassword is not set");
    assertThat(Probe.step(without, Name.SSH_AUTH).hint()).contains("as sshPassword");
    assertThat(bastion.logins()).isEmpty();
  }

  @Test
  void aBastionThatForbidsForwardingIsNamed() {
    try (SshServer closed = SshServer.setup().user("hop", HOP).refuseForwarding().start()) {
      Tested tested =
          prober.test(
              Targets.good("mariadb")
                  .via(closed.host(), closed.port(), "hop", HOP, null, null, true)
                  .build());
      assertThat(Probe.steps(tested))
          .contains("ssh.auth passed", "ssh.forward SSH_FORWARD_REFUSED", "login skipped");
      assertThat(Probe.step(tested, Name.SSH_FORWARD).retryable()).isFalse();
    }
  }

  @Test
  void withoutTunnelingTheBastionIsCheckedAndTheDatabaseReachedDirectly() {
    Tested tested =
        prober.test(
            Targets.good("mariadb")
                .via(bastion.host(), bastion.port(), "hop", HOP, null, null, false)
                .build());

    assertThat(tested.report().passed()).as("%s", tested).isTrue();
    assertThat(Probe.steps(tested)).contains("tcp passed", "ssh.connect passed", "ssh.auth passed");
    assertThat(bastion.forwards()).containsExactly("127.0.0.1:" + Targets.port("mariadb"));
  }

  @Test
  void aBastionThatIsNoSshServerIsUnreachable() {
    try (MuteServer closed = MuteServer.start()) {
      int port = closed.port();
      closed.close();
      Tested tested =
          prober.test(
              Targets.good("mariadb").via("127.0.0.1", port, "hop", HOP, null, null, true).build());
      assertThat(Probe.steps(tested)).contains("tcp SSH_UNREACHABLE");
    }
    try (MuteServer http =
            MuteServer.greeting(
                "HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        Prober impatient =
            new Prober(
                Probe.DRIVERS,
                Probe.LOOPBACK,
                Probe.impatient(Duration.ofMillis(500), Duration.ofSeconds(2)))) {
      Tested tested =
          impatient.test(
              Targets.good("mariadb")
                  .via("127.0.0.1", http.port(), "hop", HOP, null, null, true)
                  .build());
      assertThat(tested.report().passed()).isFalse();
      assertThat(Probe.steps(tested)).contains("tcp passed", "ssh.auth skipped");
    }
  }
}
