package io.sluice.accept;

import static io.sluice.servers.Installation.header;
import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.text;
import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.contract.ContractFile;
import io.sluice.servers.Installation;
import io.sluice.servers.PostgresServer;
import java.net.URLEncoder;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Updates by Kafka, as a client of any kind sends them: contract section 4. */
final class KafkaIntakeTest {
  private static final String UPDATED = "sluice.datasource.updated";
  private static final String FAILED = "sluice.datasource.update-failed";

  private static final Duration POLL = Duration.ofSeconds(3);

  private static Installation installation;

  @BeforeAll
  static void start() {
    // What is told here is told by the bells: who waits for a poll waits too long.
    installation =
        Installation.started(
            setup ->
                setup
                    .setting("SLUICE_INBOX_POLL", POLL.toSeconds() + "s")
                    .setting("SLUICE_OUTBOX_POLL", POLL.toSeconds() + "s"));
  }

  @AfterAll
  static void noSecretShowsAnywhere() {
    try {
      installation.assertNoSecretShows();
    } finally {
      installation.close();
    }
  }

  private static Map<String, Object> renamed(String database) {
    Map<String, Object> settings = installation.settings();
    settings.put("database", database);
    return settings;
  }

  private static byte[] form(Map<String, Object> settings) {
    return settings.entrySet().stream()
        .map(e -> e.getKey() + "=" + URLEncoder.encode(e.getValue().toString(), UTF_8))
        .collect(Collectors.joining("&"))
        .getBytes(UTF_8);
  }

  private static byte[] xml(Map<String, Object> settings) {
    return settings.entrySet().stream()
        .map(e -> "<" + e.getKey() + ">" + e.getValue() + "</" + e.getKey() + ">")
        .collect(Collectors.joining("", "<item>", "</item>"))
        .getBytes(UTF_8);
  }

  private static Map<String, String> binary(String ceId) {
    return Map.of(
        "ce_specversion", "1.0",
        "ce_type", "sluice.datasource.update",
        "ce_source", "/rotation",
        "ce_id", ceId);
  }

  private static byte[] structured(String ceId, Map<String, Object> settings) {
    return json(
        Map.of(
            "specversion", "1.0",
            "type", "sluice.datasource.update",
            "source", "/rotation",
            "id", ceId,
            "data", settings));
  }

  /** The last event of a data source that has had this many, checked against its schema. */
  private static ConsumerRecord<byte[], byte[]> event(String id, int count) {
    List<ConsumerRecord<byte[], byte[]>> events = installation.awaitEvents(id, count);
    assertThat(events).hasSize(count);
    ConsumerRecord<byte[], byte[]> event = events.get(count - 1);
    ObjectNode cloudEvent = (ObjectNode) tree(json(Map.of()));
    event
        .headers()
        .forEach(
            h -> {
              if (h.key().startsWith("ce_")) {
                cloudEvent.put(h.key().substring(3), text(h.value()));
              } else {
                assertThat(h.key()).isEqualTo("content-type");
              }
            });
    cloudEvent.put("datacontenttype", header(event, "content-type"));
    cloudEvent.set("data", tree(event.value()));
    assertThat(ContractFile.objectionsOf(ContractFile.CLOUD_EVENT, cloudEvent)).isEmpty();
    assertThat(header(event, "ce_subject")).isEqualTo(id);
    return event;
  }

  static Stream<Arguments> encodings() {
    Map<String, Object> settings = installation.settings();
    String id = UUID.randomUUID().toString();
    return Stream.of(
        arguments("JSON", Map.of("content-type", "application/json"), json(settings)),
        arguments("no content type", Map.of(), json(settings)),
        arguments("XML", Map.of("content-type", "application/xml"), xml(settings)),
        arguments(
            "a form",
            Map.of("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
            form(settings)),
        arguments("a binary CloudEvent", binary(id), json(settings)),
        arguments(
            "a structured CloudEvent",
            Map.of("content-type", "application/cloudevents+json"),
            structured("s" + id, settings)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("encodings")
  void anUpdateIsAppliedAndItsReceiptIsAnEvent(
      String name, Map<String, String> headers, byte[] value) {
    String id = installation.create();
    installation.produce(id, value, headers);
    ConsumerRecord<byte[], byte[]> event = event(id, 2);
    JsonNode data = tree(event.value());
    assertThat(header(event, "ce_type")).isEqualTo(UPDATED);
    assertThat(data.path("intake").asText()).isEqualTo("kafka");
    assertThat(data.path("version").asLong()).isEqualTo(2);
    assertThat(data.path("report").path("status").asText()).isEqualTo("passed");
    assertThat(installation.get(id).path("version").asLong()).isEqualTo(2);
  }

  @Test
  void aPostgresqlDatabaseIsATargetToo() {
    PostgresServer target = PostgresServer.shared();
    String user = "k" + UUID.randomUUID().toString().replace("-", "");
    String password = installation.canaries().secret("PostgreSQL password").reveal();
    target.createUser(user, password);
    target.createDatabase(user, user);
    String id = installation.create();
    Map<String, Object> settings =
        Map.of(
            "driver",
            "postgresql",
            "host",
            target.host(),
            "port",
            target.port(),
            "database",
            user,
            "username",
            user,
            "password",
            password);
    installation.produce(id, json(settings), Map.of());
    assertThat(header(event(id, 2), "ce_type")).isEqualTo(UPDATED);
    assertThat(installation.get(id).path("driver").asText()).isEqualTo("postgresql");
  }

  @Test
  void aFailedTestIsAnnouncedWithItsReportAndReplacesNothing() {
    String id = installation.create();
    JsonNode before = installation.get(id);
    Map<String, Object> settings = installation.settings();
    settings.put("password", installation.canaries().secret("wrong password").reveal());
    installation.produce(id, json(settings), Map.of());
    ConsumerRecord<byte[], byte[]> event = event(id, 2);
    assertThat(header(event, "ce_type")).isEqualTo(FAILED);
    JsonNode data = tree(event.value());
    assertThat(data.path("reason").asText()).isEqualTo("AUTH_FAILED");
    assertThat(data.path("changed")).hasSize(1);
    assertThat(data.path("version").asLong()).isEqualTo(1);
    JsonNode after = installation.get(id);
    assertThat(after.path("version")).isEqualTo(before.path("version"));
    assertThat(after.path("secrets")).isEqualTo(before.path("secrets"));
    assertThat(after.path("last_test")).isEqualTo(before.path("last_test"));
  }

  @Test
  void anUpdateThatIsRefusedBeforeAnyTestIsAnnouncedToo() {
    String id = installation.create();
    installation.produce(id, json(Map.of("driver", "mariadb", "host", "a b")), Map.of());
    ConsumerRecord<byte[], byte[]> refused = event(id, 2);
    assertThat(header(refused, "ce_type")).isEqualTo(FAILED);
    assertThat(tree(refused.value()).path("errors").findValuesAsText("field")).contains("host");

    String nobody = "nobody-" + UUID.randomUUID();
    installation.produce(nobody, json(installation.settings()), Map.of());
    assertThat(tree(event(nobody, 1).value()).path("reason").asText()).isEqualTo("NOT_FOUND");
  }

  static Stream<Arguments> unreadable() {
    byte[] good = json(installation.settings());
    byte[] key = "unreadable".getBytes(UTF_8);
    Map<String, Object> otherId = new LinkedHashMap<>(installation.settings());
    otherId.put("id", "another");
    Map<String, String> wrongType = new LinkedHashMap<>(binary("w1"));
    wrongType.put("ce_type", "sluice.datasource.updated");
    return Stream.of(
        arguments("malformed JSON", key, "{\"driver\":".getBytes(UTF_8), Map.of()),
        arguments("bytes that are not UTF-8", key, new byte[] {'{', (byte) 0xC3, '}'}, Map.of()),
        arguments("no key", null, good, Map.of()),
        arguments("a key that is no id", new byte[] {(byte) 0xFF, 0}, good, Map.of()),
        arguments("a key of 900 kB", new byte[900_000], good, Map.of()),
        arguments("a key that leaves no room", new byte[1_048_400], new byte[0], Map.of()),
        arguments("a tombstone", key, null, Map.of()),
        arguments("another id in the body", key, json(otherId), Map.of()),
        arguments("a field twice", key, "{\"ssl\":true,\"ssl\":true}".getBytes(UTF_8), Map.of()),
        arguments("another content type", key, good, Map.of("content-type", "text/plain")),
        arguments(
            "another charset",
            key,
            good,
            Map.of("content-type", "application/json;charset=latin1")),
        arguments(
            "a batch of events",
            key,
            good,
            Map.of("content-type", "application/cloudevents-batch+json")),
        arguments("another type of event", key, good, wrongType),
        arguments("an identity with a line break", key, good, Map.of("idempotency-key", "a\nb")),
        arguments(
            "a body of 70 kB", key, ("\"" + "x".repeat(70_000) + "\"").getBytes(UTF_8), Map.of()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("unreadable")
  void whatCannotBeReadIsADeadLetterAndThePartitionGoesOn(
      String name, byte[] key, byte[] value, Map<String, String> headers) throws Exception {
    RecordMetadata sent = installation.produce(0, key, value, headers);
    ConsumerRecord<byte[], byte[]> letter = installation.awaitDeadLetter(sent);
    assertThat(header(letter, "dlq.topic")).isEqualTo(Installation.UPDATES);
    assertThat(header(letter, "dlq.stage")).isIn("accept-kafka", "work-inbox");
    assertThat(header(letter, "dlq.reason")).isNotEqualTo("INTERNAL");
    assertThat(header(letter, "dlq.attempts")).isEqualTo("1");
    if (key == null || key.length < 1000) {
      assertThat(letter.key()).isEqualTo(key);
    } else {
      assertThat(tree(letter.value()).path("keyLength").asInt()).isEqualTo(key.length);
    }
    assertThat(tree(letter.value()).path("length").asInt())
        .isEqualTo(value == null ? 0 : value.length);
    goesOn(sent);
  }

  /** The next record of the same partition is applied. */
  private static void goesOn(RecordMetadata after) {
    String id = installation.create();
    installation.produce(
        after.partition(), id.getBytes(UTF_8), json(installation.settings()), Map.of());
    event(id, 2);
  }

  @Test
  void aContentTypeThatNoColumnTakesDoesNotStopThePartition() {
    String id = installation.create();
    RecordMetadata sent =
        installation.produce(
            id,
            json(installation.settings()),
            Map.of("content-type", "application/json; a=\"\u0000\""));
    event(id, 2);
    goesOn(sent);
  }

  @Test
  void headersOfTheSenderSteerNothing() {
    String id = installation.create();
    String other = installation.create();
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("kafka.OVERRIDE_TOPIC", Installation.DEAD_LETTERS);
    headers.put("kafka.KEY", other);
    headers.put("kafka.TOPIC", "elsewhere");
    headers.put("kafka.PARTITION", "3");
    headers.put("kafka.PARTITION_KEY", "3");
    headers.put("kafka.OFFSET", "9999");
    headers.put("kafka.HEADERS", "none");
    headers.put("kafka.LAST_RECORD_BEFORE_COMMIT", "false");
    headers.put("CamelJdbcParameters", "{}");
    headers.put("CamelBeanMethodName", "commit");
    headers.put("CamelKafkaManualCommit", "x");
    headers.put("CamelJacksonUnmarshalType", "java.lang.Object");
    headers.put("CamelSplitComplete", "true");
    headers.put("id", other);
    headers.put("workspace", "1");
    installation.produce(id, json(installation.settings()), headers);
    assertThat(tree(event(id, 2).value()).path("id").asText()).isEqualTo(id);
    assertThat(installation.events(other)).hasSize(1);
    assertThat(installation.get(other).path("version").asLong()).isEqualTo(1);
  }

  @Test
  void theSameUpdateTwiceIsOneEffectAndOneEventId() {
    String id = installation.create();
    String ceId = UUID.randomUUID().toString();
    installation.produce(id, json(installation.settings()), binary(ceId));
    installation.produce(
        id,
        structured(ceId, installation.settings()),
        Map.of("content-type", "application/cloudevents+json"));
    installation.produce(id, json(installation.settings()), Map.of("idempotency-key", ceId));
    // Its own identity, behind the others: when this one is there, they were too.
    installation.produce(id, json(installation.settings()), Map.of());
    event(id, 3);
    assertThat(installation.get(id).path("version").asLong()).isEqualTo(3);
  }

  @Test
  void recordsOfATopicThatWasMadeAnewAreNotThoseOfBefore() throws Exception {
    try (Installation own = Installation.started(s -> {})) {
      String id = own.create();
      own.produce(id, json(own.settings()), Map.of());
      own.produce(id, "{".getBytes(UTF_8), Map.of());
      own.produce(id, json(own.settings()), Map.of());
      own.awaitEvents(id, 3);
      own.process().stop();
      try (Admin admin = own.broker().admin()) {
        admin.deleteTopics(List.of(Installation.UPDATES)).all().get();
        await("the group to forget its place")
            .until(
                () ->
                    admin
                        .listConsumerGroupOffsets("sluice")
                        .partitionsToOffsetAndMetadata()
                        .get()
                        .isEmpty());
      }
      own.broker().createTopic(Installation.UPDATES, 4);
      own.process().start();

      own.produce(id, json(own.settings()), Map.of());
      RecordMetadata unreadable = own.produce(id, "[".getBytes(UTF_8), Map.of());
      Map<String, Object> other = own.settings();
      other.put("sshHost", "bastion.example");
      own.produce(id, json(other), Map.of());

      own.awaitEvents(id, 5);
      await("both dead letters").until(() -> own.deadLetters(unreadable).size() == 2);
      assertThat(own.records(Installation.DEAD_LETTERS))
          .extracting(letter -> header(letter, "dlq.reason"))
          .containsOnly("MALFORMED_BODY");
      assertThat(own.get(id).path("version").asLong()).isEqualTo(5);
      assertThat(own.get(id).path("sshHost").asText()).isEqualTo("bastion.example");
    }
  }

  @Test
  void anotherUpdateUnderAnIdentityThatWasUsedDoesNotVanish() throws Exception {
    String id = installation.create();
    installation.produce(id, json(installation.settings()), Map.of("idempotency-key", "k"));
    event(id, 2);

    RecordMetadata sent =
        installation.produce(id, json(renamed("elsewhere")), Map.of("idempotency-key", "k"));

    assertThat(header(installation.awaitDeadLetter(sent), "dlq.reason")).isEqualTo("KEY_REUSED");
    assertThat(installation.get(id).path("version").asLong()).isEqualTo(2);
  }

  @Test
  void anotherUpdateUnderAnIdentityThatAnInstanceUsesAtTheSameMomentDoesNotVanish()
      throws Exception {
    String id = installation.create();
    installation.produce(id, json(installation.settings()), Map.of("idempotency-key", "first"));
    event(id, 2);
    RecordMetadata same = sentWhileInUse(id, "same", installation.settings());
    RecordMetadata other = sentWhileInUse(id, "other", renamed("elsewhere"));

    assertThat(header(installation.awaitDeadLetter(other), "dlq.reason")).isEqualTo("KEY_REUSED");
    assertThat(installation.deadLetters(same)).isEmpty();
    goesOn(other);
    assertThat(installation.get(id).path("version").asLong()).isEqualTo(2);
  }

  /**
   * Another instance has the first settings under this key, and ends when the intake waits for it.
   */
  private static RecordMetadata sentWhileInUse(String id, String key, Map<String, Object> settings)
      throws SQLException {
    try (Connection elsewhere = installation.store().connect(installation.database())) {
      elsewhere.setAutoCommit(false);
      try (Statement statement = elsewhere.createStatement()) {
        statement.execute(
            "insert into updates (id, workspace_id, data_source_id, intake, identity, actor,"
                + " request_hash, state) select gen_random_uuid(), workspace_id, data_source_id,"
                + " intake, data_source_id || '/"
                + key
                + "', actor, request_hash, 'applied' from updates where identity = '"
                + id
                + "/first'");
      }
      RecordMetadata sent =
          installation.produce(id, json(settings), Map.of("idempotency-key", key));
      await("the intake to wait for the other instance")
          .until(
              () ->
                  !"0"
                      .equals(
                          installation.value(
                              "select count(*) from pg_stat_activity where wait_event_type = 'Lock'")));
      elsewhere.commit();
      return sent;
    }
  }

  @Test
  void aDeadLetterIsToldWithoutWaitingForAPoll() throws Exception {
    int letters = 4;
    long begun = System.nanoTime();
    for (int i = 0; i < letters; i++) {
      installation.awaitDeadLetter(installation.produce("unread", new byte[] {'{'}, Map.of()));
    }
    assertThat(Duration.ofNanos(System.nanoTime() - begun))
        .isLessThan(POLL.multipliedBy(letters).dividedBy(2));
  }

  @Test
  void sendersCountForEachDataSourceOnItsOwn() {
    String one = installation.create();
    String two = installation.create();
    installation.produce(one, json(installation.settings()), binary("1"));
    installation.produce(two, json(installation.settings()), binary("1"));
    event(one, 2);
    event(two, 2);
  }

  @Test
  void updatesOfOneDataSourceAreWorkedInTheirOrder() {
    List<String> ids = IntStream.range(0, 5).mapToObj(i -> installation.create()).toList();
    List<String> sent = new ArrayList<>();
    List<Future<RecordMetadata>> acknowledged = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer = installation.producer()) {
      for (int i = 0; i < 200; i++) {
        // Every fourth names a database that is not there, so that successes and failures mix.
        Map<String, Object> settings = i % 4 == 3 ? renamed("missing") : installation.settings();
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(
                Installation.UPDATES, ids.get(i % 5).getBytes(UTF_8), json(settings));
        record.headers().add("idempotency-key", Integer.toString(i).getBytes(UTF_8));
        sent.add(ids.get(i % 5) + "/" + i);
        acknowledged.add(producer.send(record));
      }
    }
    assertThat(acknowledged).allSatisfy(record -> assertThat(record.get()).isNotNull());
    for (int i = 0; i < 5; i++) {
      String id = ids.get(i);
      await("the updates of " + id)
          .atMost(Duration.ofSeconds(60))
          .pollInterval(Duration.ofMillis(300))
          .until(() -> installation.events(id).size() >= 41);
      List<String> announced =
          installation.events(id).stream()
              .map(e -> header(e, "ce_id"))
              .filter(eventId -> identity(eventId) != null)
              .map(KafkaIntakeTest::identity)
              .toList();
      assertThat(announced)
          .isEqualTo(sent.stream().filter(identity -> identity.startsWith(id)).toList());
    }
  }

  @Test
  void anUpdateIsWorkedAndToldWithoutWaitingForAPoll() {
    String id = installation.create();
    int updates = 4;
    long begun = System.nanoTime();
    for (int i = 0; i < updates; i++) {
      installation.produce(id, json(installation.settings()), Map.of());
      installation.awaitEvents(id, i + 2);
    }
    assertThat(Duration.ofNanos(System.nanoTime() - begun))
        .isLessThan(POLL.multipliedBy(updates).dividedBy(2));
  }

  @Test
  void whatOnePollBringsIsOneTransaction() throws Exception {
    String nobody = "nobody-" + UUID.randomUUID();
    together(nobody, IntStream.range(0, 40).mapToObj(i -> "p" + i).toList());
    installation.awaitEvents(nobody, 40);
    assertThat(
            Integer.parseInt(
                installation.value(
                    "select count(distinct received_at) from updates where data_source_id = '"
                        + nobody
                        + "'")))
        .isLessThan(10);
  }

  @Test
  void aRecordThatTheStoreRefusesIsADeadLetterAndTheOthersOfItsPollAreTakenOnce() throws Exception {
    String nobody = "nobody-" + UUID.randomUUID();
    List<String> keys = new ArrayList<>(IntStream.range(0, 20).mapToObj(i -> "p" + i).toList());
    keys.set(10, "refused");
    keys.set(15, "p3");
    change("alter table updates add constraint no_refused check (identity not like '%/refused')");
    try {
      List<RecordMetadata> sent = together(nobody, keys);
      assertThat(header(installation.awaitDeadLetter(sent.get(10)), "dlq.reason"))
          .isEqualTo("INTERNAL");
      installation.awaitEvents(nobody, 18);
    } finally {
      change("alter table updates drop constraint no_refused");
    }
    // Behind them all: when this one is told, no other is to come.
    together(nobody, List.of("last"));
    List<String> told =
        installation.awaitEvents(nobody, 19).stream()
            .map(event -> identity(header(event, "ce_id")))
            .toList();
    keys.remove(15);
    keys.remove("refused");
    keys.add("last");
    assertThat(told).isEqualTo(keys.stream().map(key -> nobody + "/" + key).toList());
  }

  private static void change(String sql) {
    installation.store().executeIn(installation.database(), sql);
  }

  /** Sends records while the product cannot take them, so that it finds them all at once. */
  private static List<RecordMetadata> together(String id, List<String> keys) throws Exception {
    List<Future<RecordMetadata>> acknowledged = new ArrayList<>();
    installation.process().pause();
    try (KafkaProducer<byte[], byte[]> producer = installation.producer()) {
      for (String key : keys) {
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(
                Installation.UPDATES, id.getBytes(UTF_8), json(installation.settings()));
        record.headers().add("idempotency-key", key.getBytes(UTF_8));
        acknowledged.add(producer.send(record));
      }
      producer.flush();
    } finally {
      installation.process().resume();
    }
    List<RecordMetadata> sent = new ArrayList<>();
    for (Future<RecordMetadata> record : acknowledged) {
      sent.add(record.get());
    }
    return sent;
  }

  private static String identity(String updateId) {
    return installation.value("select identity from updates where id = '" + updateId + "'");
  }
}
