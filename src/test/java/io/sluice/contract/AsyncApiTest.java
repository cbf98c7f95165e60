package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.publish.EventType;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The document about the topics says what the settings, the schemas and the events say. */
final class AsyncApiTest {
  private static final Path FILE = Path.of("config", "asyncapi.yaml");
  private static final JsonNode ASYNC_API = ContractFile.read(FILE);

  @Test
  void theTopicsAreTheSettingsDefaults() throws IOException {
    Properties settings = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of("config", "application.properties"))) {
      settings.load(reader);
    }
    assertThat(ASYNC_API.path("channels").findValuesAsText("address"))
        .containsExactlyInAnyOrder(
            settings.getProperty("sluice.kafka.updates-topic"),
            settings.getProperty("sluice.kafka.events-topic"),
            settings.getProperty("sluice.kafka.dead-letter-topic"));
  }

  @Test
  void everyEventIsListed() {
    assertThat(
            ContractFile.texts(
                ASYNC_API.at("/components/messages/event/headers/properties/ce_type/enum")))
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(EventType.values()).map(EventType::wireName).toList());
  }

  @Test
  void everyReferenceLeadsSomewhere() {
    List<String> references = ASYNC_API.findValuesAsText("$ref");
    assertThat(references).hasSizeGreaterThan(5);
    assertThat(references)
        .allSatisfy(
            reference -> {
              if (reference.startsWith("#")) {
                assertThat(ASYNC_API.at(reference.substring(1)).isMissingNode())
                    .as(reference)
                    .isFalse();
              } else {
                assertThat(FILE.resolveSibling(reference)).isRegularFile();
              }
            });
  }
}
