package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Step;
import io.sluice.servers.HttpsStub;
import io.sluice.servers.HttpsStub.Response;
import io.sluice.servers.RogueServer;
import io.sluice.servers.TestCa;
import java.net.InetAddress;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What answers in the place of a cloud service, the same for all of them. */
class CloudAnswersTest {
  private static final TestCa CA = TestCa.create("Clouds");
  private static final TestCa.Issued IDENTITY =
      CA.server(
          "athena.eu-west-1.amazonaws.com",
          "bigquery.googleapis.com",
          "acme.snowflakecomputing.com",
          "dbc-1.cloud.databricks.com");
  private static final HttpsStub STUB =
      HttpsStub.start(IDENTITY.sslContext(), request -> Response.empty(404));
  private static final Prober PROBER =
      new Prober(
          Probe.DRIVERS,
          Probe.LOOPBACK,
          ProbeSettings.defaults(),
          Clock.systemUTC(),
          name -> new InetAddress[] {InetAddress.getLoopbackAddress()});

  @BeforeEach
  void calm() {
    STUB.forget();
  }

  @AfterAll
  static void stop() {
    PROBER.close();
    STUB.close();
  }

  /** Each time with another secret, as if nothing had been tried before. */
  private static Tested test(String service, int port) {
    String secret = "dapi" + UUID.randomUUID();
    Probe.Target target =
        switch (service) {
          case "athena" -> Probe.target(service, "eu-west-1", port).login("AKIA0123456789", secret);
          case "bigquery" ->
              Probe.target(service, "bigquery.googleapis.com", port)
                  .login(null, null)
                  .accessToken(secret)
                  .option("projectId", "sluice-project");
          case "snowflake" -> Probe.target(service, "acme", port).login("LOADER", secret);
          default ->
              Probe.target(service, "dbc-1.cloud.databricks.com", port)
                  .login(null, secret)
                  .option("httpPath", "/sql/1.0/warehouses/w1");
        };
    return PROBER.test(target.database(null).tls(CA.certificatePem()).build());
  }

  @ParameterizedTest
  @ValueSource(strings = {"athena", "bigquery", "snowflake", "databricks"})
  void an_error_of_the_services_own_is_told_from_a_missing_path(String service) {
    for (Response answer :
        List.of(
            Response.empty(500),
            new Response(502, Map.of("Content-Type", "text/html"), "<html>Bad gateway</html>"),
            Response.json(503, "{\"error_code\":\"NOT_NOW\",\"code\":\"000001\"}"))) {
      STUB.answering(request -> answer);

      Step login = Probe.step(test(service, STUB.port()), Name.LOGIN);

      assertThat(login.reason()).as(answer.toString()).isEqualTo(Reason.UNREACHABLE);
      assertThat(login.retryable()).isTrue();
      assertThat(login.hint())
          .contains("HTTP status " + answer.status())
          .doesNotContain("routes and firewalls");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"athena", "bigquery", "snowflake", "databricks"})
  void what_speaks_no_such_protocol_is_a_mismatch_and_no_matter_of_routes(String service) {
    for (Response answer :
        List.of(
            new Response(200, Map.of("Content-Type", "text/html"), "<html>Welcome</html>"),
            Response.json(200, "[]"),
            Response.json(200, "{\"a\":" + "[".repeat(200_000)),
            Response.json(200, "x".repeat(3_000_000)),
            Response.endless(200),
            new Response(200, Map.of("Content-Encoding", "gzip"), "{}"))) {
      STUB.answering(request -> answer);

      assertThat(Probe.steps(test(service, STUB.port()))).contains("login PROTOCOL_MISMATCH");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: many\r\n\r\n{}",
        "220 mail.example ESMTP\r\n"
      })
  void what_is_no_http_is_a_mismatch(String words) {
    try (RogueServer server =
        RogueServer.playing(
            client -> {
              client.startTls(IDENTITY);
              client.read(1);
              client.write(RogueServer.latin(words));
            })) {
      for (String service : List.of("athena", "bigquery", "snowflake", "databricks")) {
        assertThat(Probe.steps(test(service, server.port())))
            .as(service)
            .contains("login PROTOCOL_MISMATCH");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"athena", "bigquery", "snowflake", "databricks"})
  void a_redirect_is_refused_and_not_followed(String service) {
    STUB.answering(r -> new Response(307, Map.of("Location", "https://evil.example/"), ""));

    assertThat(Probe.steps(test(service, STUB.port()))).contains("login REDIRECT_REFUSED");
    assertThat(STUB.requests()).hasSize(1);
  }
}
