package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Report.Step;
import io.sluice.servers.MuteServer;
import io.sluice.servers.TestCa;
import io.sluice.servers.ToxicProxy;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every way to refuse a login is told apart, as far as the server tells it. */
class LoginTest {
  private final Prober prober =
      new Prober(
          Probe.DRIVERS,
          Probe.LOOPBACK,
          new ProbeSettings(
              Duration.ofSeconds(2),
              Duration.ofSeconds(3),
              Duration.ofSeconds(5),
              Duration.ofSeconds(5),
              Duration.ofSeconds(5),
              Duration.ofSeconds(3),
              Duration.ofSeconds(15),
              false,
              32,
              2,
              Duration.ofMinutes(5),
              Duration.ofMillis(500)));

  @AfterEach
  void close() {
    prober.close();
  }

  private static String failure(Tested tested) {
    Step step =
        tested.report().steps().stream().filter(s -> s.reason() != null).findFirst().orElse(null);
    return step == null
        ? "passed"
        : step.step().wireName() + " " + step.reason() + " " + step.field();
  }

  private static String hint(Tested tested) {
    return tested.report().steps().stream()
        .filter(s -> s.hint() != null)
        .map(Step::hint)
        .findFirst()
        .orElse("");
  }

  private Tested test(String driver, String user, String database) {
    return prober.test(
        Targets.good(driver).login(user, Targets.PASSWORD).database(database).build());
  }

  @ParameterizedTest
  @CsvSource({
    "unknown,    shop,    login AUTH_FAILED password",
    "rejected,   shop,    login AUTH_FAILED username",
    "sealed,     shop,    login AUTH_FAILED username",
    "group_only, shop,    login AUTH_FAILED username",
    "past,       shop,    login AUTH_FAILED password",
    "clear,      shop,    login PROTOCOL_MISMATCH ssl",
    "alice,      missing, database DATABASE_NOT_FOUND database",
    "alice,      secret,  database PERMISSION_DENIED username",
    "alice,      closed,  database PERMISSION_DENIED database",
    "alice,      narrow,  login TOO_MANY_CONNECTIONS",
    "trusted,    shop,    passed",
    "legacy,     shop,    passed",
  })
  void postgresqlTellsWhatIsWrong(String user, String database, String expected) {
    assertThat(failure(test("postgresql", user, database))).startsWith(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "mariadb, unknown, shop, login AUTH_FAILED password",
    "mysql, unknown, shop, login AUTH_FAILED password",
    "mariadb, locked, shop, login AUTH_FAILED username",
    "mysql, locked, shop, login AUTH_FAILED username",
    "mariadb, expired, shop, query AUTH_FAILED password",
    "mysql, expired, shop, login AUTH_FAILED password",
    "mariadb, local, shop, login AUTH_FAILED password",
    "mysql, local, shop, login AUTH_FAILED password",
    "mariadb, sealed, shop, login AUTH_FAILED password",
    "mysql, sealed, shop, login AUTH_FAILED password",
    "mariadb, alice, missing, database PERMISSION_DENIED database",
    "mysql, alice, missing, database PERMISSION_DENIED database",
    "mariadb, alice, secret, database PERMISSION_DENIED database",
    "mysql, alice, secret, database PERMISSION_DENIED database",
    "mariadb, alice, 'shop ', database DATABASE_NOT_FOUND database",
    "mysql, alice, of65charactersxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, database"
        + " DATABASE_NOT_FOUND database",
  })
  void mariadbTellsWhatIsWrong(String driver, String user, String database, String expected) {
    assertThat(failure(test(driver, user, database))).isEqualTo(expected);
  }

  @Test
  void aSchemaThatIsNotThereIsTheOptionToLookAt() {
    Probe.Target shop = Targets.good("postgresql");

    Tested missing = prober.test(shop.option("schema", "nowhere").build());
    assertThat(failure(missing)).isEqualTo("database DATABASE_NOT_FOUND options.schema");
    assertThat(hint(missing)).contains("options.schema");
    for (String there : List.of("public", "PUBLIC")) {
      assertThat(failure(prober.test(shop.option("schema", there).build()))).isEqualTo("passed");
    }
  }

  @Test
  void aPasswordThatIsMissingIsAskedFor() {
    Tested tested = prober.test(Targets.good("postgresql").login(Targets.USER, null).build());

    assertThat(failure(tested)).isEqualTo("login AUTH_FAILED password");
    assertThat(hint(tested)).contains("none is set");
  }

  @Test
  void hintsSayWhatToDo() {
    assertThat(hint(test("mariadb", "locked", "shop"))).contains("ACCOUNT UNLOCK");
    assertThat(hint(test("mariadb", "expired", "shop"))).contains("expired");
    assertThat(hint(test("mariadb", "alice", "missing"))).contains("does not say which");
    assertThat(hint(test("postgresql", "rejected", "shop"))).contains("pg_hba.conf");
    assertThat(hint(test("postgresql", "alice", "narrow"))).contains("CONNECTION LIMIT");
  }

  @Test
  void aClientCertificateThatTheServerMissesIsTheFieldToLookAt() {
    Tested missing =
        prober.test(
            Targets.good("postgresql")
                .login("certified", Targets.PASSWORD)
                .tls(Targets.CA.certificatePem())
                .build());
    assertThat(failure(missing)).isEqualTo("login TLS_CLIENT_CERT_REFUSED certificate");
    assertThat(hint(missing)).contains("Send certificate and keyfile");

    // The server asks everybody, and refuses others for other reasons.
    for (String user : List.of("group_only", "unknown")) {
      Tested other =
          prober.test(
              Targets.good("postgresql")
                  .login(user, Targets.PASSWORD)
                  .tls(Targets.CA.certificatePem())
                  .build());
      assertThat(failure(other)).startsWith("login AUTH_FAILED");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void whatAUserMayLackBesideThePasswordIsNamed(String driver) {
    assertThat(hint(test(driver, "sealed", "shop"))).contains("send ssl as true");
    Probe.Target secured =
        Targets.good(driver).login("certified", Targets.PASSWORD).tls(Targets.CA.certificatePem());
    assertThat(hint(prober.test(secured.build()))).contains("send certificate and keyfile");

    TestCa.Issued client = Targets.CLIENTS.client("certified");
    Tested wrong =
        prober.test(
            secured
                .login("certified", "wrong")
                .tls(Targets.CA.certificatePem(), client.certificatePem(), client.keyPem())
                .build());
    assertThat(failure(wrong)).isEqualTo("login AUTH_FAILED password");
    assertThat(hint(wrong)).startsWith("Check username").doesNotContain("ssl", "keyfile");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void aServerThatAdmitsOnlyTlsIsNamedAsSuch(String driver) {
    Targets.maria().execute("set global require_secure_transport = on");
    try {
      assertThat(failure(test(driver, Targets.USER, "shop"))).isEqualTo("login AUTH_FAILED ssl");
    } finally {
      Targets.maria().executeOverTls("set global require_secure_transport = off");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void aServerWithoutAFreeConnectionIsFull(String driver) throws Exception {
    Targets.maria().execute("set global max_connections = 10");
    List<Connection> held = new ArrayList<>();
    try {
      while (held.size() < 12) {
        held.add(Targets.maria().connect("shop", Targets.USER, Targets.PASSWORD));
      }
    } catch (SQLException full) {
      // So it is.
    }
    try {
      assertThat(failure(test(driver, Targets.USER, "shop")))
          .startsWith("login TOO_MANY_CONNECTIONS");
    } finally {
      for (Connection each : held) {
        each.close();
      }
      Targets.maria().execute("set global max_connections = 100");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void anAccountThatIsBlockedAfterWrongPasswordsIsNamedAsSuch(String driver) {
    Targets.maria().execute("set global max_password_errors = 1");
    try {
      prober.test(Targets.good(driver).login("blocked", "wrong").build());
      Tested blocked = test(driver, "blocked", "shop");
      assertThat(failure(blocked)).isEqualTo("login AUTH_FAILED username");
      assertThat(hint(blocked)).contains("max_password_errors");
    } finally {
      Targets.maria().execute("set global max_password_errors = 4294967295");
      Targets.maria().execute("flush privileges");
    }
  }

  /** What a server says instead of its greeting, or instead of a request to log in. */
  @ParameterizedTest
  @CsvSource({
    "mariadb,    1130,  login AUTH_FAILED host",
    "mysql,      1130,  login AUTH_FAILED host",
    "mariadb,    1129,  login AUTH_FAILED host",
    "mysql,      1129,  login AUTH_FAILED host",
    "mariadb,    1040,  login TOO_MANY_CONNECTIONS",
    "mysql,      1040,  login TOO_MANY_CONNECTIONS",
    "mariadb,    1053,  login UNREACHABLE host",
    "mysql,      1053,  login UNREACHABLE host",
    "mariadb,    59999, login PROTOCOL_MISMATCH driver",
    "mysql,      59999, login PROTOCOL_MISMATCH driver",
    "postgresql, 57P03, login UNREACHABLE host",
    "postgresql, 57P01, login UNREACHABLE host",
    "postgresql, 53200, login TOO_MANY_CONNECTIONS",
    "postgresql, 0A000, login PROTOCOL_MISMATCH driver",
    "postgresql, XX000, login UNREACHABLE host",
    "postgresql, P0001, login PROTOCOL_MISMATCH driver",
    "postgresql, 08P01, login PROTOCOL_MISMATCH driver",
  })
  void anErrorInsteadOfAnAnswerIsReadByItsCode(String driver, String code, String expected) {
    byte[] error = driver.equals("postgresql") ? postgresError(code) : mysqlError(code);
    try (MuteServer server = MuteServer.greeting(error)) {
      Tested tested = prober.test(Targets.at(driver, server.host(), server.port()).build());
      assertThat(failure(tested)).startsWith(expected);
      assertThat(tested.report().toString()).doesNotContain("some words");
    }
  }

  private static byte[] postgresError(String state) {
    byte[] fields =
        ("SFATAL\0VFATAL\0C" + state + "\0Msome words\0\0").getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(5 + fields.length)
        .put((byte) 'E')
        .putInt(4 + fields.length)
        .put(fields)
        .array();
  }

  private static byte[] mysqlError(String number) {
    int code = Integer.parseInt(number);
    byte[] words = "#HY000some words".getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(7 + words.length)
        .put(new byte[] {(byte) (3 + words.length), 0, 0, 0, (byte) 0xff})
        .put((byte) code)
        .put((byte) (code >> 8))
        .put(words)
        .array();
  }

  /** Kinds of login that this service takes no part in, by the protocol's numbers. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3, 6, 7, 9, 99})
  void aKindOfLoginThatIsNotPossibleIsNoRefusal(int kind) {
    byte[] request = ByteBuffer.allocate(9).put((byte) 'R').putInt(8).putInt(kind).array();
    try (MuteServer server = MuteServer.greeting(request)) {
      Probe.Target target = Targets.at("postgresql", server.host(), server.port());
      Tested first = prober.test(target.build());
      assertThat(failure(first)).isEqualTo("login PROTOCOL_MISMATCH ssl");
      assertThat(hint(first)).contains("Kerberos", "not without TLS");

      Tested second = prober.test(target.build());
      assertThat(failure(second)).isEqualTo(failure(first));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aServerSeesARefusedLoginOnce(String driver) {
    String counted = "show global status like 'access_denied_errors'";
    long before = driver.equals("postgresql") ? 0 : Targets.maria().number(counted);
    try (ToxicProxy proxy = ToxicProxy.to(Targets.HOST, Targets.port(driver))) {
      Probe.Target wrong =
          Targets.at(driver, proxy.host(), proxy.port()).login(Targets.USER, "wrong");
      for (int i = 0; i < 3; i++) {
        prober.test(wrong.build());
        prober.test(wrong.database("other" + i).build());
      }
      assertThat(proxy.connections()).isEqualTo(1);
      String sent =
          new String(proxy.recorded(ToxicProxy.Direction.TO_SERVER), StandardCharsets.ISO_8859_1);
      assertThat(sent.split(Targets.USER, -1)).hasSize(2);
      if (!driver.equals("postgresql")) {
        assertThat(Targets.maria().number(counted) - before).isEqualTo(1);
      }
      assertThat(failure(prober.test(wrong.build())).toLowerCase(Locale.ROOT))
          .isEqualTo("login lockout_guard password");
    }
  }
}
