package io.sluice.start;

import io.sluice.accept.Administration;
import io.sluice.model.Secret;
import io.sluice.monitor.MonitorSettings;
import io.sluice.probe.EgressPolicy;
import io.sluice.probe.OAuthClient;
import io.sluice.probe.ProbeSettings;
import io.sluice.secrets.Tokens;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * Every setting of {@code config/application.properties}, typed and checked.
 *
 * @param dev whether the development profile is in force
 * @param token the first admin token as it was configured; null: make one
 * @param google null: refresh tokens of Google's cannot be tested
 */
record Configuration(
    boolean dev,
    String logLevel,
    String source,
    String org,
    String workspace,
    Path data,
    Path drivers,
    Keyset keyset,
    Secret token,
    Http http,
    Store store,
    Kafka kafka,
    ProbeSettings probe,
    OAuthClient google,
    Egress egress,
    Inbox inbox,
    Outbox outbox,
    Retention retention,
    MonitorSettings monitor) {

  private static final int MAX_PORT = 65_535;
  private static final Pattern BROKER = Pattern.compile("[^\\s:/]+:\\d{1,5}|\\[[^\\s/]+]:\\d{1,5}");
  private static final Pattern TOPIC = Pattern.compile("(?!\\.{1,2}$)[A-Za-z0-9._-]{1,249}");
  private static final Pattern LOG_LEVEL = Pattern.compile("ERROR|WARN|INFO|DEBUG");
  private static final String ID_GRAMMAR = "1 to 64 letters, digits and . _ -";
  private static final Duration STEP_LEAST = Duration.ofMillis(100);

  /**
   * What a check or a request takes beside its test, at most: its turn, and a store that is slow.
   */
  private static final Duration BESIDES_THE_TEST = Duration.ofSeconds(15);

  record Keyset(Path file, Duration poll) {}

  record Http(int port, int managementPort, Duration bodyDeadline, Duration idle, int workers) {}

  /**
   * @param url null: the embedded one
   */
  record Store(String url, String user, Secret password, int poolSize, Duration poolWait) {}

  /**
   * @param brokers null: the embedded one, on {@code embeddedPort}
   */
  record Kafka(
      String brokers,
      int embeddedPort,
      String updatesTopic,
      String eventsTopic,
      String deadLetterTopic,
      boolean structuredEvents,
      String group) {

    List<String> topics() {
      return List.of(updatesTopic, eventsTopic, deadLetterTopic);
    }
  }

  record Egress(List<String> allow, List<String> deny, boolean loopback) {}

  record Inbox(int workers, Duration poll, Duration lease) {}

  record Outbox(int batch, Duration poll, Duration lease) {}

  record Retention(Duration events, Duration updates, Duration poll) {}

  /**
   * Reads and checks everything.
   *
   * @param resolve gives a setting's text, or null
   * @throws StartFailure listing every problem
   */
  static Configuration read(boolean dev, UnaryOperator<String> resolve) {
    Values values = new Values(resolve);
    Path data = values.path("sluice.data");
    String keyset = values.optional("sluice.keyset");
    if (keyset == null && !dev) {
      values.problem("sluice.keyset", "is required; set it, or SLUICE_KEYSET in the environment");
    }
    if (keyset != null && !dev && Files.notExists(Path.of(keyset))) {
      values.problem(
          "sluice.keyset",
          "names no file. Put the installation's key file there, or make the first one with"
              + " \"java -jar sluice.jar keyset FILE\"");
    }
    ProbeSettings probe = probe(values);
    Configuration configuration =
        new Configuration(
            dev,
            values.text("sluice.log.level", LOG_LEVEL, "ERROR, WARN, INFO or DEBUG"),
            source(values),
            values.text("sluice.org", Administration.ID, ID_GRAMMAR),
            values.text("sluice.workspace", Administration.ID, ID_GRAMMAR),
            data,
            values.path("sluice.drivers"),
            new Keyset(
                keyset == null ? data.resolve("keyset.json") : Path.of(keyset),
                values.duration("sluice.keyset.poll", Duration.ofMillis(10))),
            token(values),
            new Http(
                values.integer("sluice.http.port", 0, MAX_PORT),
                values.integer("sluice.management.port", 0, MAX_PORT),
                values.duration("sluice.http.body-deadline", Duration.ofSeconds(1)),
                values.duration("sluice.http.idle", probe.total().plus(BESIDES_THE_TEST)),
                values.integer("sluice.http.workers", 4, 10_000)),
            store(values, dev),
            kafka(values, dev),
            probe,
            google(values),
            new Egress(
                rules(values, "sluice.egress.allow"),
                rules(values, "sluice.egress.deny"),
                values.flag("sluice.egress.loopback")),
            new Inbox(
                values.integer("sluice.inbox.workers", 1, 1000),
                values.duration("sluice.inbox.poll", Duration.ofMillis(10)),
                values.duration("sluice.inbox.lease", probe.total().plusSeconds(1))),
            new Outbox(
                values.integer("sluice.outbox.batch", 1, 10_000),
                values.duration("sluice.outbox.poll", Duration.ofMillis(10)),
                values.duration("sluice.outbox.lease", Duration.ofSeconds(2))),
            new Retention(
                values.duration("sluice.retention.events", Duration.ofHours(1)),
                values.duration("sluice.retention.updates", Duration.ofHours(1)),
                values.duration("sluice.retention.poll", Duration.ofMillis(10))),
            monitor(values, probe));
    values.check();
    return configuration;
  }

  /** CloudEvents 1.0.2, "source": a URI reference that is not empty. */
  private static String source(Values values) {
    String source = values.text("sluice.source");
    try {
      if (source != null) {
        new URI(source);
      }
    } catch (URISyntaxException e) {
      values.problem("sluice.source", "must be a URI, like urn:sluice or https://sluice.example");
    }
    return source;
  }

  private static Store store(Values values, boolean dev) {
    String url = values.optional("sluice.store.url");
    String user = values.optional("sluice.store.user");
    String password = values.optional("sluice.store.password");
    if (url == null && !dev) {
      values.problem("sluice.store.url", "is required; set it, or STORE_URL in the environment");
    }
    if (url != null && !url.startsWith("jdbc:postgresql:")) {
      values.problem("sluice.store.url", "must begin with jdbc:postgresql:");
    }
    if ((url != null || !dev) && (user == null || password == null)) {
      values.problem(
          "sluice.store.user", "and sluice.store.password are required with sluice.store.url");
    }
    return new Store(
        url,
        user,
        password == null ? null : Secret.of(password),
        values.integer("sluice.store.pool-size", 2, 1000),
        values.duration("sluice.store.pool-wait", Duration.ofMillis(250)));
  }

  private static Secret token(Values values) {
    String token = values.optional("sluice.token");
    if (token == null) {
      return null;
    }
    try {
      return Tokens.chosen(token, "sluice.token");
    } catch (IllegalArgumentException e) {
      values.problem("sluice.token:", e.getMessage().replaceFirst("\\.$", ""));
      return null;
    }
  }

  private static List<String> rules(Values values, String key) {
    List<String> rules = values.list(key);
    for (String rule : rules) {
      if (!EgressPolicy.reads(rule)) {
        values.problem(
            key,
            "has " + rule + ", which is no name, address or CIDR range with an optional :port");
      }
    }
    return rules;
  }

  private static Kafka kafka(Values values, boolean dev) {
    String brokers = values.optional("sluice.kafka.brokers");
    if (brokers == null && !dev) {
      values.problem(
          "sluice.kafka.brokers", "is required; set it, or KAFKA_BROKERS in the environment");
    }
    for (String broker : values.list("sluice.kafka.brokers")) {
      if (!BROKER.matcher(broker).matches()) {
        values.problem("sluice.kafka.brokers", "has " + broker + ", which is not host:port");
      }
    }
    return new Kafka(
        brokers,
        dev ? values.integer("sluice.kafka.embedded-port", 0, MAX_PORT) : 0,
        topic(values, "sluice.kafka.updates-topic"),
        topic(values, "sluice.kafka.events-topic"),
        topic(values, "sluice.kafka.dead-letter-topic"),
        values.flag("sluice.kafka.structured-events"),
        values.text("sluice.kafka.group"));
  }

  private static String topic(Values values, String key) {
    return values.text(key, TOPIC, "1 to 249 letters, digits and . _ - as Kafka has it");
  }

  private static OAuthClient google(Values values) {
    String id = values.optional("sluice.google.client-id");
    String secret = values.optional("sluice.google.client-secret");
    if ((id == null) != (secret == null)) {
      values.problem("sluice.google.client-id", "and sluice.google.client-secret belong together");
    }
    return id == null || secret == null ? null : new OAuthClient(id, Secret.of(secret));
  }

  private static MonitorSettings monitor(Values values, ProbeSettings probe) {
    List<Duration> expiry = new ArrayList<>(List.of(probe.warnBefore()));
    for (Duration again : values.durations("sluice.tls.warn-again", Duration.ofDays(1))) {
      if (!Duration.ofDays(again.toDays()).equals(again)) {
        values.problem("sluice.tls.warn-again", "must be whole days, as 7d,1d");
      }
      expiry.add(again);
    }
    try {
      return new MonitorSettings(
          values.flag("sluice.monitor.enabled"),
          values.duration("sluice.monitor.interval", Duration.ofSeconds(1)),
          values.duration("sluice.monitor.jitter", Duration.ZERO),
          values.duration("sluice.monitor.confirm", Duration.ofMillis(100)),
          values.duration("sluice.monitor.refused", Duration.ofSeconds(1)),
          values.integer("sluice.monitor.threshold", 1, MonitorSettings.MAX_WINDOW),
          values.integer("sluice.monitor.window", 1, MonitorSettings.MAX_WINDOW),
          values.integer("sluice.monitor.checks", 1, 1000),
          values.duration("sluice.monitor.poll", Duration.ofMillis(10)),
          probe.total().plus(BESIDES_THE_TEST),
          expiry,
          values.duration("sluice.monitor.pending-retry", Duration.ofMillis(100)),
          values.duration("sluice.monitor.pending-keep", Duration.ofSeconds(1)));
    } catch (IllegalArgumentException e) {
      values.problem("sluice.monitor:", e.getMessage());
      return null;
    }
  }

  private static ProbeSettings probe(Values values) {
    int before = values.problems();
    try {
      return new ProbeSettings(
          values.duration("sluice.probe.dns", STEP_LEAST),
          values.duration("sluice.probe.tcp", STEP_LEAST),
          values.duration("sluice.probe.ssh", STEP_LEAST),
          values.duration("sluice.probe.tls", STEP_LEAST),
          values.duration("sluice.probe.login", STEP_LEAST),
          values.duration("sluice.probe.query", STEP_LEAST),
          values.duration("sluice.probe.total", STEP_LEAST),
          values.flag("sluice.probe.strict-host-keys"),
          values.integer("sluice.probe.max-tests", 1, 10_000),
          values.integer("sluice.probe.max-slow-tests", 0, 100_000),
          values.duration("sluice.probe.slow-after", Duration.ofMillis(1)),
          values.integer("sluice.probe.max-tests-per-target", 1, 1000),
          values.duration("sluice.probe.lockout-window", Duration.ZERO),
          values.duration("sluice.probe.queue-wait", Duration.ZERO),
          values.duration("sluice.tls.warn-before", Duration.ZERO));
    } catch (IllegalArgumentException e) {
      // What cannot be read counts as the least, and follows from no wrong setting but that.
      if (values.problems() == before) {
        values.problem("sluice.probe:", e.getMessage());
      }
      return ProbeSettings.defaults();
    }
  }
}
