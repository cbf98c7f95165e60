package io.sluice.accept;

import static io.sluice.servers.Installation.EVENTS;
import static io.sluice.servers.Installation.header;
import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.text;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.contract.DocumentedAnswers;
import io.sluice.servers.Installation;
import io.sluice.servers.MuteServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Many targets that hang, far more than tests may be busy at once, and one that answers. A login
 * that hangs takes longer than anything else here.
 */
final class IsolationTest {
  private static final int HANGING = 90;
  private static final int WORKERS = 100;

  /** More than are worked at a time, fewer than there are workers. */
  private static final int BURST = 60;

  private static final List<CompletableFuture<HttpResponse<String>>> CALLS = new ArrayList<>();

  private static final String LOGIN_LIMIT = "30s";
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private static Installation installation;

  @BeforeAll
  static void start() {
    installation =
        Installation.started(
            setup ->
                setup
                    .setting("SLUICE_PROBE_LOGIN", LOGIN_LIMIT)
                    .setting("SLUICE_PROBE_TOTAL", LOGIN_LIMIT)
                    .setting("SLUICE_INBOX_LEASE", "45s")
                    .setting("SLUICE_HTTP_WORKERS", Integer.toString(WORKERS)));
  }

  @AfterAll
  static void noSecretShowsAnywhere() {
    try {
      installation.assertNoSecretShows();
    } finally {
      installation.close();
    }
  }

  /** What still ends takes workers and connections that the next test counts on. */
  @AfterEach
  void awaitTheEndOfAllRequests() {
    await().atMost(LIMIT).until(() -> CALLS.stream().allMatch(CompletableFuture::isDone));
    CALLS.clear();
  }

  private static Map<String, Object> hanging(MuteServer mute, int number) {
    Map<String, Object> settings = new LinkedHashMap<>(installation.settings());
    settings.put("host", mute.host(number));
    settings.put("port", mute.port());
    return settings;
  }

  /** As many requests as there are targets; returns when all that are let in are under test. */
  private static List<CompletableFuture<HttpResponse<String>>> requests(
      MuteServer mute, int first, int count) {
    // Each client has one connection, which takes a hundred requests at once.
    HttpClient client = HttpClient.newHttpClient();
    List<CompletableFuture<HttpResponse<String>>> calls =
        IntStream.range(first, first + count)
            .mapToObj(
                i ->
                    client.sendAsync(
                        HttpRequest.newBuilder(
                                URI.create(installation.process().api() + "/datasources/test"))
                            .header("Authorization", "Bearer " + installation.process().token())
                            .header("Content-Type", "application/json")
                            .POST(HttpRequest.BodyPublishers.ofByteArray(json(hanging(mute, i))))
                            .build(),
                        HttpResponse.BodyHandlers.ofString()))
            .toList();
    CALLS.addAll(calls);
    await()
        .atMost(LIMIT)
        .until(
            () ->
                mute.connections()
                        - first
                        + calls.stream().filter(CompletableFuture::isDone).count()
                    >= count);
    return calls;
  }

  @Test
  void requestsForOtherTargetsGoOnWhileManyTargetsHang() {
    String id = installation.create();
    try (MuteServer mute = MuteServer.ofManyHosts()) {
      List<CompletableFuture<HttpResponse<String>>> hanging = requests(mute, 0, HANGING);
      // Far more than may be busy at once, though those that came last may be told to come again.
      assertThat(mute.connections()).isGreaterThan(HANGING / 2);

      assertThat(installation.put(id, installation.settings()).statusCode()).isEqualTo(200);

      assertThat(hanging.stream().filter(call -> !call.isDone()).count())
          .as("targets that still hang")
          .isGreaterThan(HANGING / 2);
    }
  }

  @Test
  void requestsBeyondTheWorkersAreRefusedAtOnceAndStreamsGoOn() throws Exception {
    String id = installation.create();
    HttpResponse<Stream<String>> stream =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(installation.process().api() + "/events"))
                    .header("Authorization", "Bearer " + installation.process().token())
                    .build(),
                HttpResponse.BodyHandlers.ofLines());
    try (MuteServer mute = MuteServer.ofManyHosts()) {
      List<CompletableFuture<HttpResponse<String>>> hanging = new ArrayList<>();
      while (hanging.stream().filter(call -> !call.isDone()).count() < WORKERS) {
        hanging.addAll(requests(mute, mute.connections(), 20));
      }

      HttpResponse<String> refused =
          DocumentedAnswers.check(requests(mute, mute.connections(), 1).get(0).join());

      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.headers().firstValue("Retry-After")).isPresent();
      assertThat(refused.body()).contains("Too many requests are at work");
      installation.produce(id, json(installation.settings()), Map.of());
      assertThat(stream.body().anyMatch(line -> line.contains(id))).isTrue();
      assertThat(hanging.stream().filter(call -> !call.isDone()).count())
          .as("targets that still hang")
          .isEqualTo(WORKERS);
    }
  }

  private static void awaitOneWhoseTurnDidNotCome(
      List<CompletableFuture<HttpResponse<String>>> calls) {
    await()
        .atMost(LIMIT)
        .until(
            () ->
                calls.stream()
                    .filter(CompletableFuture::isDone)
                    .anyMatch(call -> call.join().body().contains("Too many requests")));
  }

  @Test
  void writesWhoseTurnDoesNotComeAreToldSoAndReadsGoOn() throws Exception {
    String id = installation.create();
    List<CompletableFuture<HttpResponse<String>>> writes;
    ExecutorService clients = Executors.newFixedThreadPool(BURST);
    try (Connection store = installation.store().connect(installation.database());
        Statement lock = store.createStatement()) {
      store.setAutoCommit(false);
      lock.execute("lock table data_sources in access exclusive mode");
      writes =
          Stream.generate(
                  () ->
                      CompletableFuture.supplyAsync(
                          () -> installation.put(id, installation.settings()), clients))
              .limit(BURST)
              .toList();
      awaitOneWhoseTurnDidNotCome(writes);

      HttpResponse<String> read = installation.send("GET", "/drivers", null);
      assertThat(read.statusCode()).as(read.body()).isEqualTo(200);
    } finally {
      clients.shutdown();
    }
    assertThat(writes.stream().map(CompletableFuture::join))
        .allSatisfy(
            answer -> {
              assertThat(answer.statusCode()).isIn(200, 503);
              assertThat(answer.headers().firstValue("Retry-After").isPresent())
                  .isEqualTo(answer.statusCode() == 503);
            });
  }

  @Test
  void strangersDoNotTakeTheTurnsOfThoseWhoWereLetIn() throws Exception {
    // A token is known for five seconds, which a machine that is busy may take to get so far.
    await().atMost(LIMIT).until(this::aReadPassesStrangers);
  }

  private boolean aReadPassesStrangers() throws Exception {
    assertThat(installation.send("GET", "/drivers", null).statusCode()).isEqualTo(200);
    HttpClient client = HttpClient.newHttpClient();
    HttpRequest stranger =
        HttpRequest.newBuilder(URI.create(installation.process().api() + "/drivers"))
            .header("Authorization", "Bearer slc_that-nobody-has-made")
            .build();
    try (Connection store = installation.store().connect(installation.database());
        Statement lock = store.createStatement()) {
      store.setAutoCommit(false);
      // Whether a token is valid cannot be found out now.
      lock.execute("lock table api_tokens in access exclusive mode");
      List<CompletableFuture<HttpResponse<String>>> strangers =
          Stream.generate(() -> client.sendAsync(stranger, HttpResponse.BodyHandlers.ofString()))
              .limit(BURST)
              .toList();
      CALLS.addAll(strangers);
      awaitOneWhoseTurnDidNotCome(strangers);
      return installation.send("GET", "/drivers", null).statusCode() == 200;
    }
  }

  @Test
  void recordsForOtherTargetsGoOnWhileManyTargetsHang() {
    List<String> hanging = new ArrayList<>();
    for (int i = 0; i < HANGING; i++) {
      hanging.add(installation.create());
    }
    String id = installation.create();
    try (MuteServer mute = MuteServer.ofManyHosts();
        KafkaProducer<byte[], byte[]> producer = installation.producer()) {
      for (int i = 0; i < HANGING; i++) {
        send(producer, hanging.get(i), hanging(mute, i));
      }
      await().atMost(LIMIT).until(() -> mute.connections() == HANGING);

      send(producer, id, installation.settings());

      // That of its creation is the other one.
      List<ConsumerRecord<byte[], byte[]>> events = installation.awaitEvents(id, 2);
      assertThat(header(events.get(1), "ce_type")).isEqualTo("sluice.datasource.updated");
      assertThat(
              installation.records(EVENTS).stream()
                  .filter(event -> hanging.contains(text(event.key())))
                  .filter(
                      event -> "sluice.datasource.update-failed".equals(header(event, "ce_type")))
                  .count())
          .as("targets that hang no more")
          .isZero();
    }
  }

  private static void send(
      KafkaProducer<byte[], byte[]> producer, String id, Map<String, Object> settings) {
    // What was not sent shows by the event that does not come.
    Future<RecordMetadata> unused =
        producer.send(
            new ProducerRecord<>(Installation.UPDATES, id.getBytes(UTF_8), json(settings)));
  }
}
