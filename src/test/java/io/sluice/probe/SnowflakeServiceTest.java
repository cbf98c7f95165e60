package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Report.Name;
import io.sluice.servers.HttpsStub.Response;
import io.sluice.servers.SnowflakeStub;
import io.sluice.servers.TestCa;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArraySet;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snowflake by its HTTP protocol, against an emulation that checks the password. */
class SnowflakeServiceTest {
  private static final String USER = "LOADER";
  private static final String PASSWORD = "pw-" + UUID.randomUUID();
  private static final TestCa CA = TestCa.create("Snowflake");
  private static final SnowflakeStub STUB = SnowflakeStub.start(CA, "myorg-acme");
  private static final Set<String> LOOKED_UP = new CopyOnWriteArraySet<>();
  private static final Prober PROBER =
      new Prober(
          Probe.DRIVERS,
          Probe.LOOPBACK,
          ProbeSettings.defaults(),
          Clock.systemUTC(),
          SnowflakeServiceTest::lookUp);

  private static InetAddress[] lookUp(String name) throws UnknownHostException {
    LOOKED_UP.add(name);
    if (!Set.of(STUB.host(), "nobody.snowflakecomputing.com").contains(name)) {
      throw new UnknownHostException(name);
    }
    return new InetAddress[] {InetAddress.getLoopbackAddress()};
  }

  @BeforeAll
  static void furnish() {
    STUB.user(USER, PASSWORD);
    STUB.database("shop");
    STUB.warehouse("COMPUTE", true);
    STUB.warehouse("ASLEEP", false);
    STUB.role("READER");
  }

  @BeforeEach
  void calm() {
    STUB.https().forget();
    LOOKED_UP.clear();
  }

  @AfterAll
  static void stop() {
    PROBER.close();
    STUB.close();
  }

  private static Probe.Target at(String account) {
    return Probe.target("snowflake", account, STUB.port())
        .login(USER, PASSWORD)
        .database("shop")
        .option("warehouse", "COMPUTE")
        .tls(CA.certificatePem());
  }

  @ParameterizedTest
  @ValueSource(strings = {"myorg-acme", "MYORG-ACME", "myorg-acme.snowflakecomputing.com"})
  void a_good_connection_passes_every_step_and_ends_its_session(String account) {
    Tested tested = PROBER.test(at(account).option("role", "READER").build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "tls passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(LOOKED_UP).containsExactly("myorg-acme.snowflakecomputing.com");
    Awaitility.await().untilAsserted(() -> assertThat(STUB.sessions()).isZero());
  }

  @Test
  void a_wrong_password_is_tried_once() {
    Probe.Target target = at("myorg-acme").login(USER, "wrong-" + UUID.randomUUID());

    assertThat(Probe.steps(PROBER.test(target.build()))).contains("login AUTH_FAILED");
    assertThat(Probe.steps(PROBER.test(target.build()))).contains("login LOCKOUT_GUARD");
    assertThat(STUB.https().requests()).hasSize(1);
  }

  @Test
  void a_missing_database_warehouse_or_role_is_told_apart() {
    Tested database = PROBER.test(at("myorg-acme").database("nothing").build());
    Tested warehouse = PROBER.test(at("myorg-acme").option("warehouse", "NOTHING").build());
    Tested suspended = PROBER.test(at("myorg-acme").option("warehouse", "ASLEEP").build());
    Tested role = PROBER.test(at("myorg-acme").option("role", "NOTHING").build());

    assertThat(Probe.steps(database)).contains("login passed", "database DATABASE_NOT_FOUND");
    assertThat(Probe.steps(warehouse)).contains("database passed", "query WAREHOUSE_NOT_FOUND");
    assertThat(Probe.steps(suspended)).contains("database passed", "query WAREHOUSE_NOT_FOUND");
    assertThat(Probe.step(suspended, Name.QUERY).hint()).contains("resume");
    assertThat(Probe.steps(role)).contains("login PERMISSION_DENIED");
    assertThat(Probe.step(role, Name.LOGIN).hint()).contains("role");
  }

  @Test
  void an_account_that_does_not_exist_is_the_host_whoever_says_so() {
    Tested refused = PROBER.test(at("nobody").build());
    Tested unresolved = PROBER.test(at("no-such-account").build());

    assertThat(Probe.steps(refused)).contains("tls passed", "login UNKNOWN_HOST");
    assertThat(Probe.step(refused, Name.LOGIN).field()).isEqualTo("host");
    assertThat(Probe.steps(unresolved)).contains("dns UNKNOWN_HOST");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"evil.example.snowflakecomputing.com.evil.example.x.y", "127.0.0.1", "::1"})
  void a_password_is_sent_to_no_host_but_snowflakes(String host) {
    Tested tested = PROBER.test(at(host).build());

    assertThat(Probe.steps(tested)).contains("dns UNKNOWN_HOST", "tcp skipped");
    assertThat(LOOKED_UP).allMatch(name -> name.endsWith(".snowflakecomputing.com"));
    assertThat(STUB.https().requests()).isEmpty();
  }

  @Test
  void a_login_without_a_session_is_a_protocol_mismatch() {
    STUB.https().answering(request -> Response.json(200, "{\"success\":true,\"data\":{}}"));

    assertThat(Probe.steps(PROBER.test(at("myorg-acme").build())))
        .contains("login PROTOCOL_MISMATCH");
  }
}
