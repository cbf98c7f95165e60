package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Report.Name;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SshKey;
import io.sluice.servers.SshServer;
import io.sluice.servers.TestCa;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProberTest {
  private static final String PASSWORD = "pw-" + UUID.randomUUID();
  private static final TestCa CA = TestCa.create("Good CA");
  private static MariaDbServer maria;
  private static PostgresServer postgres;
  private static SshServer bastion;
  private static final SshKey USER_KEY = SshKey.ed25519();
  private static Prober prober;

  @BeforeAll
  static void start() {
    maria = MariaDbServer.setup().tls(CA.server("127.0.0.1", "localhost")).start();
    maria.createUser("alice", PASSWORD);
    maria.createDatabase("shop", "alice");
    postgres = PostgresServer.setup().tls(CA.server("127.0.0.1", "localhost")).start();
    postgres.createUser("alice", PASSWORD);
    postgres.createDatabase("shop", "alice");
    bastion = SshServer.setup().user("hop", "hop-" + PASSWORD).user("key", USER_KEY).start();
    prober = Probe.prober();
  }

  @AfterAll
  static void stop() {
    prober.close();
    bastion.close();
    postgres.close();
    maria.close();
  }

  private static Probe.Target target(String driver) {
    boolean pg = driver.equals("postgresql");
    return Probe.target(driver, "127.0.0.1", pg ? postgres.port() : maria.port())
        .login("alice", PASSWORD)
        .database("shop");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void passesWithoutTls(String driver) {
    Tested tested = prober.test(target(driver).build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(tested.report().passed()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void passesWithTls(String driver) {
    Tested tested = prober.test(target(driver).tls(CA.certificatePem()).build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "tls passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(Probe.step(tested, Name.TLS).detail())
        .matches("TLSv1\\.3, certificate valid 36[45] days");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void passesThroughABastionWithTls(String driver) {
    Tested tested =
        prober.test(
            target(driver)
                .tls(CA.certificatePem())
                .via("127.0.0.1", bastion.port(), "hop", "hop-" + PASSWORD, null, null, true)
                .build());

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
  }

  @Test
  void pinnedKeyAndIdentity() {
    Tested tested =
        prober.test(
            target("postgresql")
                .via(
                    "127.0.0.1",
                    bastion.port(),
                    "key",
                    null,
                    USER_KEY.privateOpenSsh(),
                    bastion.hostKey().fingerprint(),
                    true)
                .build());
    assertThat(tested.report().passed()).as("%s", tested).isTrue();
  }
}
