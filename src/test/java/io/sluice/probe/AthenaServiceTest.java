package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.servers.AthenaStub;
import io.sluice.servers.HttpsStub.Request;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Amazon Athena by AWS's SDK, against an emulation that verifies signatures. */
class AthenaServiceTest {
  private static final String REGION = "eu-west-1";
  private static final String KEY_ID = "AKIA" + UUID.randomUUID().toString().substring(0, 16);
  private static final String SECRET = "sk/" + UUID.randomUUID();
  private static final TestCa CA = TestCa.create("Amazon");
  private static final AthenaStub STUB = AthenaStub.start(CA, REGION);
  private static final Set<String> LOOKED_UP = new CopyOnWriteArraySet<>();
  private static final Prober PROBER = prober(ProbeSettings.defaults(), Probe.LOOPBACK);

  private static Prober prober(ProbeSettings settings, EgressPolicy policy) {
    return new Prober(
        Probe.DRIVERS, policy, settings, Clock.systemUTC(), AthenaServiceTest::lookUp);
  }

  private static InetAddress[] lookUp(String name) throws UnknownHostException {
    LOOKED_UP.add(name);
    if (!List.of(AthenaStub.hosts(REGION)).contains(name)) {
      throw new UnknownHostException(name);
    }
    return new InetAddress[] {InetAddress.getLoopbackAddress()};
  }

  @BeforeAll
  static void furnish() {
    STUB.key(KEY_ID, SECRET);
    STUB.database("shop");
    STUB.bucket("results", 200);
    STUB.bucket("foreign", 301);
    STUB.bucket("locked", 403);
    STUB.workGroup("off", false, null);
    STUB.workGroup("reporting", true, "s3://results/reports/");
    STUB.workGroup("stray", true, "s3://nowhere/");
  }

  @BeforeEach
  void calm() {
    STUB.https().forget();
    STUB.queriesEnd("SUCCEEDED", 2);
    LOOKED_UP.clear();
  }

  @AfterAll
  static void stop() {
    PROBER.close();
    STUB.close();
  }

  private static Probe.Target good() {
    return at(REGION).option("s3OutputLocation", "s3://results/sluice/").tls(CA.certificatePem());
  }

  private static Probe.Target at(String region) {
    return Probe.target("athena", region, STUB.port()).login(KEY_ID, SECRET).database("shop");
  }

  private static List<String> operations() {
    return STUB.https().requests().stream()
        .map(r -> r.headers().getOrDefault("x-amz-target", r.method() + " " + r.target().getPath()))
        .map(text -> text.replace("AmazonAthena.", ""))
        .distinct()
        .toList();
  }

  @Test
  void a_good_connection_passes_every_step_and_runs_one_query() {
    Tested tested = PROBER.test(good().build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "tls passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(Probe.step(tested, Name.TLS).detail()).startsWith("TLSv1.3, certificate valid");
    assertThat(tested.report().target()).isEqualTo("athena://eu-west-1:" + STUB.port() + "/shop");
    assertThat(operations())
        .containsExactly(
            "GetWorkGroup",
            "GetDatabase",
            "StartQueryExecution",
            "GetQueryExecution",
            "GetQueryResults");
    assertThat(LOOKED_UP).containsExactly("athena.eu-west-1.amazonaws.com");
  }

  @Test
  void a_workgroup_with_an_output_location_needs_no_option() {
    Tested tested =
        PROBER.test(at(REGION).option("workgroup", "reporting").tls(CA.certificatePem()).build());

    assertThat(tested.report().passed()).as("%s", tested.report()).isTrue();
  }

  @Test
  void temporary_credentials_are_signed_with_their_session_token() {
    STUB.temporaryKey("ASIATEMPORARY", "temporary-secret", "session-token");
    Probe.Target target = good().login("ASIATEMPORARY", "temporary-secret");

    assertThat(PROBER.test(target.accessToken("session-token").build()).report().passed()).isTrue();
    assertThat(Probe.steps(PROBER.test(target.accessToken("another-token").build())))
        .contains("login AUTH_FAILED");
  }

  @Test
  void a_wrong_secret_is_told_from_an_unknown_key() {
    Tested wrong = PROBER.test(good().login(KEY_ID, "wrong-" + UUID.randomUUID()).build());
    Tested unknown = PROBER.test(good().login("AKIAUNKNOWN", SECRET).build());

    assertThat(Probe.steps(wrong)).contains("tls passed", "login AUTH_FAILED", "query skipped");
    assertThat(Probe.step(wrong, Name.LOGIN).field()).isEqualTo("password");
    assertThat(Probe.step(unknown, Name.LOGIN).reason()).isEqualTo(Reason.AUTH_FAILED);
    assertThat(Probe.step(unknown, Name.LOGIN).field()).isEqualTo("username");
  }

  @Test
  void a_refused_key_is_not_tried_again() {
    Probe.Target target = good().login(KEY_ID, "wrong-" + UUID.randomUUID());
    PROBER.test(target.build());
    int asked = STUB.https().requests().size();

    assertThat(Probe.steps(PROBER.test(target.build()))).contains("login LOCKOUT_GUARD");
    assertThat(asked).isEqualTo(1);
    assertThat(STUB.https().requests()).hasSize(asked);
  }

  @Test
  void a_key_that_may_query_but_not_read_the_workgroup_is_good() {
    STUB.keyWithoutRights("AKIAQUERY", SECRET, true);
    STUB.keyWithoutRights("AKIANOTHING", SECRET, false);

    assertThat(PROBER.test(good().login("AKIAQUERY", SECRET).build()).report().passed()).isTrue();
    assertThat(Probe.steps(PROBER.test(good().login("AKIANOTHING", SECRET).build())))
        .contains("login passed", "database passed", "query PERMISSION_DENIED");
  }

  @Test
  void a_missing_database_is_found_before_the_query() {
    Tested tested = PROBER.test(good().database("nothing").build());

    assertThat(Probe.steps(tested))
        .contains("login passed", "database DATABASE_NOT_FOUND", "query skipped");
  }

  @ParameterizedTest
  @CsvSource({"missing, does not exist", "off, is disabled"})
  void a_workgroup_that_cannot_be_used_is_named(String workgroup, String hint) {
    Tested tested = PROBER.test(good().option("workgroup", workgroup).build());

    assertThat(Probe.steps(tested)).contains("login passed", "query WAREHOUSE_NOT_FOUND");
    assertThat(Probe.step(tested, Name.QUERY).hint()).contains(hint);
  }

  @ParameterizedTest
  @CsvSource({
    "s3://absent/, does not exist",
    "s3://locked/, refuses this access key",
    "s3://foreign/, another region"
  })
  void an_output_location_that_takes_no_results_is_explained_by_its_bucket(
      String location, String hint) {
    Tested tested = PROBER.test(good().option("s3OutputLocation", location).build());

    assertThat(Probe.steps(tested)).contains("query OUTPUT_LOCATION_UNREACHABLE");
    assertThat(Probe.step(tested, Name.QUERY).hint()).contains(hint);
    assertThat(LOOKED_UP).contains("s3.eu-west-1.amazonaws.com");
  }

  @Test
  void the_location_that_a_workgroup_insists_on_is_the_one_that_is_looked_at() {
    Tested tested = PROBER.test(good().option("workgroup", "stray").build());

    assertThat(Probe.steps(tested)).contains("query OUTPUT_LOCATION_UNREACHABLE");
    assertThat(operations()).contains("HEAD /nowhere");
  }

  @Test
  void no_output_location_at_all_is_said() {
    Tested tested = PROBER.test(at(REGION).tls(CA.certificatePem()).build());

    assertThat(Probe.steps(tested)).contains("query OUTPUT_LOCATION_UNREACHABLE");
    assertThat(Probe.step(tested, Name.QUERY).hint()).contains("s3OutputLocation");
  }

  @Test
  void a_query_that_fails_with_a_good_bucket_is_a_matter_of_rights() {
    STUB.queriesEnd("FAILED", 1);

    assertThat(Probe.steps(PROBER.test(good().build()))).contains("query PERMISSION_DENIED");
  }

  @Test
  void a_query_that_never_ends_is_left_at_the_deadline() {
    STUB.queriesEnd("SUCCEEDED", Integer.MAX_VALUE);
    try (Prober impatient =
        prober(Probe.impatient(Duration.ofMillis(1500), Duration.ofSeconds(4)), Probe.LOOPBACK)) {
      Tested tested = impatient.test(good().build());

      assertThat(Probe.steps(tested)).contains("database passed", "query TIMEOUT");
      assertThat(tested.report().durationMs()).isLessThan(5000);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"eu-west-9", "mars", "eu-west-1.evil.example", "us-gov-west-1"})
  void what_is_no_region_goes_nowhere(String region) {
    Tested tested = PROBER.test(at(region).tls(CA.certificatePem()).build());

    assertThat(Probe.steps(tested)).contains("dns REGION_UNREACHABLE", "tcp skipped");
    assertThat(LOOKED_UP).allMatch(name -> name.matches("athena\\.[a-z0-9-]+\\.amazonaws\\.com"));
  }

  @Test
  void tls_is_verified_though_ssl_was_not_asked_for() {
    Tested tested = PROBER.test(at(REGION).option("s3OutputLocation", "s3://results/").build());

    assertThat(Probe.steps(tested)).contains("tcp passed", "tls TLS_UNTRUSTED", "login skipped");
    assertThat(STUB.https().requests()).isEmpty();
  }

  @Test
  void a_certificate_of_another_host_stops_before_the_first_request() {
    try (AthenaStub elsewhere = AthenaStub.start(CA, "us-east-1")) {
      Tested tested =
          PROBER.test(
              Probe.target("athena", REGION, elsewhere.port())
                  .login(KEY_ID, SECRET)
                  .tls(CA.certificatePem())
                  .build());

      assertThat(Probe.steps(tested)).contains("tls TLS_HOSTNAME_MISMATCH");
      assertThat(elsewhere.https().requests()).isEmpty();
    }
  }

  @Test
  void a_redirect_is_refused_and_not_followed() {
    STUB.https()
        .answering(
            r -> new Response(307, Map.of("Location", "https://169.254.169.254/latest/"), ""));

    Tested tested = PROBER.test(good().build());

    assertThat(Probe.steps(tested)).contains("login REDIRECT_REFUSED");
    assertThat(STUB.https().requests()).hasSize(1);
    assertThat(LOOKED_UP).hasSize(1);
  }

  @Test
  void a_refusal_that_is_not_athenas_is_a_protocol_mismatch() {
    STUB.https()
        .answering(
            r -> new Response(403, Map.of("Content-Type", "text/html"), "<html>Forbidden</html>"));

    assertThat(Probe.steps(PROBER.test(good().build()))).contains("login PROTOCOL_MISMATCH");
  }

  @Test
  void an_answer_that_never_comes_ends_at_the_deadline() {
    try (Prober impatient =
        prober(Probe.impatient(Duration.ofMillis(1500), Duration.ofSeconds(4)), Probe.LOOPBACK)) {
      STUB.https().answering(AthenaServiceTest::muteUntilInterrupted);

      Tested tested = impatient.test(good().build());

      assertThat(Probe.steps(tested)).contains("tls passed", "login TIMEOUT");
      assertThat(tested.report().durationMs()).isLessThan(2500);
    }
  }

  private static Response muteUntilInterrupted(Request request) {
    try {
      new java.util.concurrent.CountDownLatch(1).await(3, java.util.concurrent.TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Response.empty(500);
  }

  @Test
  void the_egress_policy_decides_about_the_bucket_too() {
    EgressPolicy noBuckets =
        new EgressPolicy(List.of(), List.of("s3.eu-west-1.amazonaws.com"), true, List.of());
    EgressPolicy noAthena =
        new EgressPolicy(List.of(), List.of("*.amazonaws.com"), true, List.of());
    try (Prober halfOpen = prober(ProbeSettings.defaults(), noBuckets);
        Prober shut = prober(ProbeSettings.defaults(), noAthena)) {
      Tested half = halfOpen.test(good().option("s3OutputLocation", "s3://absent/").build());

      assertThat(Probe.steps(half)).contains("query OUTPUT_LOCATION_UNREACHABLE");
      assertThat(operations()).doesNotContain("HEAD /absent");
      assertThat(LOOKED_UP).doesNotContain("s3.eu-west-1.amazonaws.com");
      assertThat(Probe.steps(shut.test(good().build()))).contains("policy POLICY_DENIED");
    }
  }

  @Test
  void nothing_about_this_machine_is_told() {
    PROBER.test(good().build());

    assertThat(STUB.https().requests())
        .allSatisfy(
            r -> {
              assertThat(r.headers().get("user-agent")).isEqualTo("sluice");
              assertThat(r.headers().toString())
                  .doesNotContain(System.getProperty("java.version"))
                  .doesNotContain(System.getProperty("os.name"))
                  .doesNotContain(SECRET);
              assertThat(r.body()).doesNotContain(SECRET);
            });
  }

  @Test
  void a_bastion_is_refused_since_no_request_would_go_through_it() {
    Probe.Target target =
        good().via("127.0.0.1", 22, "jump", "pw-" + UUID.randomUUID(), null, null, true);

    assertThatThrownBy(() -> PROBER.test(target.build()))
        .isInstanceOfSatisfying(
            Refusal.class, e -> assertThat(e.errors().get(0).field()).isEqualTo("ssh"));
  }

  @Test
  void an_option_that_is_not_listed_or_well_formed_is_refused() {
    for (Probe.Target target :
        List.of(
            good().option("endpoint", "x"),
            good().option("s3OutputLocation", "s3://x@evil.example/"),
            good().option("workgroup", "a b"))) {
      assertThatThrownBy(() -> PROBER.test(target.build())).isInstanceOf(Refusal.class);
    }
  }
}
