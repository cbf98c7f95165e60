package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.contract.ContractFile;
import io.sluice.servers.SluiceProcess;
import io.sluice.servers.ToxicProxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a client sees of a change that waits for its database. */
final class PendingChangeTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  private ToxicProxy proxy;
  private String id;

  @BeforeEach
  void createAndCut() {
    proxy = ToxicProxy.to(SLUICE.target().host(), SLUICE.target().port());
    id = API.create(works());
    takeAway(proxy);
  }

  @AfterEach
  void close() {
    proxy.close();
  }

  private ObjectNode works() {
    return API.works().put("host", proxy.host()).put("port", proxy.port());
  }

  private Api.Request change(String method, String query, ObjectNode document) {
    return API.request(method, "/datasources/" + id + query).admin().json(document);
  }

  private Answer hold() {
    Answer answer = change("PUT", "?onUnreachable=pending", works().put("sshHost", "held")).send();
    assertThat(answer.status()).as(answer.body()).isEqualTo(202);
    return answer;
  }

  private Answer read() {
    return API.get("/datasources/" + id).send();
  }

  private static JsonNode ended(String address) {
    return await()
        .atMost(LIMIT)
        .until(
            () -> API.get(address).send().json(),
            receipt -> !receipt.path("outcome").asText().equals("pending"));
  }

  /** The next attempt comes now, not after the pause of this process's settings. */
  private static void makeDue(String updateId) throws SQLException {
    try (Connection store = SLUICE.store();
        Statement statement = store.createStatement()) {
      statement.executeUpdate(
          "update updates set lease_until = now() where id = '" + updateId + "'");
    }
  }

  /** Cuts each conversation in the middle, which looks like a server that went away. */
  private static void takeAway(ToxicProxy proxy) {
    proxy.dropAfter(ToxicProxy.Direction.TO_CLIENT, 5);
  }

  @Test
  void aChangeWhoseDatabaseIsAwayIsShownAsPendingAndGoesLiveLater() throws Exception {
    Answer held = hold();

    assertThat(held.header("Location"))
        .isEqualTo("/updates/" + held.json().path("update_id").asText());
    assertThat(held.reason()).isEqualTo("UNREACHABLE");
    assertThat(held.json().at("/report/status").asText()).isEqualTo("failed");
    Answer shown = read();
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/DataSource", shown.json()))
        .isEmpty();
    assertThat(shown.header("ETag")).isEqualTo("\"1\"");
    assertThat(shown.json().path("sshHost").isNull()).isTrue();
    assertThat(shown.json().at("/pending/update_id")).isEqualTo(held.json().path("update_id"));
    assertThat(shown.json().at("/pending/changed").toString()).isEqualTo("[\"sshHost\"]");
    JsonNode receipt = API.get(held.header("Location")).send().json();
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/Receipt", receipt)).isEmpty();
    assertThat(receipt.path("outcome").asText()).isEqualTo("pending");
    assertThat(receipt.path("version").isNull()).isTrue();

    proxy.heal();
    makeDue(held.json().path("update_id").asText());

    JsonNode applied = ended(held.header("Location"));
    assertThat(applied.path("outcome").asText()).isEqualTo("applied");
    assertThat(applied.path("reason").asText("")).isIn("", "null");
    Answer live = read();
    assertThat(live.header("ETag")).isEqualTo("\"2\"");
    assertThat(live.json().path("sshHost").asText()).isEqualTo("held");
    assertThat(live.json().path("pending").isNull()).isTrue();
    assertThat(live.json().path("updated_by")).isEqualTo(shown.json().at("/pending/actor"));
  }

  @Test
  void aPeerThatHangsUpBeforeAWordMayBeAProxyWhoseDatabaseIsAway() {
    proxy.dropAfter(ToxicProxy.Direction.TO_CLIENT, 0);

    JsonNode held = hold().json();

    assertThat(held.path("reason").asText()).isEqualTo("PROTOCOL_MISMATCH");
    assertThat(read().json().at("/pending/update_id")).isEqualTo(held.path("update_id"));
  }

  @Test
  void aPendingChangeCanBeWithdrawnOnce() {
    Answer held = hold();

    Answer withdrawn = API.request("DELETE", "/datasources/" + id + "/pending").admin().send();
    Answer again = API.request("DELETE", "/datasources/" + id + "/pending").admin().send();

    assertThat(withdrawn.status()).as(withdrawn.body()).isEqualTo(204);
    assertThat(again.status()).isEqualTo(404);
    JsonNode receipt = API.get(held.header("Location")).send().json();
    assertThat(receipt.path("outcome").asText()).isEqualTo("failed");
    assertThat(receipt.path("reason").asText()).isEqualTo("CANCELLED");
    assertThat(receipt.path("version").isNull()).isTrue();
    assertThat(read().json().path("pending").isNull()).isTrue();
  }

  @Test
  void aPendingChangeCanBeWithdrawnWhileItIsBeingTried() throws Exception {
    Answer held = hold();
    proxy.heal();
    proxy.muteAfter(ToxicProxy.Direction.TO_CLIENT, 0);
    int connections = proxy.connections();
    makeDue(held.json().path("update_id").asText());
    await("the next attempt").atMost(LIMIT).until(() -> proxy.connections() > connections);

    Answer withdrawn = API.request("DELETE", "/datasources/" + id + "/pending").admin().send();

    assertThat(withdrawn.status()).as(withdrawn.body()).isEqualTo(204);
    proxy.heal();
    assertThat(ended(held.header("Location")).path("reason").asText()).isEqualTo("CANCELLED");
    assertThat(read().header("ETag")).isEqualTo("\"1\"");
  }

  @Test
  void ofTwoThatWereHeldAtTheSameMomentTheOlderOneIsWithdrawnWithTheNewer() throws Exception {
    Answer held = hold();
    try (Connection store = SLUICE.store();
        Statement sql = store.createStatement()) {
      sql.execute(
          "insert into updates (id, workspace_id, data_source_id, intake, actor, state, version,"
              + " reason, report, changed, payload, lease_until)"
              + " select gen_random_uuid(), workspace_id, data_source_id, intake, actor, state,"
              + " version, reason, report, changed, payload, now() + interval '1 hour' from updates"
              + " where id = '"
              + held.json().path("update_id").asText()
              + "'");
    }

    Answer withdrawn = API.request("DELETE", "/datasources/" + id + "/pending").admin().send();

    assertThat(withdrawn.status()).as(withdrawn.body()).isEqualTo(204);
    assertThat(read().json().path("pending").isNull()).isTrue();
    proxy.heal();
    assertThat(ended(held.header("Location")).path("reason").asText()).isEqualTo("SUPERSEDED");
    assertThat(read().header("ETag")).isEqualTo("\"1\"");
  }

  @Test
  void whatAnswersShowCanBeSentBackWithThePendingChangeInIt() {
    hold();
    ObjectNode shown = (ObjectNode) read().json();
    proxy.heal();

    Answer put = change("PUT", "", shown).send();

    assertThat(put.status()).as(put.body()).isEqualTo(200);
    assertThat(put.json().path("version").asLong()).isEqualTo(2);
    // Another version went live: what was merged with the former one is over.
    assertThat(read().json().path("pending").isNull()).isTrue();
  }

  @Test
  void aKeyGetsTheSameAnswerAgainWhileItsChangeIsPending() {
    String key = UUID.randomUUID().toString();
    ObjectNode document = works().put("sshHost", "keyed");

    Answer first =
        change("PATCH", "?onUnreachable=pending", document).header("Idempotency-Key", key).send();
    Answer again =
        change("PATCH", "?onUnreachable=pending", document).header("Idempotency-Key", key).send();

    assertThat(first.status()).as(first.body()).isEqualTo(202);
    assertThat(again.status()).isEqualTo(202);
    assertThat(again.header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(again.body()).isEqualTo(first.body());
  }

  @Test
  void aDeferredUpdateIsKeptTooWhenItsDatabaseIsAway() {
    Answer accepted =
        change("PUT", "?onUnreachable=pending", works().put("sshHost", "deferred"))
            .header("Prefer", "respond-async")
            .send();
    assertThat(accepted.status()).isEqualTo(202);

    JsonNode pending =
        await()
            .atMost(LIMIT)
            .until(() -> read().json().path("pending"), change -> change.has("update_id"));

    assertThat(pending.path("update_id")).isEqualTo(accepted.json().path("update_id"));
    assertThat(pending.path("reason").asText()).isEqualTo("UNREACHABLE");
  }

  @Test
  void withoutTheParameterOrForANewDataSourceNothingIsKept() {
    assertThat(change("PUT", "", works()).send().reason()).isEqualTo("UNREACHABLE");
    assertThat(change("PUT", "?onUnreachable=wait", works()).send().reason())
        .isEqualTo("INVALID_FIELD");
    assertThat(change("PUT", "?onUnreachable=pending&dryRun=true", works()).send().reason())
        .isEqualTo("UNREACHABLE");
    assertThat(
            API.request("POST", "/datasources?onUnreachable=pending")
                .admin()
                .json(works())
                .send()
                .reason())
        .isEqualTo("UNKNOWN_FIELD");
    assertThat(read().json().path("pending").isNull()).isTrue();
  }

  @Test
  void deletingTheDataSourceEndsItsPendingChange() throws Exception {
    Answer held = hold();
    API.request("DELETE", "/datasources/" + id).admin().send();

    makeDue(held.json().path("update_id").asText());

    JsonNode receipt = ended(held.header("Location"));
    assertThat(receipt.path("outcome").asText()).isEqualTo("failed");
    assertThat(receipt.path("reason").asText()).isEqualTo("NOT_FOUND");
  }
}
