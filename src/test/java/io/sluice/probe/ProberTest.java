package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Step;
import io.sluice.model.Report.Warning;
import io.sluice.servers.BlackHole;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.MuteServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.TestCa;
import io.sluice.servers.TestCa.KeyKind;
import io.sluice.servers.ToxicProxy;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.IntConsumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProberTest {
  private Prober prober;

  @BeforeEach
  void open() {
    prober = Probe.prober();
  }

  @AfterEach
  void close() {
    prober.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aGoodConnectionPassesEveryStep(String driver) {
    Tested tested = prober.test(Targets.good(driver).build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(tested.report().status()).isEqualTo(Report.Status.PASSED);
    assertThat(tested.report().reason()).isNull();
    assertThat(tested.report().target())
        .isEqualTo(driver + "://127.0.0.1:" + Targets.port(driver) + "/shop");
    assertThat(tested.observedHostKey()).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aNameIsConnectedToAndVerifiedByThatName(String driver) {
    Tested tested =
        prober.test(
            Targets.at(driver, "localhost", Targets.port(driver))
                .tls(Targets.CA.certificatePem())
                .build());

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
  void aWrongPasswordFailsTheLogin(String driver) {
    Tested tested = prober.test(Targets.good(driver).login(Targets.USER, "wrong").build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "login AUTH_FAILED",
            "database skipped",
            "query skipped");
    assertThat(Probe.step(tested, Name.LOGIN).field()).isEqualTo("password");
    assertThat(tested.report().reason()).isEqualTo(Reason.AUTH_FAILED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void refusedCredentialsAreSentOnlyOnce(String driver) {
    try (ToxicProxy proxy = ToxicProxy.to(Targets.HOST, Targets.port(driver))) {
      Probe.Target wrong =
          Targets.at(driver, proxy.host(), proxy.port()).login(Targets.USER, "wrong");
      prober.test(wrong.build());
      Tested again = prober.test(wrong.build());
      assertThat(proxy.connections()).isEqualTo(1);
      assertThat(Probe.steps(again))
          .containsExactly(
              "policy skipped",
              "dns skipped",
              "tcp skipped",
              "login LOCKOUT_GUARD",
              "database skipped",
              "query skipped");

      Tested forced = prober.test(wrong.build(), Prober.Extent.WHOLE, true);
      assertThat(proxy.connections()).isEqualTo(2);
      assertThat(forced.report().reason()).isEqualTo(Reason.AUTH_FAILED);

      Tested corrected = prober.test(Targets.at(driver, proxy.host(), proxy.port()).build());
      assertThat(corrected.report().passed()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void anUnknownDatabaseFailsAfterTheLogin(String driver) {
    // MariaDB names a missing database only to those who could see it.
    boolean postgres = driver.equals("postgresql");
    Probe.Target target = Targets.good(driver).database("missing");
    if (!postgres) {
      target.login(MariaDbServer.SUPERUSER, Targets.maria().superuserPassword());
    }
    Tested tested = prober.test(target.build());

    assertThat(Probe.steps(tested))
        .endsWith("login passed", "database DATABASE_NOT_FOUND", "query skipped");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aDatabaseOfOthersIsNotPermitted(String driver) {
    Tested tested = prober.test(Targets.good(driver).database("secret").build());

    assertThat(Probe.steps(tested))
        .endsWith("login passed", "database PERMISSION_DENIED", "query skipped");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aFullServerIsNamedAsSuch(String driver) throws Exception {
    try (Connection only =
        driver.equals("postgresql")
            ? Targets.postgres().connect("shop", "crowd", Targets.PASSWORD)
            : Targets.maria().connect("shop", "crowd", Targets.PASSWORD)) {
      assertThat(only.isValid(1)).isTrue();
      Tested tested = prober.test(Targets.good(driver).login("crowd", Targets.PASSWORD).build());

      assertThat(tested.report().reason()).isEqualTo(Reason.TOO_MANY_CONNECTIONS);
    }
  }

  @Test
  void aClosedPortIsRefused() throws IOException {
    int port;
    try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = closed.getLocalPort();
    }
    Tested tested = prober.test(Probe.target("mariadb", Targets.HOST, port).build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp CONNECTION_REFUSED",
            "login skipped",
            "database skipped",
            "query skipped");
    assertThat(Probe.step(tested, Name.TCP).field()).isEqualTo("port");
  }

  @Test
  void aNameThatDoesNotResolveIsUnknown() {
    Tested tested = prober.test(Probe.target("mariadb", "missing.invalid", 3306).build());

    assertThat(Probe.steps(tested)).startsWith("policy passed", "dns UNKNOWN_HOST", "tcp skipped");
  }

  @Test
  void loopbackIsDeniedUnlessTheOperatorAllowsIt() {
    try (Prober strict =
            new Prober(
                Probe.DRIVERS,
                new EgressPolicy(List.of(), List.of(), false, List.of()),
                ProbeSettings.defaults());
        MuteServer server = MuteServer.start()) {
      for (String host : List.of("127.0.0.1", "localhost", "::1", "127.9.9.9")) {
        Tested tested = strict.test(Probe.target("mariadb", host, server.port()).build());
        assertThat(Probe.steps(tested))
            .as(host)
            .startsWith("policy POLICY_DENIED", "dns skipped", "tcp skipped");
      }
      assertThat(server.connections()).isZero();
    }
  }

  @Test
  void aPacketFilterThatDropsIsATimeout() {
    try (BlackHole hole = BlackHole.open();
        Prober impatient =
            new Prober(
                Probe.DRIVERS,
                Probe.LOOPBACK,
                Probe.impatient(Duration.ofMillis(300), Duration.ofSeconds(2)))) {
      Tested tested = impatient.test(Probe.target("mariadb", hole.host(), hole.port()).build());

      assertThat(Probe.steps(tested)).contains("tcp TIMEOUT");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void anotherProtocolIsAMismatch(String driver) {
    try (MuteServer server =
            MuteServer.greeting("HTTP/1.1 400 Bad Request\r\n".getBytes(StandardCharsets.UTF_8));
        Prober impatient =
            new Prober(
                Probe.DRIVERS,
                Probe.LOOPBACK,
                Probe.impatient(Duration.ofSeconds(1), Duration.ofSeconds(3)))) {
      Tested tested = impatient.test(Targets.at(driver, server.host(), server.port()).build());

      assertThat(tested.report().reason()).isEqualTo(Reason.PROTOCOL_MISMATCH);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aConnectionThatIsCutIsUnreachable(String driver) {
    try (ToxicProxy proxy =
        ToxicProxy.to(Targets.HOST, Targets.port(driver))
            .dropAfter(ToxicProxy.Direction.TO_CLIENT, driver.equals("postgresql") ? 5 : 40)) {
      Tested tested = prober.test(Targets.at(driver, proxy.host(), proxy.port()).build());

      assertThat(Probe.steps(tested)).contains("login UNREACHABLE");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aCertificateOfAnUnknownAuthorityIsUntrusted(String driver) {
    String other = TestCa.create("Other CA").certificatePem();

    Tested tested = prober.test(Targets.good(driver).tls(other).build());
    assertThat(Probe.steps(tested)).contains("tls TLS_UNTRUSTED", "login skipped");
    Tested jvm = prober.test(Targets.good(driver).tls(null).build());
    assertThat(Probe.steps(jvm)).contains("tls TLS_UNTRUSTED", "login skipped");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aCertificateForAnotherNameIsAMismatch(String driver) {
    TestCa ca = TestCa.create("CA");
    withTlsServer(
        driver,
        ca.wrongHost(),
        port -> {
          Tested tested =
              prober.test(Targets.at(driver, Targets.HOST, port).tls(ca.certificatePem()).build());
          assertThat(Probe.steps(tested)).contains("tls TLS_HOSTNAME_MISMATCH", "login skipped");
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void anExpiredCertificateIsExpired(String driver) {
    TestCa ca = TestCa.create("CA");
    withTlsServer(
        driver,
        ca.expired(Targets.HOST),
        port -> {
          Tested tested =
              prober.test(Targets.at(driver, Targets.HOST, port).tls(ca.certificatePem()).build());
          assertThat(Probe.steps(tested)).contains("tls TLS_EXPIRED", "login skipped");
        });
  }

  private static void withTlsServer(String driver, TestCa.Issued identity, IntConsumer test) {
    if (driver.equals("postgresql")) {
      try (PostgresServer server = PostgresServer.setup().tls(identity).start()) {
        test.accept(server.port());
      }
    } else {
      try (MariaDbServer server = MariaDbServer.setup().tls(identity).start()) {
        test.accept(server.port());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aServerWithoutTlsGetsNoLogin(String driver) {
    boolean postgres = driver.equals("postgresql");
    int port = postgres ? PostgresServer.shared().port() : MariaDbServer.shared().port();
    try (ToxicProxy proxy = ToxicProxy.to(Targets.HOST, port)) {
      Tested tested =
          prober.test(
              Targets.at(driver, proxy.host(), proxy.port())
                  .tls(Targets.CA.certificatePem())
                  .build());

      assertThat(Probe.steps(tested)).contains("tls TLS_NOT_OFFERED", "login skipped");
      assertThat(
              new String(
                  proxy.recorded(ToxicProxy.Direction.TO_SERVER), StandardCharsets.ISO_8859_1))
          .doesNotContain(Targets.USER);
    }
  }

  @ParameterizedTest
  @EnumSource(KeyKind.class)
  void aClientCertificateOpensWhatNeedsOne(KeyKind kind) {
    TestCa.Issued client = Targets.CLIENTS.request("certified").key(kind).client();
    Probe.Target target = Targets.good("postgresql").login("certified", Targets.PASSWORD);
    String ca = Targets.CA.certificatePem();

    Tested without = prober.test(target.tls(ca).build());
    assertThat(without.report().passed()).isFalse();
    Tested with = prober.test(target.tls(ca, client.certificatePem(), client.keyPem()).build());
    assertThat(with.report().passed()).as("%s", with).isTrue();
    if (kind != KeyKind.ED25519) {
      Tested old =
          prober.test(target.tls(ca, client.certificatePem(), client.keyTraditionalPem()).build());
      assertThat(old.report().passed()).as("%s", old).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aClientsKeyMayBeEncryptedInEveryUsualForm(String driver) {
    String ca = Targets.CA.certificatePem();
    Probe.Target target = Targets.good(driver).login("certified", Targets.PASSWORD);
    Tested without = prober.test(target.tls(ca).build());
    assertThat(without.report().passed()).as("%s", without).isFalse();
    try (Prober fresh = Probe.prober()) {
      for (KeyKind kind : List.of(KeyKind.RSA, KeyKind.EC)) {
        TestCa.Issued client = Targets.CLIENTS.request("certified").key(kind).client();
        for (String key :
            List.of(
                client.keyEncryptedPem("open sesame"),
                client.keyPbkdf2Pem("open sesame", 20_000),
                client.keyScryptPem("open sesame", 16_384, 8),
                client.keyTraditionalEncryptedPem("open sesame"))) {
          String form = driver + " " + kind + " " + key.lines().limit(3).toList();
          Tested with =
              fresh.test(target.tls(ca, client.certificatePem(), key, "open sesame").build());
          assertThat(with.report().passed()).as("%s: %s", form, with).isTrue();

          Tested wrong = fresh.test(target.tls(ca, client.certificatePem(), key, "x").build());
          assertThat(Probe.steps(wrong)).as(form).contains("tls TLS_CLIENT_CERT_REFUSED");
          assertThat(Probe.step(wrong, Name.TLS).field()).as(form).isEqualTo("keyfilePassword");
        }
        for (String key : List.of(client.keyPem(), client.keyTraditionalPem())) {
          Tested with = fresh.test(target.tls(ca, client.certificatePem(), key).build());
          assertThat(with.report().passed()).as("%s", with).isTrue();
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void certificatesThatEndSoonAreNamedWithTheirDays(String driver) {
    Instant now = Instant.now();
    TestCa.Issued client =
        Targets.CLIENTS.request("certified").validTo(now.plus(Duration.ofDays(5))).client();
    Probe.Target target =
        Targets.good(driver)
            .login("certified", Targets.PASSWORD)
            .tls(Targets.CA.certificatePem(), client.certificatePem(), client.keyPem());

    Step tls = Probe.step(prober.test(target.build()), Name.TLS);
    assertThat(tls.detail()).matches("TLSv1\\.[23], certificate valid 36[45] days");
    assertThat(tls.warnings())
        .extracting(Warning::certificate, Warning::field, Warning::daysLeft, Warning::message)
        .containsExactly(
            tuple("client", "certificate", 5L, "The client's certificate ends in 5 days."));
    try (Prober cautious =
        new Prober(Probe.DRIVERS, Probe.LOOPBACK, warning(Duration.ofDays(4000)))) {
      assertThat(Probe.step(cautious.test(target.build()), Name.TLS).warnings())
          .extracting(Warning::certificate, Warning::field)
          .containsExactly(
              tuple("server", "ssl"), tuple("authority", "sslCA"), tuple("client", "certificate"));
    }
    try (Prober careless = new Prober(Probe.DRIVERS, Probe.LOOPBACK, warning(Duration.ZERO))) {
      assertThat(Probe.step(careless.test(target.build()), Name.TLS).warnings()).isNull();
    }
  }

  private static ProbeSettings warning(Duration before) {
    ProbeSettings d = ProbeSettings.defaults();
    return new ProbeSettings(
        d.dns(),
        d.tcp(),
        d.ssh(),
        d.tls(),
        d.login(),
        d.query(),
        d.total(),
        false,
        8,
        d.maxSlowTests(),
        d.slowAfter(),
        8,
        Duration.ZERO,
        Duration.ZERO,
        before);
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aClientCertificateThatHasEndedIsNotSent(String driver) {
    Instant now = Instant.now();
    TestCa.Issued client =
        Targets.CLIENTS
            .request("certified")
            .validFrom(now.minus(Duration.ofDays(9)))
            .validTo(now.minus(Duration.ofDays(1)))
            .client();
    try (ToxicProxy proxy = ToxicProxy.to(Targets.HOST, Targets.port(driver))) {
      Tested tested =
          prober.test(
              Targets.at(driver, proxy.host(), proxy.port())
                  .tls(Targets.CA.certificatePem(), client.certificatePem(), client.keyPem())
                  .build());

      assertThat(Probe.steps(tested)).contains("tls TLS_EXPIRED", "login skipped");
      assertThat(Probe.step(tested, Name.TLS).field()).isEqualTo("certificate");
      assertThat(Probe.step(tested, Name.TLS).hint())
          .startsWith(
              "The client's certificate ended on "
                  + now.minus(Duration.ofDays(1)).toString().substring(0, 10));
      // The request for TLS, and nothing of a handshake or a login, when all has come.
      Awaitility.await().until(() -> proxy.open() == 0);
      assertThat(proxy.recorded(ToxicProxy.Direction.TO_SERVER).length)
          .isEqualTo(driver.equals("postgresql") ? 8 : 36);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aClientCertificateOfAnotherAuthorityIsRefused(String driver) {
    TestCa.Issued client = TestCa.create("Other CA").client("certified");

    Tested tested =
        prober.test(
            Targets.good(driver)
                .login("certified", Targets.PASSWORD)
                .tls(Targets.CA.certificatePem(), client.certificatePem(), client.keyPem())
                .build());
    assertThat(Probe.steps(tested)).contains("tls TLS_CLIENT_CERT_REFUSED", "login skipped");
  }

  @Test
  void aKeyThatDoesNotFitTheCertificateNamesTheField() {
    TestCa.Issued one = Targets.CLIENTS.client("one");
    TestCa.Issued two = Targets.CLIENTS.client("two");
    for (String key : List.of(two.keyPem(), "/etc/passwd", "file:///x")) {
      Tested tested =
          prober.test(
              Targets.good("mariadb")
                  .tls(Targets.CA.certificatePem(), one.certificatePem(), key)
                  .build());
      assertThat(Probe.steps(tested)).contains("tls TLS_CLIENT_CERT_REFUSED");
      assertThat(Probe.step(tested, Name.TLS).field()).isEqualTo("keyfile");
    }
  }

  @Test
  void aClearTextLoginNeedsTls() {
    try (ToxicProxy proxy = ToxicProxy.to(Targets.HOST, Targets.postgres().port())) {
      Probe.Target target =
          Targets.at("postgresql", proxy.host(), proxy.port()).login("clear", Targets.PASSWORD);

      Tested bare = prober.test(target.build());
      assertThat(Probe.steps(bare)).contains("login PROTOCOL_MISMATCH");
      assertThat(Probe.step(bare, Name.LOGIN).hint()).contains("not without TLS");
      assertThat(
              new String(
                  proxy.recorded(ToxicProxy.Direction.TO_SERVER), StandardCharsets.ISO_8859_1))
          .contains("clear")
          .doesNotContain(Targets.PASSWORD);
      Tested secured = prober.test(target.tls(Targets.CA.certificatePem()).build());
      assertThat(secured.report().passed()).as("%s", secured).isTrue();
    }
  }

  @Test
  void whatIsMissingIsNamedBeforeAnythingIsContacted() {
    assertThatThrownBy(
            () -> prober.test(Probe.target("postgresql", "127.0.0.1", 1).database("").build()))
        .isInstanceOfSatisfying(
            Refusal.class, e -> assertThat(e.errors().get(0).field()).isEqualTo("database"));
  }

  @Test
  void aDriverThatIsNotInstalledIsUnsupported() {
    for (String driver : List.of("oracle")) {
      Tested tested = prober.test(Probe.target(driver, "127.0.0.1", 1433).build());
      assertThat(tested.report().reason()).isEqualTo(Reason.DRIVER_UNSUPPORTED);
    }
  }
}
