package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.canary.CanarySearch;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.SluiceProcess;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One credential for many data sources: each goes through the gate, each has its receipt. */
final class BulkUpdatesTest {
  private static final CanarySearch CANARIES = new CanarySearch();
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final MariaDbServer MARIA = MariaDbServer.shared();
  private static final Api API = new Api(SLUICE);
  private static final String DATABASE = "bulk";

  @BeforeAll
  static void database() {
    MARIA.execute("create database if not exists " + DATABASE);
  }

  @AfterAll
  static void noSecretLeaked() {
    API.assertNoSecretLeaked(CANARIES);
  }

  /** A user of its own, whose password is the only thing that is right or wrong. */
  private static ObjectNode works(String user, String password) {
    MARIA.createUser(user, password);
    MARIA.execute("grant all on " + DATABASE + ".* to '" + user + "'@'%'");
    return Api.JSON
        .createObjectNode()
        .put("driver", "mariadb")
        .put("host", MARIA.host())
        .put("port", MARIA.port())
        .put("database", DATABASE)
        .put("username", user)
        .put("password", password);
  }

  private static void rotate(String user, String password) {
    MARIA.execute("set password for '" + user + "'@'%' = password('" + password + "')");
  }

  private static ObjectNode password(String password) {
    return Api.JSON.createObjectNode().put("password", password);
  }

  private static ObjectNode bulk(List<String> ids, ObjectNode patch) {
    ObjectNode body = Api.object(Map.of("ids", ids));
    body.set("patch", patch);
    return body;
  }

  private static Answer post(JsonNode body, String... headers) {
    Api.Request request = API.request("POST", "/datasources/bulk").admin().json(body);
    for (int i = 0; i < headers.length; i += 2) {
      request = request.header(headers[i], headers[i + 1]);
    }
    return request.send();
  }

  private static List<JsonNode> items(Answer answer) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return StreamSupport.stream(answer.json().path("items").spliterator(), false).toList();
  }

  private static JsonNode ended(JsonNode item) {
    return await()
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> API.get(item.path("location").asText()).send().json(),
            receipt -> !Set.of("pending", "running").contains(receipt.path("outcome").asText()));
  }

  private static List<String> created(int count, ObjectNode document) {
    return IntStream.range(0, count).mapToObj(i -> API.create(document)).toList();
  }

  private static JsonNode live(String id) {
    return API.get("/datasources/" + id).send().json();
  }

  @Test
  void everyDataSourceGetsTheNewCredentialAndAReceipt() {
    String user = "everybody";
    String former = CANARIES.secret("the former password").reveal();
    String rotated = CANARIES.secret("the rotated password").reveal();
    List<String> ids = created(5, works(user, former));
    String stranger = "nobody-" + UUID.randomUUID();
    rotate(user, rotated);

    List<JsonNode> items = items(post(bulk(with(ids, stranger), password(rotated))));

    assertThat(items).extracting(i -> i.path("id").asText()).isEqualTo(with(ids, stranger));
    for (JsonNode item : items.subList(0, ids.size())) {
      JsonNode receipt = ended(item);
      assertThat(receipt.path("outcome").asText()).as("%s", receipt).isEqualTo("applied");
      assertThat(receipt.path("data_source")).isEqualTo(item.path("id"));
      assertThat(receipt.path("changed").toString()).isEqualTo("[\"password\"]");
    }
    JsonNode unknown = items.get(ids.size());
    assertThat(unknown.path("code").asInt()).isEqualTo(404);
    assertThat(unknown.path("reason").asText()).isEqualTo("NOT_FOUND");
    assertThat(ids)
        .allSatisfy(
            id -> {
              assertThat(live(id).path("version").asInt()).isEqualTo(2);
              assertThat(
                      API.request("POST", "/datasources/" + id + "/test").admin().send().status())
                  .isEqualTo(200);
            });
  }

  private static List<String> with(List<String> ids, String one) {
    return Stream.concat(ids.stream(), Stream.of(one)).toList();
  }

  @Test
  void whereTheStoreGoesAwayInTheMiddleTheAnswerTellsWhatItHas() throws SQLException {
    List<String> ids = created(4, works("interrupted", "p-" + UUID.randomUUID()));
    ObjectNode patch = Api.JSON.createObjectNode().put("sshUsername", "hop");
    try (Connection store = SLUICE.store();
        Statement statement = store.createStatement()) {
      statement.execute(
          "create function is_full() returns trigger language plpgsql as $$ begin raise 'full'"
              + " using errcode = '53100'; end $$");
      statement.execute(
          "create trigger is_full before insert on updates for each row when"
              + " (new.data_source_id = '"
              + ids.get(2)
              + "') execute function is_full()");
      try {
        List<JsonNode> items = items(post(bulk(ids, patch)));
        Answer nothing = post(bulk(List.of(ids.get(2), ids.get(3)), patch));

        assertThat(items)
            .extracting(i -> i.path("id").asText() + " " + i.path("reason").asText())
            .containsExactly(
                ids.get(0) + " ",
                ids.get(1) + " ",
                ids.get(2) + " STORE_UNAVAILABLE",
                ids.get(3) + " STORE_UNAVAILABLE");
        assertThat(ended(items.get(0)).path("outcome").asText()).isEqualTo("applied");
        assertThat(ended(items.get(1)).path("outcome").asText()).isEqualTo("applied");
        assertThat(nothing.status()).as(nothing.body()).isEqualTo(503);
        assertThat(live(ids.get(3)).path("version").asInt()).isEqualTo(1);
      } finally {
        statement.execute("drop trigger is_full on updates");
        statement.execute("drop function is_full");
      }
    }
  }

  @Test
  void aWrongCredentialIsTriedOnceAndChangesNothing() {
    String user = "oncetried";
    List<String> ids = created(4, works(user, "right-" + UUID.randomUUID()));

    List<JsonNode> items =
        items(post(bulk(ids, password(CANARIES.secret("a wrong one").reveal()))));

    List<String> reasons = items.stream().map(i -> ended(i).path("reason").asText()).toList();
    assertThat(reasons).filteredOn("AUTH_FAILED"::equals).hasSize(1);
    assertThat(reasons).filteredOn("LOCKOUT_GUARD"::equals).hasSize(3);
    assertThat(ids).allSatisfy(id -> assertThat(live(id).path("version").asInt()).isEqualTo(1));
  }

  @Test
  void theSameRequestAgainAnswersWithTheSameUpdates() {
    String user = "sameagain";
    String password = "same-" + UUID.randomUUID();
    List<String> ids = created(2, works(user, password));
    String key = UUID.randomUUID().toString();
    ObjectNode body = bulk(ids, Api.JSON.createObjectNode().put("sshUsername", "later"));

    List<JsonNode> first = items(post(body, "Idempotency-Key", key));
    List<JsonNode> again = items(post(body, "Idempotency-Key", key));
    List<JsonNode> other =
        items(
            post(
                bulk(ids, Api.JSON.createObjectNode().put("sshUsername", "other")),
                "Idempotency-Key",
                key));

    assertThat(again).isEqualTo(first);
    assertThat(other).extracting(i -> i.path("reason").asText()).containsOnly("KEY_REUSED");
    first.forEach(BulkUpdatesTest::ended);
    assertThat(ids).allSatisfy(id -> assertThat(live(id).path("version").asInt()).isEqualTo(2));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          []                                        | 400 | MALFORMED_BODY
          {"ids":["a"],"ids":["b"],"patch":{"ssl":true}} | 400 | MALFORMED_BODY
          {"ids":["a"],"patch":{"ssl":true}} x      | 400 | MALFORMED_BODY
          {"ids":["a"],"patch":{"ssl":true},"x":1}  | 422 | UNKNOWN_FIELD
          {"ids":[],"patch":{"ssl":true}}           | 422 | INVALID_FIELD
          {"ids":{"a":"b"},"patch":{"ssl":true}}    | 422 | INVALID_FIELD
          {"ids":["a","a"],"patch":{"ssl":true}}    | 422 | INVALID_FIELD
          {"ids":["a b"],"patch":{"ssl":true}}      | 422 | INVALID_FIELD
          {"ids":[1],"patch":{"ssl":true}}          | 422 | INVALID_FIELD
          {"patch":{"ssl":true}}                    | 422 | INVALID_FIELD
          {"ids":["a"]}                             | 422 | INVALID_FIELD
          {"ids":["a"],"patch":{}}                  | 422 | INVALID_FIELD
          {"ids":["a"],"patch":{"hots":"x"}}        | 422 | UNKNOWN_FIELD
          {"ids":["a"],"patch":{"id":"b"}}          | 422 | UNKNOWN_FIELD
          {"ids":["a"],"patch":{"port":"x"}}        | 422 | INVALID_FIELD
          """)
  void whatIsNoRequestForManyChangesNone(String body, int status, String reason) {
    Answer answer =
        API.request("POST", "/datasources/bulk").admin().body("application/json", body).send();

    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.reason()).as(answer.body()).isEqualTo(reason);
  }

  @Test
  void moreThanTheLimitIsRefusedAsAWhole() {
    List<String> ids =
        IntStream.rangeClosed(0, BulkUpdates.MAX_IDS).mapToObj(i -> "d" + i).toList();
    ObjectNode patch = Api.JSON.createObjectNode().put("ssl", true);

    assertThat(post(bulk(ids, patch)).status()).isEqualTo(422);
    assertThat(items(post(bulk(ids.subList(1, ids.size()), patch)))).hasSize(BulkUpdates.MAX_IDS);
  }

  @Test
  void aVersionIsNoConditionForManyDataSources() {
    ObjectNode body = bulk(List.of("demo"), Api.JSON.createObjectNode().put("sshUsername", "x"));

    Answer answer = post(body, "If-Match", "\"1\"");

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.json().at("/errors/0/field").asText()).isEqualTo("If-Match");
  }

  @Test
  void itTakesTheScopeForWriting() {
    String reader = API.token("datasources:read", "datasources:test");
    Answer answer =
        API.request("POST", "/datasources/bulk")
            .token(reader)
            .json(bulk(List.of("demo"), password("x")))
            .send();

    assertThat(answer.status()).isEqualTo(403);
  }
}
