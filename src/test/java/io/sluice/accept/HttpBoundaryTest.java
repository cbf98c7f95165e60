package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.canary.CanarySearch;
import io.sluice.servers.SluiceProcess;
import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a client sends means what it says and nothing else: no header comes back, none decides. */
class HttpBoundaryTest {
  private static final CanarySearch CANARIES = new CanarySearch();
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  @AfterAll
  static void noSecretLeaked() {
    API.assertNoSecretLeaked(CANARIES);
  }

  private static String raw(String line, List<String> headers, String body) {
    StringBuilder request = new StringBuilder(line + " HTTP/1.1\r\nHost: localhost\r\n");
    headers.forEach(header -> request.append(header).append("\r\n"));
    request.append("Connection: close\r\n\r\n").append(body);
    return API.raw(request.toString());
  }

  private static String authorization() {
    return "authorization: Bearer " + SLUICE.token();
  }

  private static List<String> headerNames(String answer) {
    return Arrays.stream(answer.substring(0, answer.indexOf("\r\n\r\n")).split("\r\n", -1))
        .skip(1)
        .map(line -> line.substring(0, line.indexOf(':')).toLowerCase(Locale.ROOT))
        .toList();
  }

  @Test
  void credentialsDoNotComeBack() {
    String answer = raw("GET /datasources/demo", List.of(authorization()), "");
    assertThat(answer).startsWith("HTTP/1.1 200 ");
    assertThat(headerNames(answer)).doesNotContain("authorization", "host");
    assertThat(answer).doesNotContain(SLUICE.token());
  }

  @Test
  void aFormFieldDoesNotComeBackAsAHeader() {
    String password = CANARIES.secret("a form's password").reveal();
    String form =
        "driver=mariadb&host=127.0.0.1&port=1&username=u&password="
            + password
            + "&sshPassword="
            + password;
    String answer =
        raw(
            "PUT /datasources/demo?dryRun=true",
            List.of(
                authorization(),
                "Content-Type: application/x-www-form-urlencoded",
                "Content-Length: " + form.length()),
            form);
    assertThat(answer).startsWith("HTTP/1.1 422 ");
    assertThat(headerNames(answer)).doesNotContain("password", "driver", "dryrun", "sshpassword");
    assertThat(answer).doesNotContain(password);
  }

  static Stream<List<String>> hostileHeaders() {
    return Stream.of(
        List.of("Location: http://elsewhere.example/"),
        List.of("Set-Cookie: a=b"),
        List.of("Access-Control-Allow-Origin: *"),
        List.of("CamelHttpResponseCode: 299"),
        List.of("CamelHttpPath: /openapi.json", "CamelHttpUri: http://elsewhere.example"),
        List.of("CamelJacksonUnmarshalType: java.util.Date"),
        List.of("CamelJdbcParameters: x", "CamelSqlQuery: delete from data_sources"),
        List.of("kafka.OVERRIDE_TOPIC: other", "kafka.PARTITION_KEY: 1"),
        List.of("id: another", "path: x", "scope: admin", "caller: x"));
  }

  @ParameterizedTest
  @MethodSource("hostileHeaders")
  void aHeaderDecidesNothingAndDoesNotComeBack(List<String> hostile) {
    String answer =
        raw(
            "GET /datasources/demo",
            Stream.concat(Stream.of(authorization()), hostile.stream()).toList(),
            "");
    assertThat(answer).startsWith("HTTP/1.1 200 ").contains("{\"id\":\"demo\"");
    for (String header : hostile) {
      String name = header.substring(0, header.indexOf(':')).toLowerCase(Locale.ROOT);
      assertThat(headerNames(answer)).doesNotContain(name);
    }
  }

  @Test
  void aQueryParameterDoesNotBecomeAPathParameter() {
    String answer = raw("GET /datasources/demo?id=missing", List.of(authorization()), "");
    assertThat(answer).contains("{\"id\":\"demo\"");
  }

  @Test
  void aClientThatAsksBeforeItSendsIsToldToGoOn() {
    String body = "{\"driver\":";
    String answer =
        raw(
            "PUT /datasources/demo",
            List.of(
                authorization(),
                "Content-Type: application/json",
                "Expect: 100-continue",
                "Content-Length: " + body.length()),
            body);
    assertThat(answer).startsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ");
  }

  @Test
  void aBodyOverTheLimitIsRefusedHoweverItIsSent() {
    byte[] large = "x".repeat(100_000).getBytes(StandardCharsets.UTF_8);
    Api.Answer chunked =
        API.request("PUT", "/datasources/demo")
            .admin()
            .body(
                "application/json",
                BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(large)))
            .send();
    assertThat(chunked.status()).isEqualTo(413);
    Api.Answer sized =
        API.request("PUT", "/datasources/demo")
            .admin()
            .body("application/json", BodyPublishers.ofByteArray(large))
            .send();
    assertThat(sized.status()).isEqualTo(413);
  }

  @Test
  void aBodyWithoutEndIsCutOff() {
    StringBuilder chunks = new StringBuilder();
    String chunk = "8000\r\n" + "x".repeat(0x8000) + "\r\n";
    for (int i = 0; i < 40; i++) {
      chunks.append(chunk);
    }
    String answer =
        raw(
            "PUT /datasources/demo",
            List.of(
                authorization(), "Content-Type: application/json", "Transfer-Encoding: chunked"),
            chunks.toString());
    assertThat(answer).startsWith("HTTP/1.1 413 ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/../config/application.properties",
        "/config/openapi.yaml",
        "/datasources/..%2f..%2fetc%2fpasswd",
        "/datasources/%00",
        "/datasources/%ff",
        "/datasources/%zz",
        "//datasources/demo/../../x",
        "/proxy",
        "/observe/health"
      })
  void aStrangeAddressIsNotFound(String path) {
    String answer = raw("GET " + path, List.of(authorization()), "");
    assertThat(answer).containsPattern("^HTTP/1.1 (404|400) ");
  }

  @Test
  void anAnswerIsNotCachedAndNotSniffed() {
    Api.Answer answer = API.get("/datasources/demo").send();
    assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
    assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
  }

  @Test
  void aServerErrorTellsNothing() {
    // The path parameter alone cannot be stored; whatever else fails, no failure is ever detailed.
    ObjectNode odd = Api.object(Map.of("driver", "postgresql", "host", "127.0.0.1", "port", 1));
    Api.Answer answer =
        API.put(UUID.randomUUID().toString(), odd.put("username", "u").put("database", "\u0000"));
    assertThat(answer.status()).isIn(404, 422);
    assertThat(answer.body()).doesNotContain("Exception", "org.", "java.");
  }
}
