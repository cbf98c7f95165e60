package io.sluice.rig;

import static io.sluice.servers.Installation.header;
import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.text;
import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.contract.ContractFile;
import io.sluice.contract.DocumentedAnswers;
import io.sluice.model.Secret;
import io.sluice.rig.Evidence.Event;
import io.sluice.rig.Evidence.Receipt;
import io.sluice.rig.Evidence.Version;
import io.sluice.rig.Evidence.Vitals;
import io.sluice.rig.History.Kind;
import io.sluice.rig.History.Outcome;
import io.sluice.rig.History.Write;
import io.sluice.secrets.Vault;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SluiceCommand;
import io.sluice.servers.SluiceProcess;
import io.sluice.servers.ToxicProxy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;

/** One run on the plant: a database and topics of its own, and instances of the product. */
final class Stand implements AutoCloseable {
  /** Events that a publisher sends before it says so. */
  static final int BATCH = 20;

  private static final int PARTITIONS = 4;
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final Duration CALL_LIMIT = Duration.ofSeconds(15);

  /** Everything gets its end by then, on a slow machine too. */
  private static final Duration DRAIN_LIMIT = Duration.ofMinutes(4);

  private final Plant plant;
  private final Duration test;
  private final String database;
  private final Secret token;
  private final HttpClient http = HttpClient.newHttpClient();
  private final Path data;
  private final String updates;
  private final String events;
  private final String deadLetters;
  private final List<SluiceProcess> instances = new ArrayList<>();
  private final History history = new History();
  private final Listener listener = new Listener(this);
  private Vitals before = new Vitals(0, 0, 0, 0);

  /**
   * @param test how long a connection test may take
   * @param alteration what is done to each instance before its first start
   */
  Stand(Plant plant, int count, Duration test, Consumer<SluiceProcess> alteration) {
    this(plant, count, test, setup -> {}, alteration);
  }

  /**
   * @param test how long a connection test may take
   * @param more what each instance is told beside the rig's own settings
   * @param alteration what is done to each instance before its first start
   */
  Stand(
      Plant plant,
      int count,
      Duration test,
      Consumer<SluiceProcess.Setup> more,
      Consumer<SluiceProcess> alteration) {
    this.plant = plant;
    this.test = test;
    this.database = plant.store().createDatabase();
    this.token = plant.canaries().secret("token");
    String name = UUID.randomUUID().toString();
    this.updates = name + ".updates";
    this.events = name + ".events";
    this.deadLetters = name + ".dead";
    plant.heal();
    plant.broker().createTopic(updates, PARTITIONS);
    plant.broker().createTopic(events, PARTITIONS);
    plant.broker().createTopic(deadLetters, 1);
    try {
      data = Files.createTempDirectory("sluice-rig-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    makeClock();
    for (int i = 0; i < count; i++) {
      SluiceProcess instance = instance(i, more);
      alteration.accept(instance);
      instances.add(instance);
    }
  }

  /**
   * The store's clock as the product's statements see it can jump: a function {@code now()} stands
   * before the built-in one.
   */
  private void makeClock() {
    execute("create schema rig");
    execute("create table rig.clock (ahead interval not null)");
    execute("insert into rig.clock values ('0')");
    execute(
        "create function rig.now() returns timestamptz language sql stable as"
            + " 'select pg_catalog.now() + (select ahead from rig.clock)'");
    execute("alter database " + database + " set search_path = public, rig, pg_catalog");
  }

  /** Sets the store's clock off by so much. */
  void clock(Duration ahead) {
    execute("update rig.clock set ahead = '" + ahead.toMillis() + " milliseconds'");
  }

  /** From now on secrets are sealed with another key, by every instance that has met it. */
  void rotateKeys() {
    Vault.open(data.resolve("keyset.json"), false).rotate();
  }

  /** Removes the keys from before the last rotation, which nothing in the store may need by now. */
  void retireKeys() {
    Map<String, String> settings =
        Map.of(
            "STORE_URL",
            plant.store().jdbcUrl(database),
            "STORE_USER",
            PostgresServer.SUPERUSER,
            "STORE_PASSWORD",
            plant.store().superuserPassword(),
            "SLUICE_KEYSET_POLL",
            "1s");
    await("nothing to need an older key")
        .atMost(PATIENCE)
        .untilAsserted(
            () -> {
              SluiceCommand retired =
                  SluiceCommand.run(settings, "retire", data.resolve("keyset.json").toString());
              assertThat(retired.exit()).as(retired.said()).isZero();
            });
  }

  /**
   * Tests what is stored, and makes its first version live once more, with what is sealed there.
   */
  void open(String id) {
    Map<String, Object> first = Map.of("version", 1);
    String path = "/datasources/" + id;
    await("the stored connection to pass")
        .atMost(PATIENCE)
        .until(
            () ->
                call(instances.get(0), "POST", path + "/test", null, Map.of()).statusCode() == 200);
    await("the first version to pass")
        .atMost(PATIENCE)
        .until(
            () ->
                call(instances.get(0), "POST", path + "/rollback", first, Map.of()).statusCode()
                    == 200);
  }

  private SluiceProcess instance(int index, Consumer<SluiceProcess.Setup> more) {
    ToxicProxy store = plant.storeWay(index);
    ToxicProxy broker = plant.brokerWay(index);
    SluiceProcess.Setup setup =
        SluiceProcess.setup()
            .store(plant.store(), database)
            .setting(
                "STORE_URL",
                "jdbc:postgresql://" + store.host() + ":" + store.port() + "/" + database)
            .setting("KAFKA_BROKERS", broker.host() + ":" + broker.port())
            .setting("SLUICE_KAFKA_UPDATES_TOPIC", updates)
            .setting("SLUICE_KAFKA_EVENTS_TOPIC", events)
            .setting("SLUICE_KAFKA_DEAD_LETTER_TOPIC", deadLetters)
            .setting("SLUICE_KAFKA_GROUP", updates)
            .setting("SLUICE_DATA", data.toString())
            .setting("SLUICE_TOKEN", token.reveal())
            .setting("SLUICE_KEYSET_POLL", "1s")
            .setting("SLUICE_HTTP_WORKERS", "24")
            .setting("SLUICE_PROBE_MAX_TESTS_PER_TARGET", "16")
            .setting("SLUICE_MONITOR_PENDING_RETRY", "1s")
            .setting("SLUICE_INBOX_LEASE", lease().toSeconds() + "s")
            .setting("SLUICE_OUTBOX_LEASE", "2s")
            .setting("SLUICE_OUTBOX_BATCH", Integer.toString(BATCH));
    for (String limit : List.of("TCP", "SSH", "TLS", "LOGIN", "QUERY", "TOTAL")) {
      setup.setting("SLUICE_PROBE_" + limit, test.toSeconds() + "s");
    }
    more.accept(setup);
    return setup.prepared();
  }

  /** The first instance makes what they share; the others start side by side. */
  void start() {
    instances.get(0).start();
    CompletableFuture.allOf(
            instances.stream()
                .skip(1)
                .map(instance -> CompletableFuture.runAsync(instance::start))
                .toArray(CompletableFuture[]::new))
        .join();
    listener.start();
  }

  /** For so long an instance owns what it took. */
  Duration lease() {
    return test.plusSeconds(1);
  }

  Plant plant() {
    return plant;
  }

  History history() {
    return history;
  }

  List<SluiceProcess> instances() {
    return instances;
  }

  String updates() {
    return updates;
  }

  /** How many records the group has done with. */
  long committed() throws Exception {
    try (Admin admin = plant.broker().admin()) {
      return admin
          .listConsumerGroupOffsets(updates)
          .partitionsToOffsetAndMetadata()
          .get()
          .values()
          .stream()
          .mapToLong(OffsetAndMetadata::offset)
          .sum();
    }
  }

  /** A data source with these settings; a machine with other work may need more than one test. */
  void create(String id, Account account) {
    Map<String, Object> body = new LinkedHashMap<>(account.settings());
    body.put("id", id);
    await("the data source to be created")
        .atMost(PATIENCE)
        .until(
            () ->
                call(instances.get(0), "POST", "/datasources", body, Map.of()).statusCode() == 201);
    history.wrote(new Write(Kind.PUT, id, account.name(), null, null, Outcome.OK, 1L, null));
  }

  /**
   * A call to one instance.
   *
   * @throws IOException when the connection ends before the answer
   * @throws RuntimeException when the instance has no address now
   */
  HttpResponse<String> call(
      SluiceProcess instance, String method, String path, Object body, Map<String, String> headers)
      throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(instance.api() + path))
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
    headers.forEach(request::header);
    try {
      return DocumentedAnswers.check(
          http.send(request.build(), HttpResponse.BodyHandlers.ofString()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while a call was made.", e);
    }
  }

  /**
   * A stream of events, from a position or from now on.
   *
   * @throws IOException when the connection ends before the answer
   * @throws RuntimeException when the instance has no address now
   */
  HttpResponse<Stream<String>> follow(SluiceProcess instance, String position) throws IOException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(instance.api() + "/events"))
            .timeout(CALL_LIMIT)
            .header("Authorization", "Bearer " + token.reveal());
    if (position != null) {
      request.header("Last-Event-ID", position);
    }
    try {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofLines());
    } catch (InterruptedException e) {
      throw new IOException("The run is over.", e);
    }
  }

  /** Withdraws the change that waits for its database, if one does. */
  void withdraw(String id) {
    await("the pending change to be withdrawn")
        .atMost(PATIENCE)
        .until(
            () -> {
              int status =
                  call(
                          instances.get(0),
                          "DELETE",
                          "/datasources/" + id + "/pending",
                          null,
                          Map.of())
                      .statusCode();
              return status == 204 || status == 404;
            });
  }

  /** Waits until all that was accepted has ended, was announced and came to who follows it. */
  void drain() {
    List<String> produced =
        history.writes().stream()
            .filter(w -> w.kind() == Kind.RECORD || w.kind() == Kind.POISON)
            .filter(w -> w.outcome() == Outcome.OK)
            .map(Write::identity)
            .toList();
    try {
      await("all updates to end and be announced")
          .atMost(DRAIN_LIMIT)
          .pollInterval(Duration.ofMillis(200))
          .until(
              () ->
                  // In this order: what has come in is at work then, and what has ended is told.
                  count("updates where identity in ('" + String.join("','", produced) + "')")
                          >= produced.size()
                      && count("updates where state in ('pending', 'running', 'held')") == 0
                      && count("outbox where published_at is null") == 0
                      && count("outbox where topic = '" + events + "'") <= listener.told().size());
    } catch (RuntimeException e) {
      // What is still at work shows in the evidence, where a rule names it.
      System.out.println(
          "not drained: "
              + value(
                  "select json_agg(w) from (select state, data_source_id, count(*),"
                      + " max(attempts) as attempts, max(fence) as fences,"
                      + " max(lease_until) - rig.now() as lease, rig.now() - min(received_at) as age"
                      + " from updates where state in ('pending', 'running', 'held') group by 1, 2) w")
              + ", unpublished "
              + value("select count(*) from outbox where published_at is null"));
    }
  }

  /** Notes what this instance holds before anything goes wrong. */
  void remember(SluiceProcess survivor) {
    before = vitals(survivor);
  }

  /** What this instance holds, once that is as little as before, or when there is no hope. */
  Vitals settled(SluiceProcess survivor) {
    try {
      await("the survivor to let go")
          .atMost(Duration.ofSeconds(40))
          .pollInterval(Duration.ofMillis(500))
          .until(() -> vitals(survivor).within(before));
    } catch (RuntimeException e) {
      System.out.println("not settled: " + threads(survivor));
    }
    return vitals(survivor);
  }

  private Vitals vitals(SluiceProcess instance) {
    Path process = Path.of("/proc", Long.toString(instance.handle().pid()));
    Set<String> sockets = new HashSet<>();
    int files = 0;
    try (Stream<Path> threads = Files.list(process.resolve("task"));
        Stream<Path> open = Files.list(process.resolve("fd"))) {
      for (Path entry : open.toList()) {
        String what = leadsTo(entry);
        if (what.startsWith("socket:")) {
          sockets.add(what.replaceAll("\\D", ""));
        } else if (!what.isEmpty()) {
          files++;
        }
      }
      int targets = 0;
      for (String table : List.of("net/tcp", "net/tcp6")) {
        targets += toTargets(Files.readAllLines(process.resolve(table)), sockets);
      }
      return new Vitals((int) threads.count(), sockets.size(), files, targets);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where a descriptor leads; empty when it was closed before it was looked at. */
  private static String leadsTo(Path descriptor) throws IOException {
    try {
      return Files.readSymbolicLink(descriptor).toString();
    } catch (NoSuchFileException e) {
      return "";
    }
  }

  /**
   * @param table what proc(5) describes as {@code /proc/net/tcp}: the third column is the other
   *     end, its port in hexadecimal, the tenth the inode
   */
  private int toTargets(List<String> table, Set<String> inodes) {
    Set<Integer> ports = plant.targetWays().stream().map(ToxicProxy::port).collect(toSet());
    return (int)
        table.stream()
            .skip(1)
            .map(line -> line.strip().split("\\s+"))
            .filter(columns -> inodes.contains(columns[9]))
            .filter(
                columns ->
                    ports.contains(
                        Integer.parseInt(columns[2].substring(columns[2].indexOf(':') + 1), 16)))
            .count();
  }

  /** How many threads there are of each name, which the kernel cuts at 15 characters. */
  static Map<String, Integer> threads(SluiceProcess instance) {
    Map<String, Integer> names = new TreeMap<>();
    try (Stream<Path> threads =
        Files.list(Path.of("/proc", Long.toString(instance.handle().pid()), "task"))) {
      for (Path thread : threads.toList()) {
        names.merge(
            Files.readString(thread.resolve("comm")).strip().replaceAll("\\d+", "#"),
            1,
            Integer::sum);
      }
    } catch (IOException e) {
      // One of them ended meanwhile.
    }
    return names;
  }

  /**
   * All that is known now.
   *
   * @param faults how many may have made a publisher repeat a batch
   */
  Evidence evidence(int faults, Vitals after) {
    List<ConsumerRecord<byte[], byte[]>> delivered = plant.broker().records(events);
    return new Evidence(
        history.writes(),
        history.reads(),
        rows(
            "select id, data_source_id, intake, identity, case when state = 'applied' and report is"
                + " null then 'deleted' else state end, version, origin->>'topic' || '-'"
                + " || (origin->>'partition') || '-' || (origin->>'offset') from updates",
            r ->
                new Receipt(
                    r.getString(1),
                    r.getString(2),
                    r.getString(3),
                    r.getString(4),
                    r.getString(5),
                    r.getObject(6, Long.class),
                    r.getString(7))),
        rows(
            "select id, version, settings->>'username', update_id from data_source_versions",
            Stand::version),
        rows(
            "select d.id, d.version, d.settings->>'username', v.update_id from data_sources d left"
                + " join data_source_versions v using (workspace_id, id, version)",
            Stand::version),
        rows("select event_id from outbox order by seq", r -> r.getString(1)),
        delivered.stream().map(Stand::event).toList(),
        delivered.stream()
            .flatMap(
                r -> ContractFile.objectionsOf(ContractFile.EVENT_DATA, tree(r.value())).stream())
            .distinct()
            .toList(),
        listener.told(),
        rows(
            "select v.id, v.version from data_source_versions v where v.secrets <> '{}' and exists"
                + " (select from updates u where u.data_source_id = v.id and u.state = 'applied' and"
                + " u.report is null and u.version >= v.version)",
            r -> r.getString(1) + " " + r.getLong(2)),
        plant.broker().records(deadLetters).stream()
            .map(
                r ->
                    header(r, "dlq.topic")
                        + "-"
                        + header(r, "dlq.partition")
                        + "-"
                        + header(r, "dlq.offset"))
            .distinct()
            .toList(),
        (long) faults * BATCH,
        before,
        after);
  }

  private static Version version(ResultSet row) throws SQLException {
    return new Version(row.getString(1), row.getLong(2), row.getString(3), row.getString(4));
  }

  private static Event event(ConsumerRecord<byte[], byte[]> record) {
    String type = header(record, "ce_type");
    boolean live = type.endsWith(".created") || type.endsWith(".updated");
    return new Event(
        header(record, "ce_id"),
        text(record.key()),
        live ? tree(record.value()).path("version").asLong() : null,
        record.headers() + Base64.getEncoder().encodeToString(record.value()));
  }

  /** What one row of a result means. */
  private interface Reading<T> {
    T of(ResultSet row) throws SQLException;
  }

  private <T> List<T> rows(String sql, Reading<T> reading) {
    List<T> rows = new ArrayList<>();
    try (Connection connection = plant.store().connect(database);
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) {
        rows.add(reading.of(result));
      }
    } catch (SQLException e) {
      throw new IllegalStateException("The rig's own SQL failed: " + sql, e);
    }
    return rows;
  }

  /** The first column of the first row of the store. */
  String value(String sql) {
    return plant.store().queryIn(database, sql);
  }

  private int count(String rows) {
    return Integer.parseInt(value("select count(*) from " + rows));
  }

  private void execute(String sql) {
    plant.store().executeIn(database, sql);
  }

  /**
   * @throws AssertionError when a secret shows in an output, on a topic or in the store's files
   */
  void assertNoSecretShows() {
    instances.forEach(i -> plant.canaries().assertNoneIn("the output", i.logged()));
    for (String topic : List.of(events, deadLetters)) {
      for (ConsumerRecord<byte[], byte[]> record : plant.broker().records(topic)) {
        String where = topic + "-" + record.partition() + "-" + record.offset();
        plant.canaries().assertNoneIn(where, record.value());
        record
            .headers()
            .forEach(h -> plant.canaries().assertNoneIn(where + " " + h.key(), h.value()));
      }
    }
    plant.store().execute("checkpoint");
    plant.canaries().assertNoneIn(plant.store().files());
  }

  static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }

  @Override
  public void close() {
    listener.close();
    instances.forEach(SluiceProcess::kill);
    instances.forEach(SluiceProcess::close);
    plant.heal();
    try (Stream<Path> files = Files.walk(data)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
