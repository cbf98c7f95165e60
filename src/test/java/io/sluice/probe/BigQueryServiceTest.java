package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.model.Secret;
import io.sluice.servers.BigQueryStub;
import io.sluice.servers.HttpsStub.Response;
import io.sluice.servers.TestCa;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArraySet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Google BigQuery by Google's libraries, against an emulation that verifies every token. */
class BigQueryServiceTest {
  private static final String PROJECT = "sluice-project";
  private static final TestCa CA = TestCa.create("Google");
  private static final BigQueryStub STUB = BigQueryStub.start(CA);
  private static final Set<String> LOOKED_UP = new CopyOnWriteArraySet<>();
  private static final OAuthClient CLIENT =
      new OAuthClient(BigQueryStub.CLIENT_ID, Secret.of(STUB.clientSecret()));
  private static final Prober PROBER = prober(CLIENT, Probe.LOOPBACK);

  private static Prober prober(OAuthClient client, EgressPolicy policy) {
    return new Prober(
        Probe.DRIVERS,
        policy,
        ProbeSettings.defaults(),
        client,
        Clock.systemUTC(),
        BigQueryServiceTest::lookUp);
  }

  private static InetAddress[] lookUp(String name) throws UnknownHostException {
    LOOKED_UP.add(name);
    if (!Set.of(BigQueryStub.HOST, BigQueryStub.TOKEN_HOST).contains(name)) {
      throw new UnknownHostException(name);
    }
    return new InetAddress[] {InetAddress.getLoopbackAddress()};
  }

  @BeforeAll
  static void furnish() {
    STUB.dataset(PROJECT, "shop");
  }

  @BeforeEach
  void calm() {
    STUB.https().forget();
    STUB.mayQuery(true);
    LOOKED_UP.clear();
  }

  @AfterAll
  static void stop() {
    PROBER.close();
    STUB.close();
  }

  private static Probe.Target target() {
    return Probe.target("bigquery", BigQueryStub.HOST, STUB.port())
        .login(null, null)
        .database("shop")
        .option("projectId", PROJECT)
        .tls(CA.certificatePem());
  }

  private static String serviceAccount() {
    return STUB.serviceAccount(
        "sluice-" + UUID.randomUUID() + "@sluice-project.iam.gserviceaccount.example", PROJECT);
  }

  @Test
  void an_access_token_passes_every_step_and_runs_one_query() {
    Tested tested = PROBER.test(target().accessToken(STUB.accessToken()).build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "tls passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(Probe.step(tested, Name.LOGIN).detail()).isEqualTo("by accessToken");
    assertThat(LOOKED_UP).containsExactly(BigQueryStub.HOST);
  }

  @Test
  void a_refresh_token_is_exchanged_by_the_operators_client() {
    Tested tested = PROBER.test(target().refreshToken(STUB.refreshToken()).build());

    assertThat(tested.report().passed()).as("%s", tested.report()).isTrue();
    assertThat(Probe.step(tested, Name.LOGIN).detail()).isEqualTo("by refreshToken");
    assertThat(LOOKED_UP).containsExactlyInAnyOrder(BigQueryStub.HOST, BigQueryStub.TOKEN_HOST);
  }

  @Test
  void a_service_accounts_key_file_signs_for_a_token_and_names_the_project() {
    Tested tested =
        PROBER.test(
            Probe.target("bigquery", BigQueryStub.HOST, STUB.port())
                .login(null, serviceAccount())
                .database(null)
                .tls(CA.certificatePem())
                .build());

    assertThat(tested.report().passed()).as("%s", tested.report()).isTrue();
    assertThat(Probe.steps(tested)).doesNotContain("database passed");
  }

  @Test
  void a_refused_token_is_the_login_and_names_its_field() {
    Tested access = PROBER.test(target().accessToken("ya29.expired-" + UUID.randomUUID()).build());
    Tested refresh = PROBER.test(target().refreshToken("1//revoked-" + UUID.randomUUID()).build());
    String stranger =
        BigQueryStub.keyFile(
            "stranger@sluice-project.iam.gserviceaccount.example",
            PROJECT,
            TestCa.KeyKind.RSA.generate());
    Tested account = PROBER.test(target().login(null, stranger).build());

    for (Tested tested : List.of(access, refresh, account)) {
      assertThat(Probe.steps(tested)).contains("tls passed", "login AUTH_FAILED", "query skipped");
    }
    assertThat(Probe.step(access, Name.LOGIN).field()).isEqualTo("accessToken");
    assertThat(Probe.step(refresh, Name.LOGIN).field()).isEqualTo("refreshToken");
    assertThat(Probe.step(account, Name.LOGIN).field()).isEqualTo("password");
  }

  @Test
  void a_refused_token_is_asked_about_once_and_remembered() {
    Probe.Target target = target().refreshToken("1//revoked-" + UUID.randomUUID());
    PROBER.test(target.build());

    assertThat(STUB.https().requests()).hasSize(1);
    assertThat(Probe.steps(PROBER.test(target.build()))).contains("login LOCKOUT_GUARD");
    assertThat(STUB.https().requests()).hasSize(1);
  }

  @Test
  void a_refresh_token_alone_is_refused_where_the_operator_has_no_client() {
    try (Prober without = prober(null, Probe.LOOPBACK)) {
      Probe.Target target = target().refreshToken(STUB.refreshToken());

      assertThatThrownBy(() -> without.test(target.build()))
          .isInstanceOfSatisfying(
              Refusal.class,
              e -> {
                assertThat(e.errors().get(0).field()).isEqualTo("refreshToken");
                assertThat(e.getMessage()).contains("sluice.google.client-id");
              });
      Tested both = without.test(target.accessToken(STUB.accessToken()).build());
      assertThat(both.report().passed()).isTrue();
      assertThat(Probe.step(both, Name.LOGIN).detail()).contains("refreshToken is not tested");
    }
  }

  @Test
  void a_missing_project_dataset_or_right_is_told_apart() {
    String token = STUB.accessToken();
    Tested dataset = PROBER.test(target().accessToken(token).database("nothing").build());
    Tested project =
        PROBER.test(
            target()
                .accessToken(token)
                .database(null)
                .option("projectId", "another-project")
                .build());
    STUB.mayQuery(false);
    Tested right = PROBER.test(target().accessToken(token).build());

    assertThat(Probe.steps(dataset)).contains("login passed", "database DATABASE_NOT_FOUND");
    assertThat(Probe.steps(project)).contains("login passed", "query DATABASE_NOT_FOUND");
    assertThat(Probe.step(project, Name.QUERY).hint()).contains("projectId");
    assertThat(Probe.steps(right)).contains("database passed", "query PERMISSION_DENIED");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "googleapis.com",
        "bigquery.googleapis.com.evil.example",
        "storage.googleapis.com",
        "127.0.0.1"
      })
  void a_token_is_sent_to_no_host_but_bigquerys(String host) {
    Probe.Target target =
        Probe.target("bigquery", host, STUB.port())
            .login(null, null)
            .accessToken(STUB.accessToken())
            .option("projectId", PROJECT)
            .tls(CA.certificatePem());

    assertThatThrownBy(() -> PROBER.test(target.build()))
        .isInstanceOfSatisfying(
            Refusal.class, e -> assertThat(e.errors().get(0).field()).isEqualTo("host"));
    assertThat(LOOKED_UP).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"token_uri\":\"https://evil.example/token\"",
        "\"universe_domain\":\"evil.example\"",
        "\"type\":\"external_account\"",
        "\"type\":\"service_account\""
      })
  void a_key_file_cannot_say_where_it_is_sent_or_that_it_is_another_kind(String entry) {
    String name = entry.substring(1, entry.indexOf('"', 1));
    String file = serviceAccount().replaceFirst("\"" + name + "\":\"[^\"]*\"", entry);
    // The last case says the same name twice.
    String changed =
        file.contains(entry) && !entry.contains("service_account")
            ? file
            : "{" + entry + "," + file.substring(1);
    Probe.Target target = target().login(null, changed);

    assertThatThrownBy(() -> PROBER.test(target.build()))
        .isInstanceOfSatisfying(
            Refusal.class, e -> assertThat(e.errors().get(0).field()).isEqualTo("password"));
    assertThat(STUB.https().requests()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no json",
        "[]",
        "{\"type\":\"authorized_user\",\"client_email\":\"a@b\",\"private_key\":\"x\"}",
        "{\"type\":\"service_account\",\"client_email\":\"a@b\"}",
        "{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":\"x\"}",
        "{\"type\":\"service_account\",\"client_email\":\"a@b\",\"private_key\":"
            + "\"-----BEGIN PRIVATE KEY-----\\nTUlJ\\n-----END PRIVATE KEY-----\\n\"}"
      })
  void a_key_file_that_cannot_be_used_is_a_wrong_field_before_anything_is_sent(String file) {
    assertThatThrownBy(() -> PROBER.test(target().login(null, file).build()))
        .isInstanceOfSatisfying(
            Refusal.class, e -> assertThat(e.errors().get(0).field()).isEqualTo("password"));
    assertThat(LOOKED_UP).isEmpty();
  }

  @Test
  void no_credential_no_project_and_no_json_are_named() {
    for (Map.Entry<Probe.Target, String> each :
        Map.of(
                target(),
                "accessToken",
                target().login(null, "no json"),
                "password",
                Probe.target("bigquery", BigQueryStub.HOST, 443)
                    .login(null, null)
                    .accessToken("ya29.x"),
                "options.projectId")
            .entrySet()) {
      assertThatThrownBy(() -> PROBER.test(each.getKey().build()))
          .isInstanceOfSatisfying(
              Refusal.class, e -> assertThat(e.errors().get(0).field()).isEqualTo(each.getValue()));
    }
  }

  @Test
  void the_token_endpoint_must_be_allowed_and_verified_like_the_first_host() {
    EgressPolicy noTokens =
        new EgressPolicy(List.of(), List.of(BigQueryStub.TOKEN_HOST), true, List.of());
    try (Prober half = prober(CLIENT, noTokens)) {
      Tested tested = half.test(target().refreshToken(STUB.refreshToken()).build());

      assertThat(Probe.steps(tested)).contains("policy POLICY_DENIED", "tls skipped");
      assertThat(Probe.step(tested, Name.POLICY).hint()).contains(BigQueryStub.TOKEN_HOST);
      assertThat(STUB.https().requests()).isEmpty();
    }
    try (BigQueryStub impostor = BigQueryStub.start(CA.server(BigQueryStub.HOST));
        Prober prober = prober(CLIENT, Probe.LOOPBACK)) {
      Tested tested =
          prober.test(
              Probe.target("bigquery", BigQueryStub.HOST, impostor.port())
                  .login(null, null)
                  .refreshToken(impostor.refreshToken())
                  .option("projectId", PROJECT)
                  .tls(CA.certificatePem())
                  .build());

      assertThat(Probe.steps(tested)).contains("tls TLS_HOSTNAME_MISMATCH", "login skipped");
      assertThat(Probe.step(tested, Name.TLS).hint()).contains(BigQueryStub.TOKEN_HOST);
      assertThat(impostor.https().requests()).isEmpty();
    }
  }

  @Test
  void a_redirect_of_a_token_is_refused_and_not_followed() {
    STUB.https().answering(r -> new Response(302, Map.of("Location", "https://evil.example/"), ""));

    assertThat(Probe.steps(PROBER.test(target().accessToken(STUB.accessToken()).build())))
        .contains("login REDIRECT_REFUSED");
    assertThat(Probe.steps(PROBER.test(target().refreshToken(STUB.refreshToken()).build())))
        .contains("login REDIRECT_REFUSED");
    assertThat(STUB.https().requests()).hasSize(2);
  }

  @Test
  void a_refusal_that_is_not_bigquerys_is_a_protocol_mismatch() {
    STUB.https()
        .answering(
            r -> new Response(403, Map.of("Content-Type", "text/html"), "<html>Forbidden</html>"));

    assertThat(
            Probe.steps(
                PROBER.test(target().database(null).accessToken(STUB.accessToken()).build())))
        .contains("login PROTOCOL_MISMATCH");
  }

  @Test
  void a_service_that_is_down_is_unreachable_and_asked_once() {
    STUB.https().answering(request -> Response.json(503, "{}"));

    for (Probe.Target target :
        List.of(
            target().accessToken(STUB.accessToken()),
            target().refreshToken(STUB.refreshToken()),
            target().login(null, serviceAccount()))) {
      Tested tested = PROBER.test(target.build());

      assertThat(Probe.steps(tested)).contains("login UNREACHABLE");
      assertThat(tested.report().durationMs()).isLessThan(Duration.ofSeconds(4).toMillis());
    }
    assertThat(STUB.https().requests()).hasSize(3);
  }

  @Test
  void nothing_about_this_machine_is_told() {
    PROBER.test(target().refreshToken(STUB.refreshToken()).build());

    assertThat(STUB.https().requests())
        .hasSize(4)
        .allSatisfy(
            r -> {
              assertThat(r.headers().get("user-agent")).isEqualTo("sluice");
              assertThat(r.headers().toString())
                  .doesNotContain(System.getProperty("java.version"))
                  .doesNotContain(System.getProperty("os.name"));
            });
  }
}
