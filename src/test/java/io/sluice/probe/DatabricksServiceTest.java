package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.sluice.model.Connection;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.servers.DatabricksStub;
import io.sluice.servers.HttpsStub.Response;
import io.sluice.servers.TestCa;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArraySet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Databricks SQL by its REST API, against an emulation that checks token and warehouse. */
class DatabricksServiceTest {
  private static final String TOKEN = "dapi" + UUID.randomUUID();
  private static final String STRANGER = "dapi" + UUID.randomUUID();
  private static final String WAREHOUSES = "/sql/1.0/warehouses/";
  private static final String AZURE = "adb-123.4.azuredatabricks.net";
  private static final TestCa CA = TestCa.create("Databricks");
  private static final DatabricksStub STUB =
      DatabricksStub.start(CA, "dbc-1234.cloud.databricks.com");
  private static final Set<String> LOOKED_UP = new CopyOnWriteArraySet<>();
  private static final Prober PROBER =
      new Prober(
          Probe.DRIVERS,
          Probe.LOOPBACK,
          ProbeSettings.defaults(),
          Clock.systemUTC(),
          DatabricksServiceTest::lookUp);

  private static InetAddress[] lookUp(String name) throws UnknownHostException {
    LOOKED_UP.add(name);
    if (!name.equals(STUB.host())) {
      throw new UnknownHostException(name);
    }
    return new InetAddress[] {InetAddress.getLoopbackAddress()};
  }

  @BeforeAll
  static void furnish() {
    STUB.token(TOKEN, true);
    STUB.token(STRANGER, false);
    STUB.schema("main", "sales");
    for (String state : List.of("RUNNING", "STARTING", "STOPPED", "DELETED")) {
      STUB.warehouse(state.toLowerCase(Locale.ROOT), state);
    }
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

  private static Probe.Target at(String host) {
    return Probe.target("databricks", host, STUB.port())
        .login(null, TOKEN)
        .database("main")
        .option("httpPath", WAREHOUSES + "running")
        .tls(CA.certificatePem());
  }

  private static Tested test(Probe.Target target) {
    return PROBER.test(target.build());
  }

  @Test
  void a_good_connection_passes_every_step_by_either_secret() {
    for (Probe.Target target :
        List.of(
            at(STUB.host()).option("schema", "sales"),
            at("DBC-1234.cloud.databricks.com").login(null, null).accessToken(TOKEN))) {
      assertThat(Probe.steps(test(target)))
          .containsExactly(
              "policy passed",
              "dns passed",
              "tcp passed",
              "tls passed",
              "login passed",
              "database passed",
              "query passed");
    }
    assertThat(LOOKED_UP).containsExactly(STUB.host());
    assertThat(STUB.pending()).isZero();
  }

  @Test
  void a_wrong_token_is_tried_once_and_its_field_is_named() {
    String wrong = "dapi" + UUID.randomUUID();
    Probe.Target target = at(STUB.host()).login(null, null).accessToken(wrong);

    Tested tested = test(target);

    assertThat(Probe.steps(tested)).contains("login AUTH_FAILED", "query skipped");
    assertThat(Probe.step(tested, Name.LOGIN).field()).isEqualTo("accessToken");
    assertThat(Probe.steps(test(target))).contains("login LOCKOUT_GUARD");
    assertThat(STUB.https().requests()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({"nothing,no such", "deleted,deleted", "stopped,start it"})
  void a_warehouse_that_takes_no_query_is_named_and_none_is_started(String id, String hint) {
    Tested tested = test(at(STUB.host()).option("httpPath", WAREHOUSES + id));

    assertThat(Probe.steps(tested)).contains("login passed", "query WAREHOUSE_NOT_FOUND");
    assertThat(Probe.step(tested, Name.QUERY).hint()).contains(hint);
    assertThat(STUB.https().requests()).allMatch(request -> request.method().equals("GET"));
  }

  @Test
  void a_warehouse_that_is_still_starting_is_a_timeout_with_its_query_cancelled() {
    Tested tested = test(at(STUB.host()).option("httpPath", WAREHOUSES + "starting"));

    assertThat(Probe.steps(tested)).contains("login passed", "query TIMEOUT");
    assertThat(Probe.step(tested, Name.QUERY).hint()).contains("starting");
    assertThat(STUB.pending()).isZero();
  }

  @Test
  void a_missing_catalog_or_schema_is_the_database() {
    Tested catalog = test(at(STUB.host()).database("nothing"));
    Tested schema = test(at(STUB.host()).option("schema", "nothing"));
    Tested option = test(at(STUB.host()).database(null).option("catalog", "nothing"));

    assertThat(Probe.steps(catalog)).contains("database DATABASE_NOT_FOUND", "query skipped");
    assertThat(Probe.step(catalog, Name.DATABASE).hint()).contains("catalog does not");
    assertThat(Probe.steps(schema)).contains("database DATABASE_NOT_FOUND", "query skipped");
    assertThat(Probe.step(schema, Name.DATABASE).hint()).contains("schema does not");
    assertThat(Probe.steps(option)).contains("login passed", "query DATABASE_NOT_FOUND");
  }

  @Test
  void a_good_token_without_rights_to_the_warehouse_has_logged_in() {
    Tested tested = test(at(STUB.host()).login(null, STRANGER));

    assertThat(Probe.steps(tested)).contains("login passed", "query PERMISSION_DENIED");
    assertThat(Probe.step(tested, Name.QUERY).hint()).contains("CAN USE");
  }

  @ParameterizedTest
  @CsvSource({
    "401,login AUTH_FAILED",
    "429,login TOO_MANY_CONNECTIONS",
    "503,login UNREACHABLE",
    "404,login PROTOCOL_MISMATCH"
  })
  void what_the_workspaces_front_says_without_a_code_counts_by_its_status(int status, String step) {
    STUB.https().answering(request -> Response.empty(status));

    assertThat(Probe.steps(test(at(STUB.host()).login(null, "dapi" + UUID.randomUUID()))))
        .contains(step);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cloud.databricks.com",
        "dbc-1234.cloud.databricks.com.evil.example",
        "evilazuredatabricks.net",
        "127.0.0.1"
      })
  void a_token_is_sent_to_no_host_but_a_workspace(String host) {
    assertThat(Probe.steps(test(at(host)))).contains("dns UNKNOWN_HOST", "tcp skipped");
    assertThat(LOOKED_UP).isEmpty();
  }

  @Test
  void a_workspace_of_azure_is_looked_up_by_its_name() {
    assertThat(Probe.steps(test(at(AZURE)))).contains("dns UNKNOWN_HOST");
    assertThat(LOOKED_UP).containsExactly(AZURE);
  }

  @Test
  void settings_that_mean_nothing_are_refused_before_anything_is_sent() {
    Probe.Target without =
        Probe.target("databricks", STUB.host(), STUB.port()).login(null, TOKEN).database(null);
    refused(without.build(), "options.httpPath");
    refused(
        at(STUB.host()).option("httpPath", "/sql/1.0/warehouses/../x").build(), "options.httpPath");
    refused(at(STUB.host()).option("httpPath", "sql/protocolv1/o/1/2").build(), "options.httpPath");
    refused(at(STUB.host()).option("catalog", "other").build(), "options.catalog");
    refused(at(STUB.host()).login(null, null).build(), "password");
    refused(at(STUB.host()).login(null, "x\r\nHost: evil.example").build(), "password");
    assertThat(STUB.https().requests()).isEmpty();
  }

  private static void refused(Connection connection, String field) {
    assertThatExceptionOfType(Refusal.class)
        .isThrownBy(() -> PROBER.test(connection))
        .satisfies(refusal -> assertThat(refusal.errors().get(0).field()).isEqualTo(field));
  }

  @Test
  void what_no_workspace_would_say_is_a_protocol_mismatch() {
    STUB.https().answering(request -> Response.json(200, "{\"state\":\"<script>\"}"));
    assertThat(Probe.steps(test(at(STUB.host())))).contains("login PROTOCOL_MISMATCH");
    STUB.https()
        .answering(
            r ->
                r.method().equals("POST") ? Response.json(200, "{\"statement_id\":\"/x\"}") : null);
    assertThat(Probe.steps(test(at(STUB.host())))).contains("query PROTOCOL_MISMATCH");
  }
}
