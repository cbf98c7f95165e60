package io.sluice.servers;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.canary.CanarySearch;
import io.sluice.contract.DocumentedAnswers;
import io.sluice.model.Secret;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A whole installation on servers of its own: PostgreSQL as the store, Kafka, MariaDB to connect
 * to, and the product as a process, or several. Every secret in it is a canary.
 *
 * <p>Thread-safe but for its start and end.
 */
public final class Installation implements AutoCloseable {
  public static final String UPDATES = "datasource.updates";
  public static final String EVENTS = "datasource.events";
  public static final String DEAD_LETTERS = "datasource.updates.dlq";

  /** How long a worker owns an update under {@link #shortLeases}. */
  public static final Duration LEASE = Duration.ofSeconds(3);

  private static final int PARTITIONS = 4;
  private static final Duration CALL_LIMIT = Duration.ofSeconds(30);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final CanarySearch canaries = new CanarySearch();
  private final PostgresServer store = PostgresServer.setup().start();
  private final KafkaServer broker = KafkaServer.setup().start();
  private final MariaDbServer target = MariaDbServer.shared();
  private final String database = store.createDatabase();
  private final String user = "u" + UUID.randomUUID().toString().substring(0, 8);
  private final Secret password = canaries.secret("target password");
  private final Secret token = canaries.secret("token");
  private final HttpClient http = HttpClient.newHttpClient();
  private final SluiceProcess.Setup setup;
  private final Path data = Scratch.directory("installation");
  private final List<SluiceProcess> processes = new ArrayList<>();

  private Installation(Consumer<SluiceProcess.Setup> more) {
    canaries.register("store password", store.superuserPassword());
    target.execute("create database " + user);
    target.execute("create user '" + user + "'@'%' identified by '" + password.reveal() + "'");
    target.execute("grant all on " + user + ".* to '" + user + "'@'%'");
    broker.createTopic(UPDATES, PARTITIONS);
    broker.createTopic(EVENTS, PARTITIONS);
    broker.createTopic(DEAD_LETTERS, 1);
    setup =
        SluiceProcess.setup()
            .store(store, database)
            .broker(broker)
            .setting("SLUICE_DATA", data.toString())
            .setting("SLUICE_TOKEN", token.reveal())
            .setting("SLUICE_PROBE_MAX_TESTS_PER_TARGET", "16");
    more.accept(setup);
  }

  /** Settings under which a lease runs out soon, and a test ends within it. */
  public static void shortLeases(SluiceProcess.Setup setup) {
    for (String limit : List.of("TCP", "SSH", "TLS", "LOGIN", "QUERY", "TOTAL")) {
      setup.setting("SLUICE_PROBE_" + limit, "2s");
    }
    setup
        .setting("SLUICE_INBOX_LEASE", LEASE.toSeconds() + "s")
        .setting("SLUICE_OUTBOX_LEASE", "2s");
  }

  /** The servers, without the product. */
  public static Installation of(Consumer<SluiceProcess.Setup> settings) {
    return new Installation(settings);
  }

  /** The servers and one process of the product. */
  public static Installation started(Consumer<SluiceProcess.Setup> settings) {
    Installation installation = of(settings);
    installation.instance().start();
    return installation;
  }

  /** One more process, not started yet. */
  public SluiceProcess instance() {
    SluiceProcess process = setup.prepared();
    processes.add(process);
    return process;
  }

  /** The first process. */
  public SluiceProcess process() {
    return processes.get(0);
  }

  public PostgresServer store() {
    return store;
  }

  /** The store's database on {@link #store()}. */
  public String database() {
    return database;
  }

  public KafkaServer broker() {
    return broker;
  }

  public MariaDbServer target() {
    return target;
  }

  public Secret password() {
    return password;
  }

  /** The keys of all processes. */
  public Path keyset() {
    return data.resolve("keyset.json");
  }

  public CanarySearch canaries() {
    return canaries;
  }

  /** Settings that pass their test. */
  public Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("driver", "mariadb");
    settings.put("host", target.host());
    settings.put("port", target.port());
    settings.put("database", user);
    settings.put("username", user);
    settings.put("password", password.reveal());
    return settings;
  }

  public static byte[] json(Object document) {
    try {
      return JSON.writeValueAsBytes(document);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static JsonNode tree(byte[] json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A data source with {@link #settings}, under an id of its own. */
  public String create() {
    return create(settings());
  }

  /** A data source with these settings, under an id of its own. */
  public String create(Map<String, Object> settings) {
    String id = "ds-" + UUID.randomUUID();
    Map<String, Object> body = new LinkedHashMap<>(settings);
    body.put("id", id);
    HttpResponse<String> answer = send("POST", "/datasources", body);
    if (answer.statusCode() != 201) {
      throw new IllegalStateException("Not created: " + answer.statusCode() + answer.body());
    }
    return id;
  }

  public HttpResponse<String> put(String id, Map<String, Object> settings) {
    return send("PUT", "/datasources/" + id, settings);
  }

  public JsonNode get(String id) {
    return tree(send("GET", "/datasources/" + id, null).body().getBytes(UTF_8));
  }

  /** A call to the first process. */
  public HttpResponse<String> send(String method, String path, Object body) {
    return send(method, path, body, Map.of());
  }

  /**
   * A call to the first process.
   *
   * @param headers in addition, or in place of the usual ones
   */
  public HttpResponse<String> send(
      String method, String path, Object body, Map<String, String> headers) {
    try {
      return call(process().api(), method, path, body, headers);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A call to one process. */
  public HttpResponse<String> call(URI api, String method, String path, Object body)
      throws IOException {
    return call(api, method, path, body, Map.of());
  }

  /**
   * A call to one process.
   *
   * @param headers in addition, or in place of the usual ones
   * @throws IOException when the connection ends before the answer
   */
  public HttpResponse<String> call(
      URI api, String method, String path, Object body, Map<String, String> headers)
      throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(api + path))
            .timeout(CALL_LIMIT)
            .header("Authorization", "Bearer " + token.reveal())
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(json(body)));
    if (body != null) {
      request.header("content-type", "application/json");
    }
    headers.forEach(request::setHeader);
    try {
      return DocumentedAnswers.check(
          http.send(request.build(), HttpResponse.BodyHandlers.ofString()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while a call was made.", e);
    }
  }

  /** A producer for {@link #UPDATES}; the caller closes it. */
  public KafkaProducer<byte[], byte[]> producer() {
    return new KafkaProducer<>(
        Map.of(
            "bootstrap.servers",
            broker.bootstrap(),
            "acks",
            "all",
            "linger.ms",
            "0",
            "max.request.size",
            "2000000"),
        new ByteArraySerializer(),
        new ByteArraySerializer());
  }

  /** Sends one update record and waits until the broker has it. */
  public RecordMetadata produce(String key, byte[] value, Map<String, String> headers) {
    return produce(null, key == null ? null : key.getBytes(UTF_8), value, headers);
  }

  /**
   * @param partition null: that of the key
   */
  public RecordMetadata produce(
      Integer partition, byte[] key, byte[] value, Map<String, String> headers) {
    try (KafkaProducer<byte[], byte[]> producer = producer()) {
      ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(UPDATES, partition, key, value);
      headers.forEach((name, text) -> record.headers().add(name, text.getBytes(UTF_8)));
      return producer.send(record).get(CALL_LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while a record was sent.", e);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("The broker did not take a record.", e);
    }
  }

  /** All that a topic holds now, per partition in order. */
  public List<ConsumerRecord<byte[], byte[]>> records(String topic) {
    return broker.records(topic);
  }

  /** The events of one data source, in order. */
  public List<ConsumerRecord<byte[], byte[]>> events(String id) {
    return records(EVENTS).stream().filter(r -> id.equals(text(r.key()))).toList();
  }

  /** Waits until a data source has this many events. */
  public List<ConsumerRecord<byte[], byte[]>> awaitEvents(String id, int count) {
    return await("events of " + id)
        .atMost(CALL_LIMIT)
        .pollInterval(Duration.ofMillis(100))
        .until(() -> events(id), events -> events.size() >= count);
  }

  /** The dead letter of one record, once it is there. */
  public ConsumerRecord<byte[], byte[]> awaitDeadLetter(RecordMetadata of) {
    return await("dead letter of " + of)
        .atMost(CALL_LIMIT)
        .pollInterval(Duration.ofMillis(100))
        .until(() -> deadLetters(of), found -> !found.isEmpty())
        .get(0);
  }

  /** The dead letters of a record so far. */
  public List<ConsumerRecord<byte[], byte[]>> deadLetters(RecordMetadata of) {
    return records(DEAD_LETTERS).stream()
        .filter(r -> Integer.toString(of.partition()).equals(header(r, "dlq.partition")))
        .filter(r -> Long.toString(of.offset()).equals(header(r, "dlq.offset")))
        .toList();
  }

  /** The last header of this name as text; null where there is none. */
  public static String header(ConsumerRecord<byte[], byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? null : text(header.value());
  }

  public static String text(byte[] utf8) {
    return utf8 == null ? null : new String(utf8, UTF_8);
  }

  /** Rows of the store, each column as text. */
  public List<Map<String, String>> rows(String sql) {
    List<Map<String, String>> rows = new ArrayList<>();
    try (Connection connection = store.connect(database);
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        Map<String, String> row = new LinkedHashMap<>();
        for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
          row.put(result.getMetaData().getColumnLabel(i), result.getString(i));
        }
        rows.add(row);
      }
    } catch (SQLException e) {
      throw new IllegalStateException("The test's own SQL failed: " + sql, e);
    }
    return rows;
  }

  /** The first column of the first row of the store. */
  public String value(String sql) {
    return store.queryIn(database, sql);
  }

  /**
   * @throws AssertionError when a secret shows in a log, on a topic or in the store's files
   */
  public void assertNoSecretShows() {
    processes.forEach(p -> canaries.assertNoneIn("the output", p.logged()));
    for (String topic : List.of(EVENTS, DEAD_LETTERS)) {
      for (ConsumerRecord<byte[], byte[]> record : records(topic)) {
        String where = topic + "-" + record.partition() + "-" + record.offset();
        if (record.value() != null) {
          canaries.assertNoneIn(where, record.value());
        }
        record.headers().forEach(h -> canaries.assertNoneIn(where + " " + h.key(), h.value()));
      }
    }
    store.execute("checkpoint");
    canaries.assertNoneIn(store.files());
    canaries.assertNoneIn("the broker's log", broker.log());
  }

  @Override
  public void close() {
    processes.forEach(SluiceProcess::close);
    broker.kill();
    broker.close();
    store.close();
    Scratch.delete(data);
  }
}
