package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.sluice.accept.Api.Answer;
import io.sluice.contract.ContractFile;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.SluiceProcess;
import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every example of the contract is sent or received. The target is a MariaDB with the user, the
 * password and the database of the examples; what is replaced in an example is
 *
 * <ul>
 *   <li>the host {@code db.example} and its port, by those of that MariaDB;
 *   <li>{@code ssl}, by false: no public authority signs a certificate of a test;
 *   <li>a PostgreSQL, by the database to play with, user and all;
 *   <li>ids, by those of resources that exist, and credentials of a client, by those of one;
 *   <li>an id that is chosen, by one that is free.
 * </ul>
 */
class ExamplesTest {
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final MariaDbServer MARIA = MariaDbServer.shared();
  private static final Api API = new Api(SLUICE);
  private static final JsonNode CONTRACT = ContractFile.read(ContractFile.OPENAPI);
  private static final String FORM = "application/x-www-form-urlencoded";
  private static final String XML = "application/xml";

  /**
   * The one example that shows a kept secret: a destination that it was not kept for refuses it.
   */
  private static final Set<String> KEPT_SECRETS = Set.of("updateDataSource bastion");

  /** One example of a request; {@code example} is null where the operation has no body. */
  record Sent(
      String operation, String method, String path, String name, String type, JsonNode example) {
    @Override
    public String toString() {
      return operation + " " + name + (type == null ? "" : " " + type);
    }

    JsonNode contract() {
      return CONTRACT.path("paths").path(path).path(method);
    }

    /** The status of the success that this operation is for. */
    String status() {
      return Stream.of("201", "200", "202", "204")
          .filter(contract().path("responses")::has)
          .findFirst()
          .orElseThrow();
    }
  }

  @BeforeAll
  static void createTarget() {
    MARIA.execute("create user if not exists reporter@'%' identified by 'only-an-example'");
    MARIA.execute("create database if not exists shop");
    MARIA.execute("grant all on shop.* to reporter@'%'");
  }

  private static JsonNode resolved(JsonNode node) {
    String reference = node.path("$ref").asText();
    return reference.isEmpty() ? node : resolved(CONTRACT.at(reference.substring(1)));
  }

  /** By name; a single one has the name of its place. */
  private static Map<String, JsonNode> examples(JsonNode mediaType) {
    Map<String, JsonNode> found = new LinkedHashMap<>();
    if (mediaType.has("example")) {
      found.put("example", mediaType.get("example"));
    }
    mediaType
        .path("examples")
        .properties()
        .forEach(named -> found.put(named.getKey(), resolved(named.getValue()).path("value")));
    return found;
  }

  static Stream<Sent> requests() {
    List<Sent> all = new ArrayList<>();
    CONTRACT
        .path("paths")
        .properties()
        .forEach(
            path ->
                path.getValue()
                    .properties()
                    .forEach(
                        method -> {
                          if (method.getValue().has("operationId")) {
                            all.addAll(requests(path.getKey(), method.getKey()));
                          }
                        }));
    assertThat(all).hasSizeGreaterThan(40);
    return all.stream();
  }

  private static List<Sent> requests(String path, String method) {
    JsonNode operation = CONTRACT.path("paths").path(path).path(method);
    String id = operation.path("operationId").asText();
    List<Sent> sent = new ArrayList<>();
    resolved(operation.path("requestBody"))
        .path("content")
        .properties()
        .forEach(
            type ->
                examples(type.getValue())
                    .forEach(
                        (name, example) ->
                            sent.add(new Sent(id, method, path, name, type.getKey(), example))));
    for (JsonNode each : operation.path("parameters")) {
      JsonNode parameter = resolved(each);
      examples(parameter.path("content").path("application/json"))
          .forEach((name, value) -> sent.add(new Sent(id, method, path, "query", null, value)));
    }
    if (sent.isEmpty()) {
      sent.add(new Sent(id, method, path, "", null, null));
    }
    return sent;
  }

  /** The example with what the class's comment says replaced. */
  private static JsonNode substituted(Sent sent) {
    JsonNode copy = sent.example().deepCopy();
    ObjectNode node = (ObjectNode) (copy.has("CONFIG") ? copy.path("CONFIG") : copy);
    boolean postgres =
        Set.of("postgresql", "POSTGRESQL")
            .contains(node.path("driver").asText(node.path("databaseType").asText()));
    SluiceProcess.Target target = SLUICE.target();
    for (String host : List.of("host", "hostName")) {
      if (node.path(host).asText().equals("db.example")) {
        node.put(host, postgres ? target.host() : MARIA.host());
        node.put("port", Integer.toString(postgres ? target.port() : MARIA.port()));
        if (postgres) {
          node.put("userName", target.user()).put("password", target.password());
          node.put("cloudDatabaseName", target.database());
        }
      }
    }
    if (node.has("ssl")) {
      node.set("ssl", FORM.equals(sent.type()) ? TextNode.valueOf("false") : BooleanNode.FALSE);
    }
    switch (sent.operation()) {
      case "createDataSource", "testDataSource", "addOrganization", "addWorkspace" ->
          node.put("id", "x" + UUID.randomUUID().toString().substring(0, 12));
      case "patchManyDataSources" -> {
        ArrayNode ids = node.putArray("ids");
        ids.add(created()).add(created());
      }
      case "issueZohoToken" -> {
        JsonNode client = client();
        node.put("client_id", client.path("id").asText());
        node.put("client_secret", client.path("client_secret").asText());
        node.put("refresh_token", client.path("refresh_token").asText());
      }
      default -> {}
    }
    return copy;
  }

  private static String xml(String example) {
    String text =
        example
            .replace("db.example", MARIA.host())
            .replaceAll("<port>\\d+</port>", "")
            .replace("</host>", "</host><port>" + MARIA.port() + "</port>")
            .replace("<ssl>true</ssl>", "<ssl>false</ssl>")
            .replace(
                "<id>shop</id>", "<id>x" + UUID.randomUUID().toString().substring(0, 12) + "</id>");
    assertThat(text).isNotEqualTo(example);
    return text;
  }

  private static String form(JsonNode fields) {
    return fields.properties().stream()
        .map(
            field ->
                field.getKey()
                    + "="
                    + URLEncoder.encode(
                        field.getValue().isObject()
                            ? field.getValue().toString()
                            : field.getValue().asText(),
                        UTF_8))
        .collect(Collectors.joining("&"));
  }

  /** A data source on the MariaDB. */
  private static String created() {
    ObjectNode settings =
        Api.object(
            Map.of(
                "driver",
                "mariadb",
                "host",
                MARIA.host(),
                "port",
                MARIA.port(),
                "username",
                "reporter",
                "password",
                "only-an-example",
                "database",
                "shop"));
    return API.create(settings);
  }

  private static JsonNode client() {
    Answer made =
        API.request("POST", "/clients")
            .admin()
            .json(
                Api.object(
                    Map.of(
                        "workspace",
                        SLUICE.workspace(),
                        "name",
                        "examples",
                        "scopes",
                        List.of("admin"))))
            .send();
    assertThat(made.status()).isEqualTo(201);
    return made.json();
  }

  /** The address with the ids of resources that are as the operation needs them. */
  private static String address(Sent sent) {
    String path = sent.path();
    if (sent.operation().equals("listClients")) {
      assertThat(client().path("id").asText()).isNotEmpty();
    }
    if (path.contains("{id}") || path.contains("{datasourceId}")) {
      String id = created();
      if (sent.operation().equals("rollbackDataSource")) {
        patch(id, "");
        patch(id, "");
      } else if (sent.operation().equals("cancelPending")) {
        Answer held =
            API.request("PATCH", "/datasources/" + id + "?onUnreachable=pending")
                .admin()
                .body(
                    "application/merge-patch+json", "{\"port\":1,\"password\":\"only-an-example\"}")
                .send();
        assertThat(held.status()).as(held.body()).isEqualTo(202);
      }
      path = path.replace("{id}", id).replace("{datasourceId}", id);
    }
    if (path.contains("{updateId}")) {
      String id = created();
      JsonNode history = API.get("/datasources/" + id + "/history").send().json();
      path = path.replace("{updateId}", history.get(0).path("update_id").asText());
    }
    if (path.contains("{tokenId}")) {
      Answer made =
          API.request("POST", "/tokens")
              .admin()
              .json(
                  Api.object(
                      Map.of(
                          "workspace",
                          SLUICE.workspace(),
                          "name",
                          "examples",
                          "scopes",
                          List.of("datasources:read"))))
              .send();
      path = path.replace("{tokenId}", made.json().path("id").asText());
    }
    return path.replace(
            "{clientId}", path.contains("{clientId}") ? client().path("id").asText() : "")
        .replace("{workspaceId}", SLUICE.workspace())
        .replace("{asset}", "page.js");
  }

  private static void patch(String id, String query) {
    Answer patched =
        API.request("PATCH", "/datasources/" + id + query)
            .admin()
            .body("application/merge-patch+json", "{\"database\":\"shop\"}")
            .send();
    assertThat(patched.status()).as(patched.body()).isEqualTo(200);
  }

  private static Answer send(Sent sent) {
    String query =
        sent.name().equals("query")
            ? "?CONFIG=" + URLEncoder.encode(substituted(sent).toString(), UTF_8)
            : "";
    Api.Request request =
        API.request(sent.method().toUpperCase(Locale.ROOT), address(sent) + query);
    if (sent.path().startsWith("/restapi/")) {
      request
          .header("Authorization", "Zoho-oauthtoken " + SLUICE.token())
          .header("ZANALYTICS-ORGID", SLUICE.organization());
    } else if (!sent.path().startsWith("/oauth/")) {
      request.admin();
    }
    if (sent.type() != null) {
      String body =
          sent.type().equals(XML)
              ? xml(sent.example().asText())
              : sent.type().equals(FORM) ? form(substituted(sent)) : substituted(sent).toString();
      request.body(sent.type(), body);
    }
    return request.send();
  }

  @ParameterizedTest
  @MethodSource("requests")
  void anExampleGetsTheAnswerThatTheContractShows(Sent sent) {
    Answer answer = send(sent);

    String status =
        KEPT_SECRETS.contains(sent.operation() + " " + sent.name()) ? "422" : sent.status();
    assertThat(answer.status()).as(answer.body()).isEqualTo(Integer.parseInt(status));
    String place = pointer(sent, status);
    JsonNode response = CONTRACT.at(place);
    if (!response.has("content")) {
      assertThat(answer.body()).isEmpty();
      return;
    }
    String type = answer.header("Content-Type");
    assertThat(ContractFile.names(response.path("content"))).contains(type);
    if (type.startsWith("application/json")) {
      assertThat(
              ContractFile.objectionsOfOpenApi(
                  place + "/content/" + type.replace("/", "~1") + "/schema", answer.json()))
          .isEmpty();
      Map<String, JsonNode> shown = examples(response.path("content").path(type));
      assertThat(shown).as("an example of the answer").isNotEmpty();
      if (!status.equals("422")) {
        shown.values().forEach(example -> hasShape(answer.json(), example, ""));
      }
    }
  }

  private static String pointer(Sent sent, String status) {
    JsonNode response = sent.contract().path("responses").path(status);
    return response.has("$ref")
        ? response.path("$ref").asText().substring(1)
        : "/paths/" + sent.path().replace("/", "~1") + "/" + sent.method() + "/responses/" + status;
  }

  /** Has every member that the example has; of lists the first items are compared. */
  private static void hasShape(JsonNode answer, JsonNode example, String at) {
    if (example.isArray()) {
      if (!example.isEmpty() && !at.contains("steps")) {
        assertThat(answer.isEmpty()).as(at).isFalse();
        hasShape(answer.get(0), example.get(0), at + "[0]");
      }
    } else if (example.isObject()) {
      assertThat(ContractFile.names(answer)).as(at).containsAll(ContractFile.names(example));
      example
          .properties()
          .forEach(
              member ->
                  hasShape(
                      answer.path(member.getKey()), member.getValue(), at + "." + member.getKey()));
    }
  }

  @Test
  void everyOperationHasAnExample() {
    assertThat(requests())
        .allSatisfy(
            sent -> {
              JsonNode response = CONTRACT.at(pointer(sent, sent.status()));
              boolean shown =
                  sent.example() != null
                      || response.path("content").properties().stream()
                          .anyMatch(type -> !examples(type.getValue()).isEmpty());
              boolean addressed =
                  Stream.concat(
                          stream(CONTRACT.path("paths").path(sent.path()).path("parameters")),
                          stream(sent.contract().path("parameters")))
                      .anyMatch(parameter -> resolved(parameter).has("example"));
              assertThat(shown || addressed).as(sent.toString()).isTrue();
            });
  }

  private static Stream<JsonNode> stream(JsonNode array) {
    return array.valueStream();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Malformed            | PUT  | application/json |  {",
        "NotFound             | PUT  | application/json |  {\"driver\":\"mariadb\"}",
        "Forbidden            | GET  |                  |",
        "Conflict             | POST | application/json |  {\"id\":\"demo\",\"driver\":\"mariadb\",\"host\":\"127.0.0.1\",\"port\":1,\"username\":\"u\"}",
        "VersionMismatch      | PUT  | application/json |  {\"driver\":\"mariadb\"}",
        "UnsupportedMediaType | PUT  | text/plain       |  x",
        "TooLarge             | PUT  | application/json |  {\"host\":\"LARGE\"}"
      })
  void theExampleOfARefusalIsWhatTheServiceSays(
      String response, String method, String type, String body) {
    String id = response.equals("NotFound") ? "missing" : "demo";
    Api.Request request =
        API.request(method, method.equals("POST") ? "/datasources" : "/datasources/" + id);
    if (!response.equals("Forbidden")) {
      request.admin();
    }
    if (response.equals("VersionMismatch")) {
      request.header("If-Match", "\"987654\"");
    }
    if (type != null) {
      request.body(type, body.replace("LARGE", "x".repeat(70_000)));
    }

    JsonNode said = request.send().json();

    JsonNode example =
        CONTRACT.at("/components/responses/" + response + "/content/application~1json/example");
    for (String member : List.of("code", "reason", "message")) {
      assertThat(said.path(member)).as(member).isEqualTo(example.path(member));
    }
  }
}
