package io.sluice.servers;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

final class KafkaServerTest {
  @Test
  void records_outlive_a_stop_and_a_kill() {
    try (KafkaServer server = KafkaServer.setup().start()) {
      server.createTopic("kept", 1);
      server.send("kept", "a", "1".getBytes(UTF_8), Map.of("content-type", "text/plain"));
      server.stop();
      server.start();
      server.send("kept", "a", "2".getBytes(UTF_8), Map.of());
      server.kill();
      server.start();
      server.send("kept", "a", null, Map.of());
      List<ConsumerRecord<String, byte[]>> records = server.read("kept", 3, Duration.ofSeconds(20));
      assertThat(records).extracting(ConsumerRecord::key).containsExactly("a", "a", "a");
      assertThat(records)
          .extracting(ConsumerRecord::value)
          .containsExactly("1".getBytes(UTF_8), "2".getBytes(UTF_8), null);
      assertThat(records.get(0).headers().lastHeader("content-type").value())
          .asString(UTF_8)
          .isEqualTo("text/plain");
    }
  }

  @Test
  void a_topic_exists_only_when_it_was_created() {
    KafkaServer server = KafkaServer.shared();
    assertThat(server.log()).contains("Kafka Server started");
    assertThatThrownBy(() -> server.createTopic("bad name", 1))
        .isInstanceOf(IllegalStateException.class);
  }
}
