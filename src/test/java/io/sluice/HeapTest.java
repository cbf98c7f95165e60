package io.sluice;

import static io.sluice.servers.Installation.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.servers.Installation;
import io.sluice.servers.LiveObjects;
import io.sluice.servers.SluiceProcess;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

/** Whatever is asked of it, and however it ends, the service keeps nothing of it in memory. */
final class HeapTest {
  private static final int CLIENTS = 4;

  /** Until every pool and cache has what it holds. */
  private static final int WARM_UP = 30;

  private static final int ROUNDS = 35;
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @Test
  void nothingIsLeftInMemoryOfWhatHasEnded() throws Exception {
    ExecutorService clients = Executors.newFixedThreadPool(CLIENTS);
    try (Installation installation = Installation.started(HeapTest::fewConnections);
        KafkaProducer<byte[], byte[]> producer = installation.producer()) {
      List<String> ids = Stream.generate(installation::create).limit(CLIENTS).toList();
      rounds(WARM_UP, ids, installation, producer, clients);
      // A text is counted by its bytes.
      LiveObjects live =
          LiveObjects.in(installation.process().handle(), name -> !name.equals("java.lang.String"));
      rounds(ROUNDS, ids, installation, producer, clients);
      // What one call of a round leaves behind is there once for each round, at the least.
      await("what has ended to be forgotten")
          .atMost(LIMIT)
          .pollInterval(Duration.ofSeconds(1))
          .untilAsserted(() -> assertThat(live.grownBy(ROUNDS * CLIENTS)).isEmpty());
      installation.assertNoSecretShows();
    } finally {
      clients.shutdownNow();
    }
  }

  /** Each connection to the store keeps the statements that it has run: few are full soon. */
  private static void fewConnections(SluiceProcess.Setup setup) {
    setup.setting("SLUICE_STORE_POOL_SIZE", "2");
  }

  private static void rounds(
      int rounds,
      List<String> ids,
      Installation installation,
      KafkaProducer<byte[], byte[]> producer,
      ExecutorService clients) {
    CompletableFuture.allOf(
            ids.stream()
                .map(
                    id ->
                        CompletableFuture.runAsync(
                            () -> {
                              for (int round = 0; round < rounds; round++) {
                                round(id, installation, producer);
                              }
                            },
                            clients))
                .toArray(CompletableFuture[]::new))
        .join();
    await("all to end")
        .atMost(LIMIT)
        .pollInterval(Duration.ofMillis(200))
        .until(
            () ->
                installation
                    .value(
                        "select (select count(*) from updates where state in ('pending', 'running'))"
                            + " + (select count(*) from outbox where published_at is null)")
                    .equals("0"));
  }

  private static void round(
      String id, Installation installation, KafkaProducer<byte[], byte[]> producer) {
    Map<String, Object> right = installation.settings();
    Map<String, Object> wrong = new HashMap<>(right);
    wrong.put("password", "wrong");
    String path = "/datasources/" + id;
    answers(200, installation, "PUT", path, right, Map.of());
    answers(200, installation, "PUT", path, right, Map.of("Idempotency-Key", once()));
    answers(202, installation, "PUT", path, right, Map.of("Prefer", "respond-async"));
    answers(422, installation, "PUT", path, wrong, Map.of());
    answers(400, installation, "PUT", path, List.of("no object"), Map.of());
    answers(412, installation, "PUT", path, right, Map.of("If-Match", "\"0\""));
    answers(404, installation, "PUT", "/datasources/" + once(), right, Map.of());
    answers(403, installation, "GET", path, null, Map.of("Authorization", "Bearer " + once()));
    answers(200, installation, "GET", path, null, Map.of());
    answers(200, installation, "GET", path + "/history", null, Map.of());
    answers(200, installation, "GET", "/datasources", null, Map.of());
    for (Object settings : List.of(right, wrong, List.of("no object"))) {
      assertThat(
              producer.send(
                  new ProducerRecord<>(Installation.UPDATES, id.getBytes(UTF_8), json(settings))))
          .succeedsWithin(LIMIT);
    }
  }

  private static String once() {
    return UUID.randomUUID().toString();
  }

  private static void answers(
      int status,
      Installation installation,
      String method,
      String path,
      Object body,
      Map<String, String> headers) {
    HttpResponse<String> answer = installation.send(method, path, body, headers);
    assertThat(answer.statusCode())
        .as(method + " " + path + ": " + answer.body())
        .isEqualTo(status);
  }
}
