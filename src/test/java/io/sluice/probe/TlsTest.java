package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.TestCa;
import io.sluice.servers.ToxicProxy;
import io.sluice.servers.ToxicProxy.Direction;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.Arrays;
import java.util.Date;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * A server that is not the one it should be, or that somebody stands in front of, is told apart by
 * the reason, and gets no byte of the login.
 */
class TlsTest {
  private static final List<String> DRIVERS = List.of("mariadb", "mysql", "postgresql");
  private static final TestCa CA = TestCa.create("Good CA");
  private static final String HOST = Targets.HOST;
  private static final String USER = "alice";
  private static final String PASSWORD = "pw-" + UUID.randomUUID();

  /** An alert "protocol_version" in the dress of TLS 1.1 (RFC 8446 section 6). */
  private static final byte[] ONLY_TLS_1_1 = HexFormat.of().parseHex("15030200020246");

  /** AuthenticationOk and ReadyForQuery (PostgreSQL protocol 3.0). */
  private static final byte[] WELCOME_POSTGRES =
      HexFormat.of().parseHex("5200000008000000005a0000000549");

  /** An OK packet, with the sequence number that follows the login's. */
  private static final byte[] WELCOME_MYSQL = HexFormat.of().parseHex("0700000300000002000000");

  private static MariaDbServer maria;
  private static PostgresServer postgres;

  private final Prober prober =
      new Prober(
          Probe.DRIVERS,
          Probe.LOOPBACK,
          ProbeSettings.defaults(),
          Clock.systemUTC(),
          TlsTest::lookUp);

  private static InetAddress[] lookUp(String name) throws UnknownHostException {
    return new InetAddress[] {InetAddress.getByAddress(name, new byte[] {127, 0, 0, 1})};
  }

  @BeforeAll
  static void start() {
    TestCa.Issued good = CA.server(HOST);
    maria = MariaDbServer.setup().tls(good).start();
    maria.createUser(USER, PASSWORD);
    maria.createDatabase("shop", USER);
    postgres = PostgresServer.setup().tls(good).start();
    postgres.createUser(USER, PASSWORD);
    postgres.createDatabase("shop", USER);
  }

  @AfterAll
  static void stop() {
    maria.close();
    postgres.close();
  }

  @AfterEach
  void close() {
    prober.close();
  }

  private static int port(String driver) {
    return driver.equals("postgresql") ? postgres.port() : maria.port();
  }

  private static void shows(TestCa.Issued identity) {
    maria.identity(identity);
    postgres.identity(identity);
  }

  private static Probe.Target target(String driver, String host, int port) {
    return Probe.target(driver, host, port)
        .login(USER, PASSWORD)
        .database("shop")
        .tls(CA.certificatePem());
  }

  /** The reason of the step tls for each driver alike; null: the test passes. */
  private void seenAs(Reason reason, String host, String authorities, String... words) {
    for (String driver : DRIVERS) {
      try (ToxicProxy proxy = ToxicProxy.to(HOST, port(driver))) {
        Tested tested = prober.test(target(driver, host, proxy.port()).tls(authorities).build());
        if (reason == null) {
          assertThat(tested.report().passed()).as("%s: %s", driver, tested).isTrue();
        } else {
          assertThat(Probe.steps(tested)).as(driver).contains("tls " + reason, "login skipped");
          for (String each : words) {
            assertThat(Probe.step(tested, Name.TLS).hint()).as(driver).contains(each);
          }
          noLoginIn(proxy.recorded(Direction.TO_SERVER), driver);
        }
      }
    }
  }

  /** A request for TLS, and after it handshake records and at most one encrypted alert. */
  private static void noLoginIn(byte[] sent, String driver) {
    boolean isPostgres = driver.equals("postgresql");
    assertThat(new String(sent, StandardCharsets.ISO_8859_1))
        .as(driver)
        .doesNotContain(USER)
        .doesNotContain(PASSWORD)
        .doesNotContain("shop");
    if (sent.length == 0) {
      return;
    }
    int at = isPostgres ? 8 : 36;
    String request = HexFormat.of().formatHex(sent, 0, at);
    assertThat(request).as(driver).startsWith(isPostgres ? "0000000804d2162f" : "20000001");
    int encrypted = 0;
    while (at < sent.length) {
      int type = sent[at];
      int length = (sent[at + 3] & 0xff) << 8 | (sent[at + 4] & 0xff);
      assertThat(type).as("%s, record at %s", driver, at).isBetween(20, 23);
      if (type == 23) {
        encrypted += length;
      }
      at += 5 + length;
    }
    // An alert of two bytes with type, padding and tag; a login takes more than sixty.
    assertThat(encrypted).as(driver).isLessThanOrEqualTo(40);
  }

  @Test
  void theTimeOfACertificateCounts() {
    TestCa.Issued expired = CA.expired(HOST);
    shows(expired);
    seenAs(
        Reason.TLS_EXPIRED,
        HOST,
        CA.certificatePem(),
        "The server's certificate ended on " + day(expired.certificate().getNotAfter()));
    TestCa.Issued early = CA.notYetValid(HOST);
    shows(early);
    seenAs(
        Reason.TLS_EXPIRED,
        HOST,
        CA.certificatePem(),
        "is not valid before " + day(early.certificate().getNotBefore()),
        "clock");
  }

  private static String day(Date date) {
    return date.toInstant().toString().substring(0, 10);
  }

  @Test
  void theSignerOfACertificateCounts() {
    shows(TestCa.create("Other CA").server(HOST));
    seenAs(
        Reason.TLS_UNTRUSTED,
        HOST,
        CA.certificatePem(),
        "issued under \"Other CA\"",
        "sslCA that was sent does not hold that authority's certificate");
    seenAs(Reason.TLS_UNTRUSTED, HOST, null, "\"Other CA\"", "No sslCA was sent", "trust store");
    seenAs(
        Reason.TLS_UNTRUSTED,
        HOST,
        TestCa.create("Other CA").certificatePem(),
        "of that name with another key");
    TestCa.Issued self = TestCa.selfSigned(HOST);
    shows(self);
    seenAs(Reason.TLS_UNTRUSTED, HOST, CA.certificatePem(), "signed by itself", "does not hold");
    seenAs(Reason.TLS_UNTRUSTED, HOST, null, "signed by itself", "Send the certificate as PEM");
    seenAs(null, HOST, self.certificatePem());
    shows(CA.intermediate("Middle CA").server(HOST));
    seenAs(null, HOST, CA.certificatePem());
  }

  @Test
  void theNameInACertificateCounts() {
    shows(CA.wrongHost());
    seenAs(
        Reason.TLS_HOSTNAME_MISMATCH,
        HOST,
        CA.certificatePem(),
        "is for elsewhere.example, but host is " + HOST);
    shows(CA.server("127.0.0.2", "localhost"));
    seenAs(
        Reason.TLS_HOSTNAME_MISMATCH,
        HOST,
        CA.certificatePem(),
        "is for 127.0.0.2, localhost, but host is");
    shows(CA.server(HOST, "*.example.test"));
    seenAs(null, HOST, CA.certificatePem());
    seenAs(null, "db.example.test", CA.certificatePem());
    seenAs(Reason.TLS_HOSTNAME_MISMATCH, "a.db.example.test", CA.certificatePem());
    seenAs(Reason.TLS_HOSTNAME_MISMATCH, "example.test", CA.certificatePem());
  }

  @Test
  void whoTakesTlsOutOfTheConversationGetsNoLogin() {
    shows(CA.server(HOST));
    for (String driver : DRIVERS) {
      try (ToxicProxy proxy =
          ToxicProxy.to(HOST, port(driver))
              .rewriteAnswers(driver.equals("postgresql") ? TlsTest::refuse : TlsTest::strip)) {
        Tested tested = prober.test(target(driver, HOST, proxy.port()).build());
        assertThat(Probe.steps(tested)).as(driver).contains("tls TLS_NOT_OFFERED", "login skipped");
        noLoginIn(proxy.recorded(Direction.TO_SERVER), driver);
      }
    }
  }

  private static byte[] refuse(byte[] answer) {
    return answer.length == 1 && answer[0] == 'S' ? new byte[] {'N'} : answer;
  }

  /** Clears CLIENT_SSL (0x0800) in a greeting: after version, thread, scramble and filler. */
  private static byte[] strip(byte[] greeting) {
    int capabilities = endOfVersion(greeting) + 14;
    byte[] stripped = greeting.clone();
    stripped[capabilities + 1] &= (byte) ~0x08;
    return stripped;
  }

  private static int endOfVersion(byte[] greeting) {
    int at = 5;
    while (greeting[at] != 0) {
      at++;
    }
    return at;
  }

  @Test
  void aServerOfTls11OnlyGetsNoLogin() {
    shows(CA.server(HOST));
    UnaryOperator<byte[]> old = answer -> answer[0] == 0x16 ? ONLY_TLS_1_1 : answer;
    for (String driver : DRIVERS) {
      try (ToxicProxy proxy = ToxicProxy.to(HOST, port(driver)).rewriteAnswers(old)) {
        Tested tested = prober.test(target(driver, HOST, proxy.port()).build());
        assertThat(Probe.steps(tested))
            .as(driver)
            .contains("tls PROTOCOL_MISMATCH", "login skipped");
        assertThat(Probe.step(tested, Name.TLS).hint()).contains("TLS 1.2");
        noLoginIn(proxy.recorded(Direction.TO_SERVER), driver);
      }
    }
  }

  /** CVE-2021-23222: what came in clear must not be read as if it had come through TLS. */
  @Test
  void aWelcomeThatIsSlippedInBeforeTheHandshakeWelcomesNobody() {
    shows(CA.server(HOST));
    for (String driver : DRIVERS) {
      boolean isPostgres = driver.equals("postgresql");
      UnaryOperator<byte[]> slip =
          answer -> {
            boolean last = isPostgres ? answer.length == 1 && answer[0] == 'S' : answer[4] == 10;
            return last ? joined(answer, isPostgres ? WELCOME_POSTGRES : WELCOME_MYSQL) : answer;
          };
      try (ToxicProxy proxy = ToxicProxy.to(HOST, port(driver)).rewriteAnswers(slip)) {
        Tested tested =
            prober.test(target(driver, HOST, proxy.port()).login(USER, "wrong" + driver).build());
        assertThat(tested.report().passed()).as("%s: %s", driver, tested).isFalse();
        assertThat(new String(proxy.recorded(Direction.TO_SERVER), StandardCharsets.ISO_8859_1))
            .doesNotContain(USER);
      }
    }
  }

  private static byte[] joined(byte[] one, byte[] two) {
    byte[] both = Arrays.copyOf(one, one.length + two.length);
    System.arraycopy(two, 0, both, one.length, two.length);
    return both;
  }
}
