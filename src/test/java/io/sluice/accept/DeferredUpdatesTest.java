package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SluiceProcess;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** An update that its sender does not wait for goes through the same gate, in its turn. */
final class DeferredUpdatesTest {
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  private static Answer defer(String method, String path, JsonNode body, String... headers) {
    Api.Request request =
        API.request(method, path)
            .admin()
            .header("Prefer", "wait=5, respond-async")
            .body(
                method.equals("PATCH") ? "application/merge-patch+json" : "application/json",
                body.toString());
    for (int i = 0; i < headers.length; i += 2) {
      request = request.header(headers[i], headers[i + 1]);
    }
    return request.send();
  }

  private static JsonNode ended(Answer accepted) {
    assertThat(accepted.status()).as(accepted.body()).isEqualTo(202);
    assertThat(accepted.header("Preference-Applied")).isEqualTo("respond-async");
    String address = accepted.header("Location");
    return await()
        .atMost(Duration.ofSeconds(30))
        .until(
            () -> API.get(address).send().json(),
            receipt -> !Set.of("pending", "running").contains(receipt.path("outcome").asText()));
  }

  @Test
  void whatBecameOfAnUpdateStandsUnderItsAddress() {
    String id = API.create(API.works());

    Answer accepted = defer("PUT", "/datasources/" + id, API.works().put("sshHost", "later"));
    JsonNode receipt = ended(accepted);

    assertThat(receipt.path("outcome").asText()).isEqualTo("applied");
    assertThat(receipt.path("version").asLong()).isEqualTo(2);
    assertThat(receipt.path("data_source").asText()).isEqualTo(id);
    assertThat(receipt.path("changed")).extracting(JsonNode::asText).containsExactly("sshHost");
    assertThat(receipt.path("update_id")).isEqualTo(accepted.json().path("update_id"));
    assertThat(receipt.toString()).doesNotContain(SLUICE.target().password());
    assertThat(API.get("/datasources/" + id).send().json().path("sshHost").asText())
        .isEqualTo("later");
  }

  @Test
  void aNewDataSourceHasOneIdHoweverOftenItIsAskedFor() {
    String key = UUID.randomUUID().toString();

    Answer first = defer("POST", "/datasources", API.works(), "Idempotency-Key", key);
    Answer second = defer("POST", "/datasources", API.works(), "Idempotency-Key", key);

    assertThat(first.status()).as(first.body()).isEqualTo(202);
    assertThat(second.header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(second.body()).isEqualTo(first.body());
    assertThat(ended(second).path("data_source")).isEqualTo(first.json().path("data_source"));
  }

  @Test
  void theHistoryBeginsWithWhatEndedLastWheneverItCame() {
    String id = API.create(API.works());
    try (MuteServer silent = MuteServer.start()) {
      ObjectNode slow = API.works().put("host", silent.host()).put("port", silent.port());
      Answer accepted = defer("PUT", "/datasources/" + id, slow);
      await().until(() -> silent.connections() > 0);
      API.put(id, API.works());
      silent.hangUp();
      assertThat(ended(accepted).path("outcome").asText()).isEqualTo("failed");
    }
    assertThat(API.get("/datasources/" + id + "/history").send().json())
        .extracting(entry -> entry.path("outcome").asText() + " " + entry.path("version").asText())
        .containsExactly("failed null", "applied 2", "applied 1");
  }

  @Test
  void aPatchAndANewDataSourceCanBeDeferredToo() {
    String id = "deferred-" + UUID.randomUUID();

    JsonNode created = ended(defer("POST", "/datasources", API.works().put("id", id)));
    JsonNode patched =
        ended(
            defer(
                "PATCH",
                "/datasources/" + id,
                Api.JSON.createObjectNode().put("sshUsername", "patched")));

    assertThat(created.path("outcome").asText()).isEqualTo("applied");
    assertThat(patched.path("version").asLong()).as(patched.toString()).isEqualTo(2);
    JsonNode live = API.get("/datasources/" + id).send().json();
    assertThat(live.path("sshUsername").asText()).isEqualTo("patched");
    assertThat(live.path("database").asText()).isEqualTo(SLUICE.target().database());
  }

  @Test
  void aTestThatFailsIsInTheReceiptAndChangesNothing() {
    String id = API.create(API.works());

    JsonNode receipt =
        ended(defer("PUT", "/datasources/" + id, API.works().put("database", "nobody-made-it")));

    assertThat(receipt.path("outcome").asText()).isEqualTo("failed");
    assertThat(receipt.path("reason").asText()).isEqualTo("DATABASE_NOT_FOUND");
    assertThat(receipt.at("/report/status").asText()).isEqualTo("failed");
    assertThat(API.get("/datasources/" + id).send().json().path("version").asLong()).isEqualTo(1);
  }

  @Test
  void updatesOfOneDataSourceAreWorkedInTheOrderOfTheirAnswers() {
    String id = API.create(API.works());

    Answer last =
        IntStream.rangeClosed(1, 10)
            .mapToObj(
                i -> defer("PUT", "/datasources/" + id, API.works().put("sshHost", "turn-" + i)))
            .reduce((former, later) -> later)
            .orElseThrow();

    assertThat(ended(last).path("version").asLong()).isEqualTo(11);
    assertThat(API.get("/datasources/" + id).send().json().path("sshHost").asText())
        .isEqualTo("turn-10");
  }

  @Test
  void aKeyHasOneEffectWhetherWaitedForOrNot() {
    String id = API.create(API.works());
    String key = UUID.randomUUID().toString();

    Answer first = defer("PUT", "/datasources/" + id, API.works(), "Idempotency-Key", key);
    Answer again = defer("PUT", "/datasources/" + id, API.works(), "Idempotency-Key", key);
    Answer other =
        defer("PUT", "/datasources/" + id, API.works().put("sshHost", "x"), "Idempotency-Key", key);
    JsonNode receipt = ended(first);
    Answer waited =
        API.request("PUT", "/datasources/" + id)
            .admin()
            .header("Idempotency-Key", key)
            .body("application/json", API.works().toString())
            .send();

    assertThat(again.header("Location")).isEqualTo(first.header("Location"));
    assertThat(again.header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(other.reason()).isEqualTo("KEY_REUSED");
    assertThat(receipt.path("version").asLong()).isEqualTo(2);
    assertThat(waited.status()).as(waited.body()).isEqualTo(200);
    assertThat(waited.header("Idempotent-Replayed")).isEqualTo("true");
    assertThat(waited.json().path("version").asLong()).isEqualTo(2);
  }

  @Test
  void afterAWhileAFailureIsForgottenAndAVersionIsNot() throws SQLException {
    String id = API.create(API.works());
    Answer applied = defer("PUT", "/datasources/" + id, API.works().put("sshHost", "kept"));
    Answer failed = defer("PUT", "/datasources/" + id, API.works().put("database", "absent"));
    assertThat(ended(applied).path("outcome").asText()).isEqualTo("applied");
    assertThat(ended(failed).path("outcome").asText()).isEqualTo("failed");

    try (Connection store = SLUICE.store();
        Statement statement = store.createStatement()) {
      statement.executeUpdate(
          "update updates set finished_at = now() - interval '31 days' where data_source_id = '"
              + id
              + "'");
    }

    await()
        .atMost(Duration.ofSeconds(20))
        .until(() -> API.get(failed.header("Location")).send().status() == 404);
    assertThat(API.get(applied.header("Location")).send().status()).isEqualTo(200);
    assertThat(API.get("/datasources/" + id + "/history").send().body())
        .contains(applied.json().path("update_id").asText())
        .doesNotContain(failed.json().path("update_id").asText());
  }

  @Test
  void anExpectedVersionIsComparedWhenTheUpdateIsWorked() {
    String id = API.create(API.works());
    API.put(id, API.works());

    JsonNode receipt = ended(defer("PUT", "/datasources/" + id, API.works(), "If-Match", "\"1\""));

    assertThat(receipt.path("outcome").asText()).isEqualTo("failed");
    assertThat(receipt.path("reason").asText()).isEqualTo("VERSION_MISMATCH");
  }

  @Test
  void aRefusalBeforeTheTestNamesTheFieldsInTheReceipt() {
    String id = API.create(API.works());

    JsonNode receipt =
        ended(
            defer(
                "PATCH",
                "/datasources/" + id,
                Api.JSON.createObjectNode().put("host", "127.0.0.2")));

    assertThat(receipt.path("outcome").asText()).isEqualTo("failed");
    assertThat(receipt.path("reason").asText()).isEqualTo("SECRET_REENTRY_REQUIRED");
    assertThat(receipt.at("/errors/0/field").asText()).isEqualTo("password");
    assertThat(receipt.path("message").asText()).isNotEmpty();
  }

  @Test
  void whoMendedAnAccountNeedNotWaitForTheGuardHereEither() {
    String id = API.create(API.works());
    ObjectNode wrong = API.works().put("password", "mistyped-" + UUID.randomUUID());
    assertThat(API.put(id, wrong).reason()).isEqualTo("AUTH_FAILED");

    Answer guarded = defer("PUT", "/datasources/" + id, wrong);
    Answer forced = defer("PUT", "/datasources/" + id + "?force=true", wrong);

    assertThat(ended(guarded).path("reason").asText()).isEqualTo("LOCKOUT_GUARD");
    assertThat(ended(forced).path("reason").asText()).isEqualTo("AUTH_FAILED");
  }

  @Test
  void whatCannotBecomeAnUpdateIsRefusedAtOnce() {
    String id = API.create(API.works());

    assertThat(defer("PUT", "/datasources/nobody-made-it", API.works()).status()).isEqualTo(404);
    assertThat(defer("POST", "/datasources", API.works().put("id", id)).status()).isEqualTo(409);
    assertThat(defer("PUT", "/datasources/" + id, API.works().put("hots", "x")).status())
        .isEqualTo(422);
    assertThat(defer("PUT", "/datasources/" + id + "?dryRun=true", API.works()).status())
        .isEqualTo(200);
    assertThat(API.get("/updates/" + UUID.randomUUID()).send().status()).isEqualTo(404);
    assertThat(API.get("/updates/nonsense").send().status()).isEqualTo(404);
  }

  @Test
  void aReceiptShowsARefusedAddressAsAnUnknownNameToWhoeverMayNotDiagnose() {
    String id = API.create(API.works());
    String reader = API.token("datasources:read");

    Answer accepted =
        defer("PUT", "/datasources/" + id, API.works().put("host", "169.254.169.254"));

    assertThat(ended(accepted).path("reason").asText()).isEqualTo("POLICY_DENIED");
    for (String address :
        new String[] {accepted.header("Location"), "/datasources/" + id + "/history"}) {
      String seen = API.request("GET", address).token(reader).send().body();
      assertThat(seen).contains("UNKNOWN_HOST").doesNotContain("POLICY_DENIED");
    }
  }
}
