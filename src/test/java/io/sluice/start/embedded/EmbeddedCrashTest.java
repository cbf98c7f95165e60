package io.sluice.start.embedded;

import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.contract.DocumentedAnswers;
import io.sluice.servers.Installation;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

/** What the development profile embeds outlives {@code kill -9} as servers of their own do. */
final class EmbeddedCrashTest {
  private static final int MOST_BYTES = 2_000_000;
  private static final int RECORD_BYTES = 100_000;
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @Test
  void theEmbeddedStoreAndBrokerSurviveAKill() throws Exception {
    try (SluiceProcess process = SluiceProcess.setup().start()) {
      long version = update(process);
      process.kill();
      process.start();
      assertThat(update(process)).isEqualTo(version + 1);
    }
  }

  @Test
  void aBrokerThatCannotWriteStopsAllInOrderAndSaysSo() throws Exception {
    try (SluiceProcess process = SluiceProcess.setup().start()) {
      // As on a full disk: no file of this process grows beyond it.
      Process limited =
          new ProcessBuilder(
                  "prlimit",
                  "--pid",
                  Long.toString(process.handle().pid()),
                  "--fsize=" + MOST_BYTES + ":" + MOST_BYTES)
              .start();
      assertThat(limited.waitFor()).isZero();
      fill(process.bootstrap());

      process.handle().onExit().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
      assertThat(process.awaitExit()).isEqualTo(1);
      assertThat(process.logged())
          .contains("The embedded Kafka broker cannot go on, and Sluice stops. Is there room in ")
          .contains(process.data().resolve("kafka").toString());
      assertThat(process.embeddedStore()).isEmpty();
    }
  }

  /** Ends when the broker takes no more. */
  private static void fill(String bootstrap) {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                bootstrap,
                "delivery.timeout.ms",
                "3000",
                "request.timeout.ms",
                "2000",
                "linger.ms",
                "0",
                "max.block.ms",
                "2000"),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (int written = 0; written < 4 * MOST_BYTES; written += RECORD_BYTES) {
        producer
            .send(new ProducerRecord<>(Installation.UPDATES, 0, null, new byte[RECORD_BYTES]))
            .get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | KafkaException e) {
      // What is to happen.
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
    DocumentedAnswers.check(answer);
    assertThat(answer.statusCode()).describedAs(answer.body()).isEqualTo(200);
    return tree(answer.body().getBytes(UTF_8)).path("version").asLong();
  }
}
