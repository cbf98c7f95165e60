package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.servers.SluiceProcess;
import io.sluice.servers.ToxicProxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Patches, history, rollback and Idempotency-Key, over HTTP, with a real database behind them. */
final class VersionsTest {
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  private static Answer patch(String id, String document) {
    return API.request("PATCH", "/datasources/" + id)
        .admin()
        .body("application/merge-patch+json", document)
        .send();
  }

  private static List<JsonNode> history(String id) {
    Answer answer = API.get("/datasources/" + id + "/history").send();
    assertThat(answer.status()).isEqualTo(200);
    List<JsonNode> entries = new ArrayList<>();
    answer.json().forEach(entries::add);
    return entries;
  }

  @Test
  void aPatchChangesWhatItNamesAndKeepsTheRest() {
    String id = API.create(API.works().set("options", Api.JSON.createObjectNode()));

    Answer patched = patch(id, "{\"sshUsername\":\"hop\"}");

    assertThat(patched.status()).as(patched.body()).isEqualTo(200);
    assertThat(patched.header("ETag")).isEqualTo("\"2\"");
    assertThat(patched.json().path("sshUsername").asText()).isEqualTo("hop");
    assertThat(patched.json().path("database").asText()).isEqualTo(SLUICE.target().database());
    assertThat(patch(id, "{\"sshUsername\":null}").json().path("sshUsername").isNull()).isTrue();
  }

  @Test
  void aPatchThatDoesNotWorkChangesNothing() {
    String id = API.create(API.works());
    String before = API.stored(id);

    Answer refused = patch(id, "{\"database\":\"nobody-made-it\"}");

    assertThat(refused.status()).isEqualTo(422);
    assertThat(refused.reason()).isEqualTo("DATABASE_NOT_FOUND");
    assertThat(API.stored(id)).isEqualTo(before);
    assertThat(patch(id, "{\"host\":\"127.0.0.2\"}").reason()).isEqualTo("SECRET_REENTRY_REQUIRED");
  }

  @Test
  void theHistoryTellsVersionsFailuresAndTheEndWithoutAnyValue() {
    String id = API.create(API.works());
    patch(id, "{\"password\":\"not-the-password-4711\"}");
    API.put(id, API.works().put("sshHost", "bastion.example"));
    API.request("DELETE", "/datasources/" + id).admin().send();

    List<JsonNode> entries = history(id);

    assertThat(entries.stream().map(e -> e.path("outcome").asText()))
        .containsExactly("deleted", "applied", "failed", "applied");
    assertThat(entries.get(1).path("changed").toString()).isEqualTo("[\"sshHost\"]");
    assertThat(entries.get(2).path("reason").asText()).isEqualTo("AUTH_FAILED");
    assertThat(entries.get(2).path("report").path("steps").size()).isPositive();
    assertThat(entries.toString()).doesNotContain("4711").doesNotContain("bastion.example");
  }

  @Test
  void theHistoryComesInPages() {
    String id = API.create(API.works());
    API.put(id, API.works());
    API.put(id, API.works());

    Answer first = API.get("/datasources/" + id + "/history?_limit=2").send();
    String next = first.header("Link").replaceAll("<(.*)>.*", "$1");
    Answer second = API.get(next).send();

    assertThat(first.json().size()).isEqualTo(2);
    assertThat(second.json().size()).isEqualTo(1);
    assertThat(second.header("Link")).isNull();
    assertThat(API.get("/datasources/" + id + "/history?_start=1").send().json()).isEmpty();
  }

  @Test
  void aRollbackIsTestedAndBecomesANewVersion() {
    String id = API.create(API.works());
    API.put(id, API.works().put("sshHost", "bastion.example"));

    Answer back =
        API.request("POST", "/datasources/" + id + "/rollback")
            .admin()
            .body("application/json", "{\"version\":1}")
            .send();

    assertThat(back.status()).as(back.body()).isEqualTo(200);
    assertThat(back.header("ETag")).isEqualTo("\"3\"");
    assertThat(back.json().path("sshHost").isNull()).isTrue();
    assertThat(history(id).get(0).path("intake").asText()).isEqualTo("rollback");
    for (String body : List.of("{}", "{\"version\":\"1\"}", "{\"version\":1,\"x\":1}", "[1]")) {
      Answer wrong =
          API.request("POST", "/datasources/" + id + "/rollback")
              .admin()
              .body("application/json", body)
              .send();
      assertThat(wrong.status()).as(body).isEqualTo(422);
    }
  }

  @Test
  void anIdThatWasDeletedCanBeUsedAgainAndItsVersionsGoOn() {
    String id = API.create(API.works());
    API.request("DELETE", "/datasources/" + id).admin().send();

    Answer again =
        API.request("POST", "/datasources").admin().json(API.works().put("id", id)).send();

    assertThat(again.status()).as(again.body()).isEqualTo(201);
    assertThat(again.header("ETag")).isEqualTo("\"2\"");
  }

  @Test
  void whatWasDeletedComesBackByNoRollbackAndIsNotKept() throws Exception {
    String id = API.create(API.works());
    API.request("DELETE", "/datasources/" + id).admin().send();
    API.request("POST", "/datasources").admin().json(API.works().put("id", id)).send();

    Answer back =
        API.request("POST", "/datasources/" + id + "/rollback")
            .admin()
            .body("application/json", "{\"version\":1}")
            .send();
    Answer same =
        API.request("POST", "/datasources/" + id + "/rollback")
            .admin()
            .body("application/json", "{\"version\":2}")
            .send();

    assertThat(back.status()).as(back.body()).isEqualTo(404);
    assertThat(same.status()).as(same.body()).isEqualTo(200);
    try (Connection store = SLUICE.store()) {
      assertThat(
              value(
                  store,
                  "select string_agg(version || ' ' || (secrets = '{}'), ', ' order by version)"
                      + " from data_source_versions where id = '"
                      + id
                      + "'"))
          .isEqualTo("1 true, 2 false, 3 false");
    }
  }

  @Test
  void whatIsDeletedWhileItsRollbackIsTestedDoesNotComeBack() throws Exception {
    CountDownLatch remade = new CountDownLatch(1);
    try (ToxicProxy proxy = ToxicProxy.to(SLUICE.target().host(), SLUICE.target().port())) {
      String id = API.create(API.works().put("port", proxy.port()));
      API.put(id, API.works());
      int before = proxy.connections();
      proxy.rewriteAnswers(answer -> after(remade, answer));
      CompletableFuture<Answer> rollback =
          CompletableFuture.supplyAsync(() -> rollback(id, UUID.randomUUID().toString()));
      await("the rollback's test")
          .atMost(Duration.ofSeconds(20))
          .until(() -> rollback.isDone() || proxy.connections() > before);
      API.request("DELETE", "/datasources/" + id).admin().send();
      Answer other =
          API.request("POST", "/datasources").admin().json(API.works().put("id", id)).send();
      String stored = API.stored(id);
      remade.countDown();

      Answer back = rollback.join();

      assertThat(other.status()).as(other.body()).isEqualTo(201);
      assertThat(back.status()).as(back.body()).isEqualTo(404);
      assertThat(API.stored(id)).isEqualTo(stored);
    }
  }

  private static byte[] after(CountDownLatch moment, byte[] answer) {
    try {
      assertThat(moment.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError("Nobody says when to go on.", e);
    }
    return answer;
  }

  @Test
  void aDeleteThatHasWaitedForAnUpdateErasesItsSecretsToo() throws Exception {
    String id = API.create(API.works());
    try (Connection update = SLUICE.store();
        Connection observer = SLUICE.store()) {
      update.setAutoCommit(false);
      // As the commit of an update, not at its end yet.
      execute(update, "update data_sources set version = 2 where id = '" + id + "'");
      execute(
          update,
          "insert into data_source_versions select workspace_id, id, 2, settings, secrets, changed,"
              + " report, gen_random_uuid(), published_at, created_by, updated_by"
              + " from data_source_versions where id = '"
              + id
              + "'");
      CompletableFuture<Answer> delete =
          CompletableFuture.supplyAsync(
              () -> API.request("DELETE", "/datasources/" + id).admin().send());
      await("the delete to wait")
          .atMost(Duration.ofSeconds(20))
          .until(
              () ->
                  delete.isDone()
                      || value(
                              observer,
                              "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                                  + " and query like '%delete from data_sources%'")
                          .equals("1"));
      update.commit();

      assertThat(delete.join().status()).isEqualTo(204);
      assertThat(
              value(
                  observer,
                  "select string_agg(version || ' ' || secrets::text, ', ' order by version)"
                      + " from data_source_versions where id = '"
                      + id
                      + "'"))
          .isEqualTo("1 {}, 2 {}");
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String value(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getString(1);
    }
  }

  @Test
  void aDryRunGivesOutNoVersion() {
    String id = API.create(API.works());

    Answer answer =
        API.request("PUT", "/datasources/" + id + "?dryRun=true").admin().json(API.works()).send();

    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("ETag")).isNull();
    assertThat(history(id)).hasSize(1);
  }

  private static Answer keyed(String id, String key, ObjectNode document) {
    return API.request("PUT", "/datasources/" + id)
        .admin()
        .header("Idempotency-Key", key)
        .json(document)
        .send();
  }

  @Test
  void oneKeyHasOneEffectAndOneAnswer() {
    String id = API.create(API.works());
    String key = UUID.randomUUID().toString();

    Answer first = keyed(id, key, API.works());
    API.put(id, API.works());
    Answer second = keyed(id, key, API.works());

    assertThat(first.header("Idempotent-Replayed")).isNull();
    assertThat(second.header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(second.body()).isEqualTo(first.body());
    assertThat(history(id)).hasSize(3);
    assertThat(keyed(id, key, API.works().put("sshHost", "other")).reason())
        .isEqualTo("KEY_REUSED");
  }

  @Test
  void aKeyIsOneEffectWhateverTheOperation() {
    String id = API.create(API.works());
    String first = UUID.randomUUID().toString();
    keyed(id, first, API.works().put("sshHost", "bastion.example"));
    assertThat(rollback(id, first).reason()).isEqualTo("KEY_REUSED");

    String second = UUID.randomUUID().toString();
    assertThat(rollback(id, second).status()).isEqualTo(200);
    assertThat(rollback(id, second).header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(keyed(id, second, API.works()).reason()).isEqualTo("KEY_REUSED");
    assertThat(
            API.request("PUT", "/datasources/" + id)
                .admin()
                .header("Idempotency-Key", second)
                .header("Prefer", "respond-async")
                .body("application/json", API.works().toString())
                .send()
                .reason())
        .isEqualTo("KEY_REUSED");
    assertThat(history(id)).hasSize(3);
  }

  @Test
  void aRollbackThatIsSentAgainWhenItsDataSourceIsGoneIsRemembered() {
    String id = API.create(API.works());
    String key = UUID.randomUUID().toString();
    Answer first = rollback(id, key);
    API.request("DELETE", "/datasources/" + id).admin().send();

    Answer again = rollback(id, key);

    assertThat(first.status()).as(first.body()).isEqualTo(200);
    assertThat(again.status()).as(again.body()).isEqualTo(200);
    assertThat(again.header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(again.header("ETag")).isEqualTo(first.header("ETag"));
    // A key that was never used is not used up by a version that is not there.
    String unused = UUID.randomUUID().toString();
    assertThat(rollback(id, unused).reason()).isEqualTo("NOT_FOUND");
    API.request("POST", "/datasources").admin().json(API.works().put("id", id)).send();
    assertThat(keyed(id, unused, API.works()).status()).isEqualTo(200);
  }

  private static Answer rollback(String id, String key) {
    return API.request("POST", "/datasources/" + id + "/rollback")
        .admin()
        .header("Idempotency-Key", key)
        .body("application/json", "{\"version\":1}")
        .send();
  }

  @Test
  void aFailureIsRememberedUnderItsKeyAndNotTriedAgain() {
    String id = API.create(API.works());
    String key = UUID.randomUUID().toString();
    ObjectNode wrong = API.works().put("database", "nobody-made-it");

    Answer first = keyed(id, key, wrong);
    Answer second = keyed(id, key, wrong);

    assertThat(second.header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(second.json().path("report")).isEqualTo(first.json().path("report"));
    assertThat(history(id)).hasSize(2);
  }

  @Test
  void aRequestThatIsRefusedBeforeItsTestGivesTheKeyBack() {
    String id = API.create(API.works());
    String key = UUID.randomUUID().toString();

    assertThat(
            keyed(id, key, API.works().put("host", "127.0.0.2").remove(List.of("password")))
                .status())
        .isEqualTo(422);

    assertThat(keyed(id, key, API.works()).status()).isEqualTo(200);
  }

  @Test
  void duplicatesAtTheSameTimeHaveOneEffect() {
    String id = API.create(API.works());
    String key = UUID.randomUUID().toString();

    List<Integer> statuses =
        IntStream.range(0, 8)
            .mapToObj(
                i -> CompletableFuture.supplyAsync(() -> keyed(id, key, API.works()).status()))
            .toList()
            .stream()
            .map(CompletableFuture::join)
            .toList();

    assertThat(statuses).contains(200).allMatch(status -> status == 200 || status == 409);
    assertThat(history(id)).hasSize(2);
  }
}
