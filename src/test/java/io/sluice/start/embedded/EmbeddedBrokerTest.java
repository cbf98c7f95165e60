package io.sluice.start.embedded;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EmbeddedBrokerTest {
  private static final String TOPIC = "datasource.updates";

  @TempDir Path data;

  @Test
  void records_and_group_offsets_are_there_on_the_next_start_on_any_port() throws Exception {
    try (EmbeddedBroker broker = Embedded.broker(data, 0)) {
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrap()))) {
        assertThat(admin.listTopics().names().get(10, SECONDS))
            .containsExactlyInAnyOrder(
                "datasource.updates", "datasource.events", "datasource.updates.dlq");
      }
      send(broker, TOPIC, "first");
      assertThat(read(broker)).containsExactly("first");
    }
    try (EmbeddedBroker broker = Embedded.broker(data, 0)) {
      send(broker, TOPIC, "second");
      assertThat(read(broker)).containsExactly("second");

      assertThatThrownBy(() -> Embedded.broker(data, 0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("SLUICE_DATA");
      assertThatThrownBy(() -> send(broker, "unknown.topic", "lost"))
          .isInstanceOf(ExecutionException.class)
          .hasMessageContaining("unknown.topic");
    }
  }

  @Test
  void nothing_of_it_stays_behind_when_it_is_closed() {
    Set<Thread> others = Thread.getAllStackTraces().keySet();
    Embedded.broker(data, 0).close();
    assertThat(Thread.getAllStackTraces().keySet())
        .filteredOn(thread -> !thread.isDaemon() && !others.contains(thread))
        .extracting(Thread::getName)
        .noneMatch(name -> name.contains("kafka") || name.contains("kraft"));
  }

  @Test
  void a_taken_port_is_named_with_the_setting_to_change() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> Embedded.broker(data, taken.getLocalPort()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(Integer.toString(taken.getLocalPort()))
          .hasMessageContaining("KAFKA_PORT");
    }
  }

  private static void send(EmbeddedBroker broker, String topic, String value) throws Exception {
    try (KafkaProducer<String, String> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", broker.bootstrap(), "acks", "all", "max.block.ms", "2000"),
            new StringSerializer(),
            new StringSerializer())) {
      producer.send(new ProducerRecord<>(topic, "key", value)).get(10, SECONDS);
    }
  }

  private static List<String> read(EmbeddedBroker broker) {
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers", broker.bootstrap(),
                "group.id", "readers",
                "enable.auto.commit", "false",
                "auto.offset.reset", "earliest"),
            new StringDeserializer(),
            new StringDeserializer())) {
      consumer.subscribe(List.of(TOPIC));
      List<String> values = new ArrayList<>();
      long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
      while (values.isEmpty() && System.nanoTime() < end) {
        consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
      }
      consumer.commitSync();
      return values;
    }
  }
}
