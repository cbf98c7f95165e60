package io.sluice.publish;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.contract.ContractFile;
import io.sluice.model.Intake;
import io.sluice.publish.Events.Happening;
import io.sluice.store.Bell;
import io.sluice.store.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.camel.CamelContext;
import org.apache.camel.Message;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.Test;

/** One JSON document per event where that is switched on, and the same event as otherwise. */
final class StructuredEventsTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String EVENTS = "datasource.events";
  private static final String DEAD_LETTERS = "datasource.updates.dlq";

  private static Map<String, Object> row(String topic) {
    Statement statement =
        new Events(JSON, "urn:sluice:test", topic)
            .in(
                Statement.named("delete-data-source"),
                new Happening(
                    EventType.DELETED,
                    UUID.randomUUID(),
                    "demo",
                    null,
                    Intake.HTTP,
                    "admin",
                    Set.of(),
                    null,
                    null,
                    null,
                    Instant.EPOCH));
    Map<String, Object> row = new HashMap<>(statement.parameters());
    row.put("seq", 1L);
    row.put("record_key", statement.parameters().get("key"));
    return row;
  }

  private static Message published(boolean structured, String topic) throws Exception {
    Outbox outbox =
        new Outbox(
            JSON,
            DEAD_LETTERS,
            structured,
            1,
            new Bell(),
            new Bell(),
            Duration.ofSeconds(1),
            Duration.ofSeconds(2));
    try (CamelContext camel = new DefaultCamelContext()) {
      return outbox.records(List.of(row(topic)), new DefaultExchange(camel)).get(0);
    }
  }

  @Test
  void anEventIsOneDocumentWhereThatIsSwitchedOn() throws Exception {
    Message message = published(true, EVENTS);

    JsonNode event = JSON.readTree(message.getBody(byte[].class));
    assertThat(ContractFile.objectionsOf(ContractFile.CLOUD_EVENT, event)).isEmpty();
    assertThat(event.path("type").asText()).isEqualTo("sluice.datasource.deleted");
    assertThat(event.at("/data/actor").asText()).isEqualTo("admin");
    assertThat(message.getHeader("content-type", String.class))
        .startsWith("application/cloudevents+json");
    assertThat(message.getHeaders()).doesNotContainKey("ce_type");
  }

  @Test
  void otherwiseItsAttributesAreHeaders() throws Exception {
    Message message = published(false, EVENTS);

    assertThat(message.getHeader("ce_type", String.class)).isEqualTo("sluice.datasource.deleted");
    assertThat(JSON.readTree(message.getBody(byte[].class)).path("actor").asText())
        .isEqualTo("admin");
  }

  @Test
  void aDeadLetterStaysAsItIs() throws Exception {
    assertThat(published(true, DEAD_LETTERS).getHeader("content-type", String.class))
        .isEqualTo("application/json");
  }
}
