package io.sluice.rig;

import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.tree;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.rig.Evidence.Vitals;
import io.sluice.rig.History.Kind;
import io.sluice.rig.History.Outcome;
import io.sluice.rig.History.Write;
import io.sluice.servers.ShiftedClock;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The clock of the machine that runs the product is set while it runs. */
final class ClockTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final Duration LONGEST_TEST = Duration.ofSeconds(6);
  private static final String ID = "a";

  /**
   * Further behind than anything is kept, and then ahead. Not the other way round: Kafka's client
   * counts by the time of day, joins its group again when that jumps ahead, and must not be set
   * back while it does.
   */
  private static final List<Duration> JUMPS = List.of(Duration.ofDays(-500), Duration.ofHours(5));

  private record Answer(int status, JsonNode body) {}

  private final ShiftedClock clock = new ShiftedClock();

  @Test
  void jumpsOfTheProductsOwnClockChangeNoOrderAndStopNothing() throws Exception {
    try (clock;
        Stand stand = new Stand(Plant.shared(), 1, LONGEST_TEST, this::movable, instance -> {})) {
      SluiceProcess instance = stand.instances().get(0);
      stand.start();
      stand.create(ID, account());
      String token = token(stand, Instant.now().plus(Duration.ofHours(1)));
      Answer first = put(stand, "kept", account().settings());
      Answer refused = put(stand, "refused", wrong());
      assertThat(refused.status()).isEqualTo(422);
      everyWay(stand, "before");
      for (Duration jump : JUMPS) {
        clock.shift(jump);
        // The store decides what a token is worth, and for how long.
        assertThat(listed(instance, token)).as("a token after %s", jump).isEqualTo(200);
        assertThat(put(stand, "kept", account().settings())).isEqualTo(first);
        everyWay(stand, "after-" + jump);
        assertThat(put(stand, "refused", wrong())).isEqualTo(refused);
      }
      List<Long> versions = new ArrayList<>();
      call(stand, "GET", "/datasources/" + ID + "/history", null, Map.of())
          .body()
          .forEach(
              entry -> {
                if (entry.path("outcome").asText().equals("applied")) {
                  versions.add(entry.path("version").asLong());
                }
              });
      assertThat(versions)
          .hasSize(2 + 3 * (JUMPS.size() + 1))
          .isSortedAccordingTo(Comparator.reverseOrder());
      List<String> breaches = Rule.all(stand.evidence(0, new Vitals(0, 0, 0, 0)));
      assertThat(breaches).isEmpty();
      String id = tokenId(stand);
      call(stand, "DELETE", "/tokens/" + id, null, Map.of());
      await("the token to be forgotten")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(200))
          .until(() -> listed(instance, token) == 403);
    }
  }

  private void movable(SluiceProcess.Setup setup) {
    setup.javaOptions("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", clock.option());
  }

  /** Updates by each way in, all of which have to end and to be announced. */
  private static void everyWay(Stand stand, String name) throws IOException {
    Answer applied = put(stand, "put-" + name, account().settings());
    assertThat(applied.status()).as("%s", applied.body()).isEqualTo(200);
    Answer accepted =
        call(
            stand,
            "PUT",
            "/datasources/" + ID,
            account().settings(),
            Map.of("Prefer", "respond-async"));
    assertThat(accepted.status()).isEqualTo(202);
    stand
        .plant()
        .broker()
        .send(stand.updates(), ID, json(account().settings()), Map.of("idempotency-key", name));
    wrote(stand, Kind.RECORD, ID + "/" + name, Outcome.OK, null);
    stand.drain();
  }

  private static Answer put(Stand stand, String key, Map<String, Object> settings)
      throws IOException {
    Answer answer =
        call(stand, "PUT", "/datasources/" + ID, settings, Map.of("Idempotency-Key", key));
    boolean applied = answer.status() == 200;
    wrote(
        stand,
        applied ? Kind.KEYED : Kind.WRONG,
        "first:" + key,
        applied ? Outcome.OK : Outcome.FAIL,
        applied ? answer.body().path("version").asLong() : null);
    return answer;
  }

  private static void wrote(
      Stand stand, Kind kind, String identity, Outcome outcome, Long version) {
    stand
        .history()
        .wrote(new Write(kind, ID, account().name(), identity, null, outcome, version, null));
  }

  private static Answer call(
      Stand stand, String method, String path, Object body, Map<String, String> headers)
      throws IOException {
    HttpResponse<String> answer = stand.call(stand.instances().get(0), method, path, body, headers);
    JsonNode document = tree(Stand.utf8(answer.body()));
    if (document instanceof ObjectNode object) {
      // What differs however often the same is answered.
      object.remove("request_id");
    }
    return new Answer(answer.statusCode(), document);
  }

  private static String token(Stand stand, Instant expires) throws IOException {
    Answer made =
        call(
            stand,
            "POST",
            "/tokens",
            Map.of(
                "workspace",
                stand.instances().get(0).workspace(),
                "name",
                "clock",
                "scopes",
                List.of("datasources:read"),
                "expires_at",
                expires.toString()),
            Map.of());
    assertThat(made.status()).as("%s", made.body()).isEqualTo(201);
    return made.body().path("token").asText();
  }

  private static String tokenId(Stand stand) {
    return stand.value("select id from api_tokens where name = 'clock'");
  }

  private static int listed(SluiceProcess instance, String token) throws Exception {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create(instance.api() + "/datasources"))
                .header("Authorization", "Bearer " + token)
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  private static Map<String, Object> wrong() {
    Map<String, Object> settings = new LinkedHashMap<>(account().settings());
    settings.put("database", Account.NEVER);
    return settings;
  }

  private static Account account() {
    return Plant.shared().mariadbAccounts().get(0);
  }
}
