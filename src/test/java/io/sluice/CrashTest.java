package io.sluice;

import static io.sluice.servers.Installation.header;
import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.text;
import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.Books.Event;
import io.sluice.Books.Receipt;
import io.sluice.Books.Version;
import io.sluice.servers.Installation;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

/** Nothing that was acknowledged is lost by {@code kill -9}, whenever it comes. */
final class CrashTest {
  private static final int KILLS = 6;

  /** Wide enough that a kill at any moment often falls between two steps. */
  private static final Duration BETWEEN_STEPS = Duration.ofMillis(50);

  private static final Duration LONGEST_LIFE = Duration.ofMillis(2500);

  private final AtomicBoolean writing = new AtomicBoolean(true);
  private final Queue<Version> acknowledged = new ConcurrentLinkedQueue<>();
  private final Queue<String> produced = new ConcurrentLinkedQueue<>();

  @Test
  void whatWasAcknowledgedSurvivesKillsBetweenAnyTwoSteps() throws Exception {
    long seed = Long.getLong("sluice.crash.seed", System.nanoTime());
    System.out.println("-Dsluice.crash.seed=" + seed);
    Random random = new Random(seed);
    try (Installation installation = Installation.of(Installation::shortLeases)) {
      SluiceProcess process = installation.instance();
      pauseBetweenSteps(process.routes());
      process.start();
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        ids.add(installation.create());
        acknowledged.add(new Version(ids.get(i), 1));
      }
      ExecutorService writers = Executors.newFixedThreadPool(3);
      List<Future<?>> work = new ArrayList<>();
      // One data source by HTTP, one by Kafka, one by both.
      work.add(writers.submit(() -> write(installation, ids.get(0))));
      work.add(writers.submit(() -> write(installation, ids.get(1))));
      work.add(writers.submit(() -> produce(installation, ids.get(1), ids.get(2))));
      for (int kill = 1; kill <= KILLS; kill++) {
        Duration life = Duration.ofMillis(random.nextLong(LONGEST_LIFE.toMillis()));
        LockSupport.parkNanos(life.toNanos());
        process.kill();
        long killed = System.nanoTime();
        process.start();
        System.out.println(
            "kill "
                + kill
                + " after "
                + life.toMillis()
                + " ms; ready again after "
                + Duration.ofNanos(System.nanoTime() - killed).toMillis()
                + " ms");
      }
      writing.set(false);
      for (Future<?> writer : work) {
        writer.get(60, TimeUnit.SECONDS);
      }
      writers.shutdown();
      long ended = System.nanoTime();
      await("all updates to end and be announced")
          .atMost(Duration.ofSeconds(60))
          .pollInterval(Duration.ofMillis(200))
          .untilAsserted(() -> assertThat(waiting(installation)).isEqualTo("0"));
      System.out.println(
          "drained after " + Duration.ofNanos(System.nanoTime() - ended).toMillis() + " ms");
      Books books = books(installation);
      System.out.println(
          books.acknowledged().size()
              + " acknowledged, "
              + books.produced().size()
              + " produced, "
              + books.receipts().size()
              + " receipts, "
              + books.events().size()
              + " events delivered");
      assertThat(books.problems()).isEmpty();
      assertThat(acknowledged).hasSizeGreaterThan(3);
      assertThat(produced).isNotEmpty();
      installation.assertNoSecretShows();
    }
  }

  /** After each step that leaves something behind, the routes rest a moment. */
  private static void pauseBetweenSteps(Path routes) {
    String pause =
        "- delay:\n    expression:\n      constant: \"" + BETWEEN_STEPS.toMillis() + "\"\n";
    after(routes.resolve("12-accept-kafka.camel.yaml"), "method: receive", pause);
    after(routes.resolve("13-work-inbox.camel.yaml"), "method: open", pause);
    after(routes.resolve("13-work-inbox.camel.yaml"), "method: claimed", pause);
    after(routes.resolve("30-apply-update.camel.yaml"), "method: tested", pause);
    after(routes.resolve("30-apply-update.camel.yaml"), "method: conclude", pause);
    after(routes.resolve("60-publish-events.camel.yaml"), "method: acknowledged", pause);
    after(routes.resolve("60-publish-events.camel.yaml"), "method: marked", pause);
  }

  /** Adds a step behind the bean step whose last line this is. */
  private static void after(Path route, String line, String step) {
    try {
      List<String> lines = new ArrayList<>(Files.readAllLines(route));
      int at = 0;
      while (!lines.get(at).strip().equals(line)) {
        at++;
      }
      int begin = at;
      while (!lines.get(begin).strip().equals("- bean:")) {
        begin--;
      }
      String indent = " ".repeat(lines.get(begin).indexOf('-'));
      lines.addAll(at + 1, step.lines().map(l -> indent + l).toList());
      Files.write(route, lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void write(Installation installation, String id) {
    while (writing.get()) {
      try {
        HttpResponse<String> answer =
            installation.call(
                installation.process().api(), "PUT", "/datasources/" + id, installation.settings());
        if (answer.statusCode() == 200) {
          JsonNode body = tree(answer.body().getBytes(UTF_8));
          acknowledged.add(new Version(id, body.path("version").asLong()));
        }
      } catch (IOException | RuntimeException e) {
        // The process is dead or starts: whether this update took effect is not known.
        LockSupport.parkNanos(BETWEEN_STEPS.toNanos());
      }
    }
  }

  private void produce(Installation installation, String... ids) {
    try (KafkaProducer<byte[], byte[]> producer = installation.producer()) {
      for (int i = 0; writing.get(); i++) {
        String id = ids[i % ids.length];
        boolean readable = i % 7 != 3;
        byte[] value = readable ? json(installation.settings()) : "{".getBytes(UTF_8);
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(Installation.UPDATES, id.getBytes(UTF_8), value);
        record.headers().add("idempotency-key", ("k" + i).getBytes(UTF_8));
        producer.send(record).get();
        produced.add(id + "/k" + i);
        LockSupport.parkNanos(BETWEEN_STEPS.multipliedBy(5).toNanos());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("The broker did not take a record.", e);
    }
  }

  /** Updates without an end and events without a delivery; records that are still on the topic. */
  private String waiting(Installation installation) {
    long accepted =
        installation.rows("select identity from updates where identity is not null").stream()
            .filter(row -> produced.contains(row.get("identity")))
            .count();
    return accepted < produced.size()
        ? "records"
        : installation.value(
            "select (select count(*) from updates where state = 'pending')"
                + " + (select count(*) from outbox where published_at is null)");
  }

  private Books books(Installation installation) {
    List<Receipt> receipts =
        installation
            .rows(
                "select id, data_source_id, identity, state, origin->>'topic' || '-' ||"
                    + " (origin->>'partition') || '-' || (origin->>'offset') as origin from updates")
            .stream()
            .map(
                row ->
                    new Receipt(
                        row.get("id"),
                        row.get("data_source_id"),
                        row.get("identity"),
                        row.get("state"),
                        row.get("origin")))
            .toList();
    List<Version> versions =
        installation.rows("select id, version from data_source_versions").stream()
            .map(row -> new Version(row.get("id"), Long.parseLong(row.get("version"))))
            .toList();
    List<Event> events =
        installation.records(Installation.EVENTS).stream().map(CrashTest::event).toList();
    List<String> deadLetters =
        installation.records(Installation.DEAD_LETTERS).stream()
            .map(
                r ->
                    header(r, "dlq.topic")
                        + "-"
                        + header(r, "dlq.partition")
                        + "-"
                        + header(r, "dlq.offset"))
            .toList();
    return new Books(acknowledged, produced, receipts, versions, events, deadLetters);
  }

  private static Event event(ConsumerRecord<byte[], byte[]> record) {
    boolean live = !header(record, "ce_type").endsWith("update-failed");
    return new Event(
        header(record, "ce_id"),
        text(record.key()),
        live ? tree(record.value()).path("version").asLong() : null,
        record.headers() + Base64.getEncoder().encodeToString(record.value()));
  }

  @Test
  void theEmbeddedStoreAndBrokerSurviveAKillToo() throws Exception {
    try (SluiceProcess process = SluiceProcess.setup().start()) {
      long version = update(process);
      process.kill();
      long killed = System.nanoTime();
      process.start();
      System.out.println(
          "embedded: ready again after "
              + Duration.ofNanos(System.nanoTime() - killed).toMillis()
              + " ms");
      assertThat(update(process)).isEqualTo(version + 1);
    }
  }

  /** Updates the data source {@code demo} as the greeting suggests; the answer is its version. */
  private static long update(SluiceProcess process) throws IOException, InterruptedException {
    SluiceProcess.Target target = process.target();
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(process.api() + "/datasources/demo"))
                    .header("Authorization", "Bearer " + process.token())
                    .header("content-type", "application/json")
                    .PUT(
                        HttpRequest.BodyPublishers.ofByteArray(
                            json(
                                Map.of(
                                    "driver", "postgresql",
                                    "host", target.host(),
                                    "port", target.port(),
                                    "database", target.database(),
                                    "username", target.user(),
                                    "password", target.password()))))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    assertThat(answer.statusCode()).describedAs(answer.body()).isEqualTo(200);
    return tree(answer.body().getBytes(UTF_8)).path("version").asLong();
  }
}
