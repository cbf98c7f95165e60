package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.canary.CanarySearch;
import io.sluice.servers.SluiceProcess;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
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
    String answer = raw("GET /datasources?_limit=1&id=missing", List.of(authorization()), "");
    assertThat(answer).startsWith("HTTP/1.1 422 ");
    for (String operation :
        List.of(
            "GET /datasources/demo",
            "POST /datasources/demo/test",
            "DELETE /datasources/demo",
            "GET /drivers",
            "GET /openapi.json")) {
      assertThat(raw(operation + "?id=missing", List.of(authorization()), ""))
          .as(operation)
          .startsWith("HTTP/1.1 422 ")
          .contains("\"field\":\"id\"");
    }
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

  /** What is not sent is not waited for. */
  @ParameterizedTest
  @ValueSource(
      strings = {"Content-Length: 99999999", "Content-Length: 65537\r\nExpect: 100-continue"})
  void aBodyThatIsAnnouncedTooLargeIsRefusedBeforeItIsSent(String announced) {
    String answer =
        raw(
            "PUT /datasources/demo",
            List.of(authorization(), "Content-Type: application/json", announced),
            "");
    assertThat(answer).startsWith("HTTP/1.1 413 ");
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
    assertNoErrorLogged();
  }

  @Test
  void aFloodIsDiscardedInSilence() {
    int sent = 0;
    try (Socket socket = new Socket(SLUICE.api().getHost(), SLUICE.api().getPort())) {
      OutputStream out = socket.getOutputStream();
      out.write(
          "PUT /datasources/demo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
              .getBytes(StandardCharsets.US_ASCII));
      byte[] chunk = ("2000\r\n" + "x".repeat(0x2000) + "\r\n").getBytes(StandardCharsets.US_ASCII);
      while (sent < 64 * 1024 * 1024) {
        out.write(chunk);
        sent += chunk.length;
      }
    } catch (IOException cutOff) {
      assertThat(sent).isGreaterThan(1024 * 1024);
    }
    assertThat(sent).isLessThan(64 * 1024 * 1024);
    // The process has got over it.
    assertThat(API.get("/datasources/demo").send().status()).isEqualTo(200);
    assertNoErrorLogged();
  }

  /** Whoever can make the service write stacks can fill its disk. */
  private static void assertNoErrorLogged() {
    assertThat(SLUICE.logged().lines().filter(line -> line.contains("ERROR"))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"OPTIONS", "TRACE", "DELETE", "CONNECT", "PROPFIND", "X-ODD"})
  void aMethodThatAnAddressDoesNotSupportIsTold(String method) {
    String answer = raw(method + " /drivers", List.of(), "");
    assertThat(answer)
        .startsWith("HTTP/1.1 405 ")
        .containsIgnoringCase("\r\nallow: GET, HEAD\r\n")
        .contains("application/json", "{\"code\":405,");
    assertThat(raw("OPTIONS /datasources/demo", List.of(), ""))
        .containsIgnoringCase("\r\nallow: GET, PUT, DELETE, HEAD, PATCH\r\n");
    assertThat(raw(method + " /elsewhere", List.of(), "")).startsWith("HTTP/1.1 404 ");
    assertNoErrorLogged();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/datasources/demo", "/datasources", "/openapi.json", "/events"})
  void headIsAnsweredAsGetIsWithoutABody(String address) {
    String answer = raw("HEAD " + address, List.of(authorization(), "Connection: close"), "");

    assertThat(answer).startsWith("HTTP/1.1 200 ").endsWith("\r\n\r\n").doesNotContain("{");
    assertThat(raw("HEAD /datasources/missing", List.of(authorization()), ""))
        .startsWith("HTTP/1.1 404 ")
        .endsWith("\r\n\r\n");
    assertThat(raw("HEAD /datasources/demo", List.of(), "")).startsWith("HTTP/1.1 403 ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/datasources/%zz", "/datasources/%", "/%4", "/datasources?%zz"})
  void aBadlyEncodedAddressIsRefusedInTheErrorShape(String address) {
    String answer = raw("GET " + address, List.of(authorization()), "");
    assertThat(answer).startsWith("HTTP/1.1 400 ").contains("{\"code\":400,", "request_id");
    assertNoErrorLogged();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/DATASOURCES/demo",
        "/Datasources",
        "//datasources/demo",
        "/datasources//demo",
        "/datasources/demo/",
        "/datasources/",
        "/datasources/.",
        "/datasources/%2e",
        "/datasources/%2E%2e",
        "/datasources/./demo",
        "/datasources/x/../demo",
        "/datasources/x/%2e%2e/demo",
        "/x/../datasources/demo",
        "/datasources/COUNT",
        "/datasources/%63ount",
        "/datasources/demo/History",
        "/openapi.json/",
        "/",
        "/datasources/demo;a=b",
        "/DRIVERS"
      })
  void anAddressMatchesExactlyOrNotAtAll(String path) {
    assertThat(raw("GET " + path, List.of(authorization()), ""))
        .startsWith("HTTP/1.1 404 ")
        .contains("{\"code\":404,", "request_id");
  }

  @Test
  void anIdMayBePercentEncoded() {
    assertThat(raw("GET /datasources/d%65mo", List.of(authorization()), ""))
        .startsWith("HTTP/1.1 200 ");
  }

  @Test
  void twoCredentialsAreNone() {
    String other = "authorization: Bearer another";
    for (List<String> both :
        List.of(List.of(authorization(), other), List.of(other, authorization()))) {
      assertThat(raw("GET /datasources/demo", both, "")).startsWith("HTTP/1.1 403 ");
    }
  }

  @Test
  void twoContentTypesAreNone() {
    assertThat(
            raw(
                "PUT /datasources/demo?dryRun=true",
                List.of(
                    authorization(),
                    "Content-Type: application/json",
                    "Content-Type: application/xml",
                    "Content-Length: 2"),
                "{}"))
        .startsWith("HTTP/1.1 400 ")
        .contains("Content-Type");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "br", "identity, gzip", "gzip, identity"})
  void anEncodedBodyIsNotSupported(String coding) {
    String answer =
        raw(
            "PUT /datasources/demo?dryRun=true",
            List.of(
                authorization(),
                "Content-Type: application/json",
                "Content-Encoding: " + coding,
                "Content-Length: 2"),
            "{}");
    assertThat(answer).startsWith("HTTP/1.1 415 ").contains("Content-Encoding");
  }

  @Test
  void identityIsNoEncoding() {
    String answer =
        raw(
            "PUT /datasources/demo?dryRun=true",
            List.of(
                authorization(),
                "Content-Type: application/json",
                "Content-Encoding: Identity",
                "Content-Length: 3"),
            "{:}");
    assertThat(answer).startsWith("HTTP/1.1 400 ");
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
