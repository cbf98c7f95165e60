package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.contract.ContractFile;
import io.sluice.servers.SluiceProcess;
import java.net.URLEncoder;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Organizations, workspaces, tokens and clients, and Zoho's token endpoint. */
final class AdministrationTest {
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  private static Answer post(String path, Object body) {
    return API.request("POST", path).admin().json(Api.JSON.valueToTree(body)).send();
  }

  private static JsonNode made(String path, String schema, Object body) {
    Answer answer = post(path, body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(201);
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/" + schema, answer.json()))
        .isEmpty();
    return answer.json();
  }

  private static String some(String what) {
    return what + "-" + UUID.randomUUID();
  }

  private static String workspace() {
    String org = some("org");
    String workspace = some("workspace");
    made("/orgs", "Organization", Map.of("id", org, "name", "An organization"));
    made("/workspaces", "Workspace", Map.of("id", workspace, "org", org, "name", "Its workspace"));
    return workspace;
  }

  private static int listed(String token) {
    return API.request("GET", "/datasources").token(token).send().status();
  }

  @Test
  void aTokenWorksInItsWorkspaceUntilItIsWithdrawn() {
    String workspace = workspace();
    JsonNode made =
        made(
            "/tokens",
            "NewToken",
            Map.of("workspace", workspace, "name", "ci", "scopes", List.of("datasources:read")));
    String token = made.path("token").asText();

    Answer empty = API.request("GET", "/datasources").token(token).send();
    assertThat(empty.status()).isEqualTo(200);
    assertThat(empty.json()).isEmpty();
    assertThat(API.request("DELETE", "/datasources/demo").token(token).send().status())
        .isEqualTo(403);
    assertThat(API.request("GET", "/tokens").token(token).send().reason())
        .isEqualTo("SCOPE_MISSING");

    Answer all = API.get("/tokens").send();
    assertThat(all.body()).contains(made.path("id").asText()).doesNotContain(token);
    String address = "/tokens/" + made.path("id").asText();
    assertThat(API.request("DELETE", address).admin().send().status()).isEqualTo(204);
    assertThat(API.request("DELETE", address).admin().send().status()).isEqualTo(404);
    await().atMost(Duration.ofSeconds(20)).until(() -> listed(token) == 403);
  }

  @Test
  void aWorkspaceMayBeNamedAsNoDataSourceMay() {
    String org = some("org");
    made("/orgs", "Organization", Map.of("id", org, "name", "An organization"));
    made("/workspaces", "Workspace", Map.of("id", "Test", "org", org, "name", "For tests"));
    JsonNode token =
        made(
            "/tokens",
            "NewToken",
            Map.of("workspace", "Test", "name", "ci", "scopes", List.of("datasources:read")));

    Answer listed =
        API.request("GET", "/restapi/v2/workspaces/Test/datasources")
            .header("Authorization", "Zoho-oauthtoken " + token.path("token").asText())
            .header("ZANALYTICS-ORGID", org)
            .send();

    assertThat(listed.status()).as(listed.body()).isEqualTo(200);
  }

  @Test
  void whatIsShownOnceIsNotInTheStore() throws SQLException {
    String workspace = workspace();
    JsonNode token =
        made(
            "/tokens",
            "NewToken",
            Map.of("workspace", workspace, "name", "x", "scopes", List.of("diagnostics")));
    JsonNode client = client(workspace);
    try (Connection store = SLUICE.store();
        Statement statement = store.createStatement();
        var rows =
            statement.executeQuery(
                "select string_agg(t::text, '') || (select string_agg(c::text, '') from clients c)"
                    + " from api_tokens t")) {
      rows.next();
      assertThat(rows.getString(1))
          .contains(token.path("id").asText(), client.path("id").asText())
          .doesNotContain(
              token.path("token").asText(),
              client.path("client_secret").asText(),
              client.path("refresh_token").asText());
    }
    assertThat(SLUICE.logged()).doesNotContain(token.path("token").asText());
  }

  @Test
  void idsAreTakenOnceAndParentsHaveToExist() {
    String org = some("org");
    Map<String, String> body = Map.of("id", org, "name", "twice");

    assertThat(post("/orgs", body).status()).isEqualTo(201);
    assertThat(post("/orgs", body).status()).isEqualTo(409);
    assertThat(API.get("/orgs").send().body()).contains(org);
    assertThat(
            post("/workspaces", Map.of("id", some("w"), "org", some("no"), "name", "x")).status())
        .isEqualTo(404);
    assertThat(
            post(
                    "/tokens",
                    Map.of("workspace", some("no"), "name", "x", "scopes", List.of("admin")))
                .status())
        .isEqualTo(404);
    assertThat(
            post(
                    "/clients",
                    Map.of("workspace", some("no"), "name", "x", "scopes", List.of("admin")))
                .status())
        .isEqualTo(404);
  }

  @Test
  void aTokenDoesNotWithdrawItself() {
    String own =
        API.get("/tokens").send().json().findParents("name").stream()
            .filter(t -> t.path("id").asText().equals("first"))
            .map(t -> t.path("id").asText())
            .findFirst()
            .orElseThrow();

    assertThat(API.request("DELETE", "/tokens/" + own).admin().send().status()).isEqualTo(422);
    assertThat(listed(SLUICE.token())).isEqualTo(200);
  }

  @Test
  void aTokenEndsWhenItWasToldTo() {
    assertThat(
            post(
                    "/tokens",
                    Map.of(
                        "workspace",
                        SLUICE.workspace(),
                        "name",
                        "x",
                        "scopes",
                        List.of("admin"),
                        "expires_at",
                        "2020-01-01T00:00:00Z"))
                .status())
        .isEqualTo(422);
    String token =
        made(
                "/tokens",
                "NewToken",
                Map.of(
                    "workspace",
                    SLUICE.workspace(),
                    "name",
                    "short",
                    "scopes",
                    List.of("datasources:read"),
                    "expires_at",
                    Instant.now().plusSeconds(4).toString()))
            .path("token")
            .asText();

    await().atMost(Duration.ofSeconds(30)).until(() -> listed(token) == 403);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          /orgs       | []                                                | 400
          /orgs       | {"id":"a","id":"b","name":"x"}                    | 400
          /orgs       | {"id":"a b","name":"x"}                           | 422
          /orgs       | {"id":1,"name":"x"}                               | 422
          /orgs       | {"name":"x"}                                      | 422
          /orgs       | {"id":"a"}                                        | 422
          /orgs       | {"id":"a","name":""}                              | 422
          /orgs       | {"id":"a","name":"x","more":1}                    | 422
          /orgs       | {"id":"a","name":"x\\u202ey"}                     | 422
          /tokens     | {"workspace":"w","name":"x\\u2028y","scopes":["admin"]} | 422
          /workspaces | {"id":"a","name":"x"}                             | 422
          /tokens     | {"workspace":"w","name":"x"}                      | 422
          /tokens     | {"workspace":"w","name":"x","scopes":[]}          | 422
          /tokens     | {"workspace":"w","name":"x","scopes":"admin"}     | 422
          /tokens     | {"workspace":"w","name":"x","scopes":["root"]}    | 422
          /tokens     | {"workspace":"w","name":"x","scopes":["admin"],"expires_at":"soon"} | 422
          /clients    | {"workspace":"w","name":"x","scopes":[1]}         | 422
          """)
  void whatIsWrongIsNamed(String path, String body, int status) {
    Answer answer = API.request("POST", path).admin().body("application/json", body).send();

    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/Error", answer.json()))
        .isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/orgs", "/workspaces", "/tokens", "/clients"})
  void onlyAdministratorsGetIn(String path) {
    String writer = API.token("datasources:read", "datasources:write", "diagnostics");

    assertThat(API.request("GET", path).token(writer).send().status()).isEqualTo(403);
    assertThat(
            API.request("POST", path)
                .token(writer)
                .json(Api.JSON.createObjectNode())
                .send()
                .status())
        .isEqualTo(403);
    assertThat(API.request("GET", path).send().status()).isEqualTo(403);
  }

  private static JsonNode client(String workspace) {
    return made(
        "/clients",
        "NewClient",
        Map.of(
            "workspace",
            workspace,
            "name",
            "a library",
            "scopes",
            List.of("ZohoAnalytics.metadata.all")));
  }

  /** Where clients put the parameters. */
  enum Place {
    QUERY,
    BODY;

    Answer send(Map<String, String> parameters) {
      String form =
          parameters.entrySet().stream()
              .map(e -> e.getKey() + "=" + URLEncoder.encode(e.getValue(), UTF_8))
              .collect(Collectors.joining("&"));
      return this == QUERY
          ? API.request("POST", "/oauth/v2/token?" + form).send()
          : API.request("POST", "/oauth/v2/token")
              .body("application/x-www-form-urlencoded", form)
              .send();
    }
  }

  private static Map<String, String> grant(JsonNode client) {
    return new HashMap<>(
        Map.of(
            "grant_type", "refresh_token",
            "client_id", client.path("id").asText(),
            "client_secret", client.path("client_secret").asText(),
            "refresh_token", client.path("refresh_token").asText()));
  }

  @ParameterizedTest
  @EnumSource
  void aRefreshTokenIsTradedForAnAccessTokenThatBothApisTake(Place place) {
    JsonNode client = client(SLUICE.workspace());

    Answer answer = place.send(grant(client));

    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
    JsonNode issued = answer.json();
    assertThat(issued.path("expires_in").asInt()).isEqualTo(3600);
    assertThat(issued.path("token_type").asText()).isEqualTo("Bearer");
    assertThat(issued.path("api_domain").asText())
        .isEqualTo("http://" + SLUICE.api().getHost() + ":" + SLUICE.api().getPort());
    String token = issued.path("access_token").asText();
    Answer zoho =
        API.request("GET", "/restapi/v2/workspaces/" + SLUICE.workspace() + "/datasources")
            .header("Authorization", "Zoho-oauthtoken " + token)
            .header("ZANALYTICS-ORGID", SLUICE.organization())
            .send();
    assertThat(zoho.status()).as(zoho.body()).isEqualTo(200);
    assertThat(listed(token)).isEqualTo(200);
    assertThat(API.get("/tokens").send().body()).doesNotContain("a library");

    assertThat(
            API.request("DELETE", "/clients/" + client.path("id").asText()).admin().send().status())
        .isEqualTo(204);
    await().atMost(Duration.ofSeconds(20)).until(() -> listed(token) == 403);
    assertThat(place.send(grant(client)).status()).isEqualTo(401);
  }

  @Test
  void aKeyOfAClientIsTheSameUnderItsNextToken() {
    Map<String, String> grant = grant(client(SLUICE.workspace()));
    String id = API.create(API.works());
    String key = UUID.randomUUID().toString();
    List<Answer> answers =
        Stream.of(1, 2)
            .map(
                time ->
                    API.request("PUT", "/datasources/" + id)
                        .token(Place.QUERY.send(grant).json().path("access_token").asText())
                        .header("Idempotency-Key", key)
                        .json(API.works())
                        .send())
            .toList();

    assertThat(answers).extracting(Answer::status).containsExactly(200, 200);
    assertThat(answers.get(1).header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(API.get("/datasources/" + id).send().json().path("version").asInt()).isEqualTo(2);
  }

  @ParameterizedTest
  @CsvSource({
    "grant_type, , 400, invalid_request",
    "grant_type, password, 400, unsupported_grant_type",
    "client_id, , 400, invalid_request",
    "client_id, nobody, 401, invalid_client",
    "client_secret, , 400, invalid_request",
    "client_secret, wrong, 401, invalid_client",
    "refresh_token, , 400, invalid_request",
    "refresh_token, wrong, 400, invalid_grant",
  })
  void whatDoesNotFitGetsTheStandardsError(
      String parameter, String value, int status, String error) {
    Map<String, String> grant = grant(client(SLUICE.workspace()));
    if (value == null) {
      grant.remove(parameter);
    } else {
      grant.put(parameter, value);
    }

    for (Place place : Place.values()) {
      Answer answer = place.send(grant);
      assertThat(answer.status()).as(answer.body()).isEqualTo(status);
      ObjectNode expected = Api.JSON.createObjectNode().put("error", error);
      assertThat(answer.json()).isEqualTo(expected);
    }
  }

  @Test
  void aParameterInBothPlacesIsRefused() {
    JsonNode client = client(SLUICE.workspace());
    String form =
        grant(client).entrySet().stream()
            .map(e -> e.getKey() + "=" + URLEncoder.encode(e.getValue(), UTF_8))
            .collect(Collectors.joining("&"));

    Answer answer =
        API.request("POST", "/oauth/v2/token?grant_type=refresh_token")
            .body("application/x-www-form-urlencoded", form)
            .send();

    assertThat(answer.status()).isEqualTo(400);
    assertThat(
            API.raw(
                "POST /oauth/v2/token?x=%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
        .startsWith("HTTP/1.1 400 ")
        .endsWith("{\"error\":\"invalid_request\"}");
  }
}
