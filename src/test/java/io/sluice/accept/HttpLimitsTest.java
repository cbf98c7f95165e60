package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.canary.CanarySearch;
import io.sluice.contract.ContractFile;
import io.sluice.servers.SluiceProcess;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.net.Socket;
import java.net.URLEncoder;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A CONFIG in the query has room, what is too long is told in the error shape, and what is silent
 * is closed.
 */
class HttpLimitsTest {
  private static final CanarySearch CANARIES = new CanarySearch();
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  /** Longer than a request line may be, and shorter than one that is not read to its end. */
  private static final int TOO_LONG = 70_000;

  private static final int NOT_READ = 200_000;

  @AfterAll
  static void noQueryWasLogged() {
    API.assertNoSecretLeaked(CANARIES);
  }

  private static String zoho() {
    return "/restapi/v2/workspaces/" + SLUICE.workspace() + "/datasources/1767024000003890005";
  }

  private static String ask(String line, String headers) {
    return API.raw(line + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n");
  }

  private static JsonNode body(String answer) {
    try {
      return Api.JSON.readTree(answer.substring(answer.indexOf("\r\n\r\n") + 4));
    } catch (JsonProcessingException e) {
      throw new AssertionError("The answer is no JSON: " + answer, e);
    }
  }

  private static void isError(String answer, int status, String reason) {
    assertThat(answer).containsPattern("^HTTP/1\\.[01] " + status + " ");
    assertThat(body(answer).path("code").asInt()).isEqualTo(status);
    assertThat(body(answer).path("reason").asText()).isEqualTo(reason);
    assertThat(body(answer).path("request_id").asText()).isNotEmpty();
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/Error", body(answer)))
        .isEmpty();
  }

  private static void isTooLongForZoho(String answer) {
    assertThat(answer).containsPattern("^HTTP/1\\.[01] 400 ");
    assertThat(body(answer).at("/data/errorCode").asInt()).isEqualTo(8507);
    assertThat(body(answer).path("summary").asText()).isEqualTo("MORE_THAN_MAX_LENGTH");
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/ZohoFailure", body(answer)))
        .isEmpty();
  }

  @Test
  void aConfigOfManyKibInTheQueryIsReadWhole() {
    SluiceProcess.Target target = SLUICE.target();
    String config =
        Api.object(
                Map.of(
                    "serviceName",
                    "LOCAL DATABASE",
                    "databaseType",
                    "POSTGRESQL",
                    "hostName",
                    target.host(),
                    "port",
                    target.port(),
                    "userName",
                    target.user(),
                    "password",
                    target.password(),
                    "cloudDatabaseName",
                    target.database()))
            .toString();
    Api.Answer answer =
        API.request(
                "PUT", zoho() + "?CONFIG=" + "+".repeat(50_000) + URLEncoder.encode(config, UTF_8))
            .header("Authorization", "Zoho-oauthtoken " + SLUICE.token())
            .header("ZANALYTICS-ORGID", SLUICE.organization())
            .send();
    assertThat(answer.status()).as(answer.body()).isEqualTo(204);
  }

  @Test
  void aLineThatIsTooLongIsToldInTheShapeOfItsApi() {
    String secret = CANARIES.secret("a password in a line that is too long").reveal();
    String query = "?CONFIG=%7B%22password%22%3A%22" + secret + "x".repeat(TOO_LONG);

    isTooLongForZoho(ask("PUT " + zoho() + query, "Connection: close\r\n"));
    isError(ask("GET /datasources" + query, "Connection: close\r\n"), 414, "URI_TOO_LONG");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/datasources", "/restapi/v2/workspaces/1/datasources/1"})
  void aLineThatIsNotReadToItsEndIsToldAsTheNativeApiTellsIt(String path) {
    String secret = CANARIES.secret("a password in a line without end").reveal();
    isError(
        ask("PUT " + path + "?CONFIG=" + secret + "x".repeat(NOT_READ), ""), 414, "URI_TOO_LONG");
  }

  @Test
  void headersThatAreTooLargeAreToldInTheShapeOfTheirApi() {
    String headers = "Authorization: Bearer " + "x".repeat(20_000) + "\r\n";

    isError(ask("GET /datasources", headers), 431, "HEADERS_TOO_LARGE");
    isTooLongForZoho(ask("PUT " + zoho() + "?CONFIG=%7B%7D", headers));
  }

  @ParameterizedTest
  @ValueSource(strings = {"GARBAGE\r\n\r\n", "GET / HTTP/9\r\n\r\n"})
  void whatIsNoHttpIsToldInTheErrorShape(String bytes) {
    isError(API.raw(bytes), 400, "MALFORMED_BODY");
  }

  @Test
  void whatNamesNoHostOrSeveralOrNoPathIsToldAndNotLogged() {
    isError(
        API.raw("GET /datasources HTTP/1.1\r\nConnection: close\r\n\r\n"), 400, "MALFORMED_BODY");
    for (String second : List.of("localhost", "elsewhere")) {
      isError(
          ask("GET /datasources", "Host: " + second + "\r\nConnection: close\r\n"),
          400,
          "MALFORMED_BODY");
    }
    isError(ask("OPTIONS *", "Connection: close\r\n"), 404, "NOT_FOUND");
    assertThat(SLUICE.logged()).doesNotContain("Unhandled exception");
  }

  @Test
  void aConnectionThatNothingPassesThroughAnyMoreIsClosed() throws Exception {
    HttpLimits vertx = new HttpLimits(new Answers(Api.JSON), Duration.ofSeconds(1), 0);
    try {
      HttpServer server =
          vertx
              .createHttpServer(new HttpServerOptions())
              .requestHandler(
                  request -> {
                    HttpServerResponse told = request.response().setChunked(true);
                    // Longer than a silent one is kept.
                    for (int i = 1; i < 6; i++) {
                      vertx.setTimer(500L * i, next -> told.write("."));
                    }
                    vertx.setTimer(3000, over -> told.end("!"));
                  })
              .listen(0)
              .toCompletionStage()
              .toCompletableFuture()
              .get(10, TimeUnit.SECONDS);
      try (Socket silent = new Socket("localhost", server.actualPort());
          Socket halfSaid = new Socket("localhost", server.actualPort());
          Socket answered = new Socket("localhost", server.actualPort())) {
        halfSaid.getOutputStream().write("GET / HTTP/1.1\r\nHost".getBytes(UTF_8));
        answered.getOutputStream().write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".getBytes(UTF_8));
        assertThat(untilClosed(silent)).isEmpty();
        assertThat(untilClosed(halfSaid)).isEmpty();
        assertThat(untilClosed(answered)).startsWith("HTTP/1.1 200 ").contains("!");
      }
    } finally {
      vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
    }
  }

  private static String untilClosed(Socket connection) throws IOException {
    connection.setSoTimeout(10_000);
    return new String(connection.getInputStream().readAllBytes(), UTF_8);
  }
}
