package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SshServer;
import io.sluice.servers.TdsServer;
import io.sluice.servers.TdsServer.Fault;
import io.sluice.servers.TestCa;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The SQL Server driver against an emulated server: what each end of a test looks like. */
class SqlServerTest {
  private static final TdsServer SERVER = setup(Targets.CA.server("127.0.0.1", "db.test")).start();
  private static final Duration STEP = Duration.ofMillis(700);
  private static final Duration TOTAL = Duration.ofSeconds(2);

  private final Prober prober = Probe.prober();

  private static TdsServer.Setup setup(TestCa.Issued identity) {
    return TdsServer.setup(identity)
        .user(Targets.USER, Targets.PASSWORD)
        .database("shop", Targets.USER)
        .database("secret")
        .refuse("locked", 18486)
        .refuse("expired", 18487)
        .refuse("changing", 18488)
        .refuse("crowd", 10928)
        .refuse("pipe", 233)
        .refuse("firewalled", 40615)
        .refuse("paused", 42109);
  }

  private static TdsServer.Setup setup() {
    return setup(Targets.CA.server("127.0.0.1"));
  }

  private static Probe.Target good() {
    return at(SERVER);
  }

  private static Probe.Target at(TdsServer server) {
    return Targets.at("sqlserver", "127.0.0.1", server.port());
  }

  private static String ca() {
    return Targets.CA.certificatePem();
  }

  @AfterEach
  void close() {
    prober.close();
  }

  @AfterAll
  static void stop() {
    SERVER.close();
  }

  @Test
  void aGoodConnectionPassesEveryStep() {
    Tested tested = prober.test(good().build());

    assertThat(Probe.steps(tested))
        .as("%s", tested)
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "login passed",
            "database passed",
            "query passed");
  }

  @Test
  void aGoodConnectionWithTlsSaysWhatWasVerified() {
    Tested tested = prober.test(good().tls(ca()).build());

    assertThat(Probe.steps(tested))
        .as("%s", tested)
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "tls passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(Probe.step(tested, Name.TLS).detail()).contains("TLSv1.2", "certificate valid 36");
  }

  @Test
  void theLoginSaysWhatWasSentAndNothingAboutThisMachine() {
    prober.test(good().option("instanceName", "REPORTS").login("été", "né{;}=é").build());

    assertThat(SERVER.logins())
        .last()
        .isEqualTo(new TdsServer.Login("été", "né{;}=é", "shop", "127.0.0.1\\REPORTS", "sluice"));
  }

  @Test
  void aLoginWithoutADatabaseIsTheUsersOwn() {
    assertThat(prober.test(good().database(null).build()).report().passed()).isTrue();
  }

  @Test
  void aWrongPasswordFailsTheLoginAndIsTriedOnce() {
    int before = SERVER.connections();
    Tested tested = prober.test(good().login(Targets.USER, "wrong").build());
    Tested again = prober.test(good().login(Targets.USER, "wrong").build());

    assertThat(Probe.steps(tested))
        .endsWith("login AUTH_FAILED", "database skipped", "query skipped");
    assertThat(Probe.step(tested, Name.LOGIN).field()).isEqualTo("password");
    assertThat(again.report().reason()).isEqualTo(Reason.LOCKOUT_GUARD);
    assertThat(SERVER.connections()).isEqualTo(before + 1);
    assertThat(tested.report().toString()).doesNotContain("words-of-the-server");
  }

  @ParameterizedTest
  @CsvSource({
    "locked, login AUTH_FAILED, username",
    "expired, login AUTH_FAILED, password",
    "changing, login AUTH_FAILED, password",
    "crowd, login TOO_MANY_CONNECTIONS, ",
    "pipe, login TOO_MANY_CONNECTIONS, ",
    "firewalled, login AUTH_FAILED, host",
    "paused, database UNREACHABLE, database"
  })
  void everyRefusalHasItsReason(String user, String end, String field) {
    Tested tested = prober.test(good().login(user, Targets.PASSWORD).build());

    assertThat(Probe.steps(tested)).contains(end);
    if (field != null) {
      assertThat(tested.report().steps())
          .filteredOn(step -> step.reason() != null)
          .allSatisfy(step -> assertThat(step.field()).isEqualTo(field));
    }
  }

  @Test
  void anUnknownDatabaseFailsAfterTheLogin() {
    assertThat(Probe.steps(prober.test(good().database("missing").build())))
        .endsWith("login passed", "database DATABASE_NOT_FOUND", "query skipped");
    assertThat(Probe.steps(prober.test(good().database("secret").build())))
        .endsWith("login passed", "database PERMISSION_DENIED", "query skipped");
  }

  @Test
  void aCertificateThatCannotBeTrustedEndsTheTestBeforeTheLogin() {
    TestCa other = TestCa.create("Other CA");
    try (TdsServer wrongHost = setup(Targets.CA.wrongHost()).start();
        TdsServer expired = setup(Targets.CA.expired("127.0.0.1")).start()) {
      int before = SERVER.logins().size();
      assertThat(Probe.steps(prober.test(good().tls(other.certificatePem()).build())))
          .contains("tls TLS_UNTRUSTED", "login skipped");
      assertThat(Probe.steps(prober.test(good().tls(null).build())))
          .contains("tls TLS_UNTRUSTED", "login skipped");
      assertThat(Probe.steps(prober.test(at(wrongHost).tls(ca()).build())))
          .contains("tls TLS_HOSTNAME_MISMATCH", "login skipped");
      assertThat(Probe.steps(prober.test(at(expired).tls(ca()).build())))
          .contains("tls TLS_EXPIRED", "login skipped");
      assertThat(SERVER.logins()).hasSize(before);
      assertThat(wrongHost.logins()).isEmpty();
      assertThat(expired.logins()).isEmpty();
    }
  }

  @Test
  void aClientCertificateOpensWhatNeedsOne() {
    TestCa.Issued client = Targets.CA.client("certified");
    TestCa.Issued stranger = TestCa.create("Other CA").client("certified");
    try (TdsServer server = setup().clientCertificates().start()) {
      Tested with =
          prober.test(at(server).tls(ca(), client.certificatePem(), client.keyPem()).build());
      Tested refused =
          prober.test(at(server).tls(ca(), stranger.certificatePem(), stranger.keyPem()).build());

      assertThat(with.report().passed()).as("%s", with).isTrue();
      assertThat(Probe.steps(refused)).contains("tls TLS_CLIENT_CERT_REFUSED", "login skipped");
      assertThat(server.logins()).hasSize(1);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"NO_TLS", "TLS_OFF"})
  void aServerWithoutTlsGetsNoLoginWhetherTlsWasAskedForOrNot(Fault fault) {
    try (TdsServer server = setup().fault(fault).start()) {
      Tested asked = prober.test(at(server).tls(ca()).build());
      Tested bare = prober.test(at(server).build());

      assertThat(Probe.steps(asked)).contains("tls TLS_NOT_OFFERED", "login skipped");
      assertThat(Probe.steps(bare)).contains("login PROTOCOL_MISMATCH");
      assertThat(Probe.step(bare, Name.LOGIN).hint()).contains("no encrypted login");
      assertThat(server.logins()).isEmpty();
      assertThat(new String(server.receivedInClear(), StandardCharsets.UTF_16LE))
          .doesNotContain(Targets.USER);
    }
  }

  @Test
  void aVersionOfTlsThatPacketsCannotCarryIsNotSpoken() {
    try (TdsServer server = setup().protocols("TLSv1.3").start()) {
      assertThat(Probe.steps(prober.test(at(server).tls(ca()).build())))
          .contains("tls PROTOCOL_MISMATCH", "login skipped");
      Tested bare = prober.test(at(server).build());
      assertThat(Probe.steps(bare)).contains("login PROTOCOL_MISMATCH");
      assertThat(Probe.step(bare, Name.LOGIN).hint()).contains("TLS 1.2");
      assertThat(server.logins()).isEmpty();
    }
  }

  @Test
  void theTunnelCarriesTlsThatIsVerifiedByTheRealName() {
    try (SshServer bastion = SshServer.setup().user("hop", "hop").start()) {
      Probe.Target tunnel =
          Targets.at("sqlserver", "localhost", SERVER.port())
              .via(bastion.host(), bastion.port(), "hop", "hop", null, null, true);

      Tested wrong = prober.test(tunnel.tls(ca()).build());
      assertThat(Probe.steps(wrong)).contains("ssh.forward passed", "tls TLS_HOSTNAME_MISMATCH");
      try (TdsServer named = setup(Targets.CA.server("localhost")).start()) {
        Tested tested =
            prober.test(
                Targets.at("sqlserver", "localhost", named.port())
                    .via(bastion.host(), bastion.port(), "hop", "hop", null, null, true)
                    .tls(ca())
                    .build());
        assertThat(tested.report().passed()).as("%s", tested).isTrue();
        assertThat(named.logins()).last().returns("localhost", TdsServer.Login::server);
      }
    }
  }

  @Test
  void aServerThatSendsItsClientsOnIsNotFollowed() {
    try (MuteServer elsewhere = MuteServer.start();
        TdsServer server = setup().fault(Fault.ROUTE).start().routeTo(elsewhere.port())) {
      Tested tested = prober.test(at(server).build());

      assertThat(Probe.steps(tested)).contains("login REDIRECT_REFUSED", "query skipped");
      assertThat(elsewhere.connections()).isZero();
    }
  }

  @Test
  void aMirrorIsNeitherUsedNorRemembered() throws Exception {
    try (TdsServer server = setup().fault(Fault.MIRROR).start()) {
      assertThat(prober.test(at(server).build()).report().passed()).isTrue();
    }
    assertThat((Map<?, ?>) remembered("FailoverMapSingleton", "failoverMap")).isEmpty();
    assertThat(remembered("SQLServerConnection", "dnsCache")).isNull();
  }

  private static Object remembered(String type, String field) throws ReflectiveOperationException {
    java.lang.reflect.Field memory =
        Class.forName("com.microsoft.sqlserver.jdbc." + type).getDeclaredField(field);
    memory.setAccessible(true);
    return memory.get(null);
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "GIANT_PACKET",
        "GIANT_PACKET_SIZE",
        "GIANT_FEATURE",
        "ENDLESS_TOKENS",
        "OTHER_COLUMNS",
        "GIANT_PACKET_SIZE_AT_QUERY"
      })
  void aServerCannotMakeTheDriverTakeMemory(Fault fault) {
    try (TdsServer server = setup().fault(fault).start()) {
      long started = System.nanoTime();
      Tested tested = prober.test(at(server).build());

      // A size that only matters to a longer life is not taken note of.
      boolean harmless = fault.name().startsWith("GIANT_PACKET_SIZE");
      assertThat(tested.report().reason())
          .as("%s", tested)
          .isEqualTo(harmless ? null : Reason.PROTOCOL_MISMATCH);
      assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(3));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "MUTE_AT_TERMS, tls, login",
    "DRIP, tls, login",
    "MUTE_IN_HANDSHAKE, tls, login",
    "MUTE_AT_LOGIN, login, login",
    "NO_LOGIN_ACK, login, login",
    "MUTE_AT_QUERY, query, query"
  })
  void aServerThatFallsSilentIsATimeoutOfItsStep(Fault fault, String withTls, String without) {
    for (boolean tls : new boolean[] {true, false}) {
      try (TdsServer server = setup().fault(fault).start();
          Prober impatient =
              new Prober(Probe.DRIVERS, Probe.LOOPBACK, Probe.impatient(STEP, TOTAL))) {
        Tested tested = impatient.test((tls ? at(server).tls(ca()) : at(server)).build());

        assertThat(Probe.steps(tested)).contains((tls ? withTls : without) + " TIMEOUT");
        assertThat(tested.report().durationMs()).isBetween(600L, TOTAL.toMillis() + 1000);
        Awaitility.await().until(() -> server.open() == 0);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"postgresql", "mariadb"})
  void anotherDatabaseOnThePortIsAMismatch(String other) {
    for (boolean tls : new boolean[] {true, false}) {
      Probe.Target target = Targets.at("sqlserver", Targets.HOST, Targets.port(other));
      long started = System.nanoTime();
      Tested tested = prober.test((tls ? target.tls(ca()) : target).build());

      assertThat(Probe.steps(tested)).contains((tls ? "tls" : "login") + " PROTOCOL_MISMATCH");
      assertThat(Duration.ofNanos(System.nanoTime() - started))
          .isLessThan(ProbeSettings.defaults().login());
    }
  }

  @Test
  void aWebOrSshServerOnThePortIsAMismatch() {
    try (SshServer ssh = SshServer.setup().user("hop", "hop").start();
        MuteServer web =
            MuteServer.greeting("HTTP/1.1 400 Bad Request\r\n".getBytes(StandardCharsets.UTF_8))) {
      for (int port : List.of(ssh.port(), web.port())) {
        assertThat(Probe.steps(prober.test(Targets.at("sqlserver", "127.0.0.1", port).build())))
            .contains("login PROTOCOL_MISMATCH");
      }
    }
  }

  @Test
  void aPostgresqlDriverAtASqlServerIsAMismatch() {
    for (boolean tls : new boolean[] {true, false}) {
      Probe.Target target = Targets.at("postgresql", "127.0.0.1", SERVER.port());
      Tested tested = prober.test((tls ? target.tls(ca()) : target).build());

      assertThat(Probe.steps(tested)).contains((tls ? "tls" : "login") + " PROTOCOL_MISMATCH");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mysql", "mariadb"})
  void whereBothSidesWaitForTheOtherTheHintNamesThePort(String driver) {
    try (Prober impatient =
        new Prober(Probe.DRIVERS, Probe.LOOPBACK, Probe.impatient(STEP, TOTAL))) {
      Tested tested = impatient.test(Targets.at(driver, "127.0.0.1", SERVER.port()).build());

      assertThat(Probe.steps(tested)).contains("login TIMEOUT");
      assertThat(Probe.step(tested, Name.LOGIN).hint()).contains("says the first word");
    }
  }
}
