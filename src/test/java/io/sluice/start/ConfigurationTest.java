package io.sluice.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What a start makes of the settings, before anything is opened. */
final class ConfigurationTest {
  private static final Pattern FROM_ENVIRONMENT = Pattern.compile("\\{\\{env:\\w+:([^}]*)}}");

  @Test
  void theFileAsItComesHoldsEverythingThatDevelopmentNeeds() throws IOException {
    Configuration configuration = Configuration.read(true, settings()::get);

    assertThat(configuration.http().port()).isEqualTo(8080);
    assertThat(configuration.probe().total()).isEqualTo(Duration.ofSeconds(15));
    assertThat(configuration.keyset().file()).isEqualTo(Path.of("data", "keyset.json"));
    assertThat(configuration.store().url()).isNull();
  }

  @Test
  void theTokenIsNoTextThatCouldBeWritten() throws IOException {
    Map<String, String> settings = settings();
    settings.put("sluice.token", "chosen-by-the-operator");

    assertThat(Configuration.read(true, settings::get).toString())
        .contains("token=")
        .doesNotContain("by-the-operator");
  }

  @Test
  void productionIsToldEverySettingThatItLacksAtOnce() throws IOException {
    Map<String, String> settings = settings();

    assertThatThrownBy(() -> Configuration.read(false, settings::get))
        .isInstanceOf(StartFailure.class)
        .hasMessageContaining("4 problem(s)")
        .hasMessageContaining("STORE_URL")
        .hasMessageContaining("sluice.store.user and sluice.store.password are required")
        .hasMessageContaining("KAFKA_BROKERS")
        .hasMessageContaining("SLUICE_KEYSET");
  }

  @Test
  void everyWrongValueIsNamedWithWhatItMayBe() throws IOException {
    Map<String, String> settings = settings();
    settings.put("sluice.http.port", "65536");
    settings.put("sluice.store.pool-size", "1");
    settings.put("sluice.store.pool-wait", "2 seconds");
    settings.put("sluice.probe.queue-wait", "2s");
    settings.put("sluice.inbox.lease", "15s");
    settings.put("sluice.http.idle", "29s");
    settings.put("sluice.tls.warn-again", "36h,1d");
    settings.put("sluice.egress.loopback", "yes");
    settings.put("sluice.store.url", "jdbc:mysql://db/sluice");
    settings.put("sluice.google.client-id", "half");
    settings.put("sluice.token", "short");
    settings.put("sluice.log.level", "LOUD");
    settings.put("sluice.source", "not a uri");
    settings.put("sluice.workspace", "a b<");
    settings.put("sluice.kafka.events-topic", "no topic!");
    settings.put("sluice.kafka.updates-topic", "..");
    settings.put("sluice.egress.deny", "10.0.0.0/8,999.1.1.1/99");
    settings.put("sluice.kafka.brokers", "kafka:9092,nocolon");

    assertThatThrownBy(() -> Configuration.read(true, settings::get))
        .hasMessageContaining("sluice.http.port must be a whole number from 0 to 65535")
        .hasMessageContaining("sluice.store.pool-size must be a whole number from 2")
        .hasMessageContaining("sluice.store.pool-wait must be a duration like 500ms, 5s or 2m")
        .hasMessageContaining("sluice.probe: queue-wait must be from 0 to 500ms")
        .hasMessageContaining("sluice.inbox.lease must be a duration")
        .hasMessageContaining("at least 16000ms")
        .hasMessageContaining("sluice.http.idle must be a duration")
        .hasMessageContaining("at least 30000ms")
        .hasMessageContaining("sluice.egress.loopback must be true or false")
        .hasMessageContaining("sluice.google.client-secret belong together")
        .hasMessageContaining("sluice.token: ")
        .hasMessageContaining("sluice.egress.deny has 999.1.1.1/99, which is no name")
        .hasMessageContaining("sluice.kafka.brokers has nocolon, which is not host:port")
        .hasMessageContaining("sluice.log.level must be ERROR, WARN, INFO or DEBUG")
        .hasMessageContaining("sluice.source must be a URI")
        .hasMessageContaining("sluice.workspace must be 1 to 64 letters")
        .hasMessageContaining("sluice.kafka.events-topic must be 1 to 249 letters")
        .hasMessageContaining("sluice.kafka.updates-topic must be")
        .hasMessageContaining("sluice.tls.warn-again must be whole days")
        .hasMessageContaining("19 problem(s)")
        .hasMessageContaining("sluice.store.url must begin with jdbc:postgresql:");
  }

  @Test
  void whatFollowsFromAWrongLimitIsNoProblemOfItsOwn() throws IOException {
    Map<String, String> settings = settings();
    settings.put("sluice.probe.total", "banana");

    assertThatThrownBy(() -> Configuration.read(true, settings::get))
        .hasMessageContaining("1 problem(s)")
        .hasMessageContaining("sluice.probe.total must be a duration");
  }

  @Test
  void aKeysetThatIsNotThereIsNamedWithTheOthers() throws IOException {
    Map<String, String> settings = settings();
    settings.put("sluice.keyset", "/nonexistent/keyset.json");

    assertThatThrownBy(() -> Configuration.read(false, settings::get))
        .hasMessageContaining("4 problem(s)")
        .hasMessageContaining("sluice.keyset names no file");
  }

  @Test
  void aPasswordIsInNoProblem() throws IOException {
    Map<String, String> settings = settings();
    settings.put("sluice.store.url", "nonsense");
    settings.put("sluice.store.user", "sluice");
    settings.put("sluice.store.password", "canary-4711");

    assertThatThrownBy(() -> Configuration.read(true, settings::get))
        .satisfies(e -> assertThat(e.toString()).doesNotContain("canary-4711"));
  }

  private static Map<String, String> settings() throws IOException {
    Map<String, String> settings = new HashMap<>();
    for (String file : new String[] {"application.properties", "application-dev.properties"}) {
      Properties properties = new Properties();
      try (Reader reader = Files.newBufferedReader(Path.of("config", file))) {
        properties.load(reader);
      }
      for (String key : properties.stringPropertyNames()) {
        Matcher environment = FROM_ENVIRONMENT.matcher(properties.getProperty(key));
        settings.put(
            key, environment.matches() ? environment.group(1) : properties.getProperty(key));
      }
    }
    return settings;
  }
}
