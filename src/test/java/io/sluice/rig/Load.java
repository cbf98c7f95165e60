package io.sluice.rig;

import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.tree;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.rig.History.Kind;
import io.sluice.rig.History.Outcome;
import io.sluice.rig.History.Read;
import io.sluice.rig.History.Write;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The clients of a run, each in a thread of its own, until they are told to stop. */
final class Load {
  /** Data sources on MariaDB, then one on PostgreSQL. */
  static final List<String> DATA_SOURCES = List.of("a", "b", "c", "p");

  private static final List<String> ON_MARIADB = DATA_SOURCES.subList(0, 3);

  /** A data source that comes and goes. */
  private static final String TRANSIENT = "t";

  private static final Duration PAUSE = Duration.ofMillis(80);

  /** A client that has to know goes on asking for so long. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final int CONFLICT = 409;
  private static final int STALE = 412;
  private static final int NOT_FOUND = 404;
  private static final int NOBODY_LISTENS = 1;

  private final Stand stand;
  private final long seed;
  private final AtomicInteger numbers = new AtomicInteger();
  private final ExecutorService clients = Executors.newCachedThreadPool();
  private final List<Future<?>> work = new ArrayList<>();
  private volatile boolean stopped;

  /** One client: what it does once, with its own source of randomness. */
  private interface Client {
    void once(Random random);
  }

  Load(Stand stand, long seed) {
    this.stand = stand;
    this.seed = seed;
  }

  void start() {
    for (String id : DATA_SOURCES) {
      stand.create(id, account(id, 0));
    }
    run(random -> put(random, Kind.PUT, null, null));
    run(random -> keyed(random, Kind.KEYED));
    run(random -> keyed(random, Kind.ABANDONED));
    run(this::conditional);
    run(this::conditional);
    run(this::deferred);
    run(this::refused);
    run(random -> seldom(random, this::rollBack));
    run(random -> seldom(random, this::bulk));
    run(random -> seldom(random, this::hold));
    run(this::comeAndGo);
    run(this::read);
    work.add(clients.submit(this::records));
  }

  private void run(Client client) {
    Random random = new Random(seed + work.size());
    work.add(
        clients.submit(
            () -> {
              while (!stopped) {
                client.once(random);
                rest();
              }
            }));
  }

  /** What costs more than one update, and may not fill the queues. */
  private static void seldom(Random random, Client client) {
    if (random.nextInt(6) == 0) {
      client.once(random);
    }
  }

  /** Ends when every client has its last answer, and no change waits for its database any more. */
  void stop() throws ExecutionException, InterruptedException {
    stopped = true;
    for (Future<?> client : work) {
      client.get();
    }
    clients.shutdown();
    clients.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    DATA_SOURCES.forEach(stand::withdraw);
  }

  private static void rest() {
    LockSupport.parkNanos(PAUSE.toNanos());
  }

  private Account account(String dataSource, int number) {
    List<Account> accounts =
        dataSource.equals("p")
            ? stand.plant().postgresqlAccounts()
            : stand.plant().mariadbAccounts();
    return accounts.get(number % accounts.size());
  }

  private static String any(Random random) {
    return DATA_SOURCES.get(random.nextInt(DATA_SOURCES.size()));
  }

  private SluiceProcess instance(Random random) {
    return stand.instances().get(random.nextInt(stand.instances().size()));
  }

  /** One change, sent once. The answer is its outcome. */
  private Outcome put(Random random, Kind kind, String key, Long ifMatch) {
    String id = any(random);
    return send(random, kind, id, account(id, random.nextInt(100)), key, ifMatch);
  }

  private Outcome send(
      Random random, Kind kind, String id, Account account, String key, Long ifMatch) {
    Map<String, String> headers = new LinkedHashMap<>();
    if (ifMatch != null) {
      headers.put("If-Match", "\"" + ifMatch + "\"");
    }
    if (kind == Kind.DEFERRED) {
      headers.put("Prefer", "respond-async");
    }
    Request request = new Request("PUT", "/" + id, account.settings(), headers);
    return send(random, kind, id, account.name(), key, ifMatch, request);
  }

  /** What is sent to any instance, below the data sources' path. */
  private record Request(String method, String path, Object body, Map<String, String> headers) {}

  private Outcome send(
      Random random, Kind kind, String id, String mark, String key, Long ifMatch, Request request) {
    HttpResponse<String> answer = ask(random, request, key);
    Outcome outcome = outcome(answer);
    JsonNode body = outcome == Outcome.OK ? tree(Stand.utf8(answer.body())) : null;
    boolean accepted = outcome == Outcome.OK && answer.statusCode() == 202;
    stand
        .history()
        .wrote(
            new Write(
                kind,
                id,
                mark,
                key == null ? null : "first:" + key,
                ifMatch,
                outcome,
                body == null || accepted ? null : body.path("version").asLong(),
                accepted ? updateId(answer) : null));
    return outcome;
  }

  private static String updateId(HttpResponse<String> answer) {
    String location = answer.headers().firstValue("Location").orElseThrow();
    return location.substring(location.lastIndexOf('/') + 1);
  }

  /** Null when there was no answer. */
  private HttpResponse<String> ask(Random random, Request request, String key) {
    Map<String, String> headers = new LinkedHashMap<>(request.headers());
    if (key != null) {
      headers.put("Idempotency-Key", key);
    }
    try {
      return stand.call(
          instance(random),
          request.method(),
          "/datasources" + request.path(),
          request.body(),
          headers);
    } catch (IOException | RuntimeException e) {
      // The instance is dead, starts, or is cut off: what became of the request is not known.
      return null;
    }
  }

  /** An answer of 5xx leaves open what the store has, and has to say when to ask again. */
  static Outcome outcome(HttpResponse<?> answer) {
    if (answer == null) {
      return Outcome.UNKNOWN;
    }
    int status = answer.statusCode();
    if (status >= 500) {
      boolean again = answer.headers().firstValue("Retry-After").isPresent();
      return again && status == 503 ? Outcome.UNKNOWN : Outcome.FAULT;
    }
    if (status == CONFLICT && reason(answer).equals("UPDATE_IN_PROGRESS")) {
      return Outcome.UNKNOWN;
    }
    if (status == STALE) {
      return Outcome.STALE;
    }
    return status < 300 ? Outcome.OK : Outcome.FAIL;
  }

  private static String reason(HttpResponse<?> answer) {
    return tree(Stand.utf8(answer.body().toString())).path("reason").asText();
  }

  private void keyed(Random random, Kind kind) {
    String key = "k-" + numbers.incrementAndGet();
    String id = any(random);
    Account account = account(id, random.nextInt(100));
    if (kind == Kind.ABANDONED) {
      send(random, kind, id, account, key, null);
      return;
    }
    if (random.nextInt(4) == 0) {
      // The same request at the same time, as an impatient proxy sends it.
      long seed = random.nextLong();
      clients.execute(() -> send(new Random(seed), kind, id, account, key, null));
    }
    repeat(random, kind, id, account, key);
  }

  private void repeat(Random random, Kind kind, String id, Account account, String key) {
    untilKnown(() -> send(random, kind, id, account, key, null));
  }

  private static Outcome untilKnown(Supplier<Outcome> request) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    Outcome outcome = request.get();
    while (outcome == Outcome.UNKNOWN && System.nanoTime() < end) {
      rest();
      outcome = request.get();
    }
    return outcome;
  }

  private void deferred(Random random) {
    String id = any(random);
    repeat(
        random,
        Kind.DEFERRED,
        id,
        account(id, random.nextInt(100)),
        "d-" + numbers.incrementAndGet());
  }

  /** Two clients do this to few data sources, so that they often get in each other's way. */
  private void conditional(Random random) {
    String id = any(random);
    Long version = readVersion(random, id);
    if (version != null) {
      send(random, Kind.CONDITIONAL, id, account(id, random.nextInt(100)), null, version);
    }
  }

  private void refused(Random random) {
    String id = any(random);
    if (random.nextInt(8) == 0) {
      refuse(random, Kind.MUTE, id, stand.plant().muteSettings());
    } else {
      Map<String, Object> settings = account(id, 0).settings();
      settings.put("username", Account.NEVER + random.nextInt());
      settings.put("database", Account.NEVER);
      refuse(random, Kind.WRONG, id, settings);
    }
  }

  private void refuse(Random random, Kind kind, String id, Map<String, Object> settings) {
    Request request = new Request("PUT", "/" + id, settings, Map.of());
    HttpResponse<String> answer = ask(random, request, null);
    JsonNode body = outcome(answer) == Outcome.OK ? tree(Stand.utf8(answer.body())) : null;
    stand
        .history()
        .wrote(
            new Write(
                kind,
                id,
                Account.NEVER,
                null,
                null,
                outcome(answer),
                body == null ? null : body.path("version").asLong(),
                null));
  }

  private void rollBack(Random random) {
    String id = any(random);
    Read former = stand.history().any(id, random);
    if (former != null) {
      rollBack(random, Kind.ROLLBACK, id, former.version(), former.username());
    }
  }

  private void rollBack(Random random, Kind kind, String id, long version, String mark) {
    String key = "v-" + numbers.incrementAndGet();
    Request request =
        new Request("POST", "/" + id + "/rollback", Map.of("version", version), Map.of());
    untilKnown(() -> send(random, kind, id, mark, key, null, request));
  }

  private void bulk(Random random) {
    Account account = account(ON_MARIADB.get(0), random.nextInt(100));
    Request request =
        new Request(
            "POST", "/bulk", Map.of("ids", ON_MARIADB, "patch", account.settings()), Map.of());
    String key = "b-" + numbers.incrementAndGet();
    untilKnown(() -> sendBulk(random, account, key, request));
  }

  /** Each item is a write of its own; unknown as long as one is. */
  private Outcome sendBulk(Random random, Account account, String key, Request request) {
    HttpResponse<String> answer = ask(random, request, key);
    Outcome whole = outcome(answer);
    JsonNode items = whole == Outcome.OK ? tree(Stand.utf8(answer.body())).path("items") : null;
    for (int i = 0; i < ON_MARIADB.size(); i++) {
      JsonNode item = items == null ? null : items.get(i);
      String updateId = item == null ? null : item.path("update_id").asText(null);
      Outcome outcome = whole;
      if (item != null && updateId == null) {
        outcome =
            item.path("reason").asText().equals("STORE_UNAVAILABLE")
                ? Outcome.UNKNOWN
                : Outcome.FAIL;
        whole = Outcome.UNKNOWN;
      }
      String id = ON_MARIADB.get(i);
      stand
          .history()
          .wrote(
              new Write(
                  Kind.BULK,
                  id,
                  account.name(),
                  "first:" + key + "/" + id,
                  null,
                  outcome,
                  null,
                  updateId));
    }
    return whole;
  }

  /** Another version takes the place of the change before anything listens on its port. */
  private void hold(Random random) {
    String id = any(random);
    Map<String, Object> settings = account(id, 0).settings();
    settings.put("username", Account.NEVER);
    settings.put("database", Account.NEVER);
    settings.put("port", NOBODY_LISTENS);
    Request request = new Request("PUT", "/" + id + "?onUnreachable=pending", settings, Map.of());
    String key = "h-" + numbers.incrementAndGet();
    untilKnown(() -> send(random, Kind.HELD, id, Account.NEVER, key, null, request));
  }

  /** Makes the data source that comes and goes, changes it, and deletes it. */
  private void comeAndGo(Random random) {
    Account account = account(TRANSIENT, random.nextInt(100));
    Map<String, Object> settings = account.settings();
    settings.put("id", TRANSIENT);
    String key = "c-" + numbers.incrementAndGet();
    Request create = new Request("POST", "", settings, Map.of());
    untilKnown(() -> send(random, Kind.CREATED, TRANSIENT, account.name(), key, null, create));
    Long version = readVersion(random, TRANSIENT);
    if (version != null && version > 1) {
      rollBack(random, Kind.RISEN, TRANSIENT, 1, Account.NEVER);
    }
    send(random, Kind.PUT, TRANSIENT, account(TRANSIENT, random.nextInt(100)), null, null);
    untilKnown(() -> delete(random));
    readVersion(random, TRANSIENT);
  }

  private Outcome delete(Random random) {
    long told = stand.history().told(TRANSIENT);
    HttpResponse<String> answer =
        ask(random, new Request("DELETE", "/" + TRANSIENT, null, Map.of()), null);
    Outcome outcome = outcome(answer);
    if (outcome == Outcome.OK || (answer != null && answer.statusCode() == NOT_FOUND)) {
      stand.history().deleted(TRANSIENT, told);
    }
    stand
        .history()
        .wrote(new Write(Kind.DELETED, TRANSIENT, null, null, null, outcome, null, null));
    return outcome;
  }

  private void read(Random random) {
    for (int i = 0; i < 4; i++) {
      readVersion(random, any(random));
    }
    readVersion(random, TRANSIENT);
  }

  /** Null when there was no answer. */
  private Long readVersion(Random random, String id) {
    long floor = stand.history().floor(id);
    HttpResponse<String> answer = ask(random, new Request("GET", "/" + id, null, Map.of()), null);
    if (outcome(answer) != Outcome.OK) {
      stand.history().count(Kind.READ, outcome(answer));
      return null;
    }
    JsonNode body = tree(Stand.utf8(answer.body()));
    long version = body.path("version").asLong();
    stand
        .history()
        .read(
            new Read(
                id,
                floor,
                version,
                body.path("username").asText(),
                body.path("database").asText(),
                body.path("secrets").path("password").path("fingerprint").asText()));
    return version;
  }

  private void records() {
    Random random = new Random(seed + work.size());
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                stand.plant().broker().bootstrap(),
                "acks",
                "all",
                "linger.ms",
                "0",
                "max.block.ms",
                "15000",
                "delivery.timeout.ms",
                "30000",
                "request.timeout.ms",
                "5000"),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      while (!stopped) {
        String id = any(random);
        String key = "r" + numbers.incrementAndGet();
        boolean poison = random.nextInt(8) == 0;
        Account account = account(id, random.nextInt(100));
        byte[] value = poison ? Stand.utf8("{") : json(account.settings());
        ProducerRecord<byte[], byte[]> record =
            new ProducerRecord<>(stand.updates(), Stand.utf8(id), value);
        record.headers().add("idempotency-key", Stand.utf8(key));
        produce(
            producer,
            record,
            poison ? Kind.POISON : Kind.RECORD,
            id,
            account.name(),
            id + "/" + key);
        if (random.nextInt(5) == 0) {
          produce(producer, record, Kind.REPEATED, id, account.name(), id + "/" + key);
        }
        rest();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void produce(
      KafkaProducer<byte[], byte[]> producer,
      ProducerRecord<byte[], byte[]> record,
      Kind kind,
      String id,
      String mark,
      String identity)
      throws InterruptedException {
    Outcome outcome = Outcome.OK;
    try {
      producer.send(record).get();
    } catch (ExecutionException e) {
      outcome = Outcome.UNKNOWN;
    }
    stand.history().wrote(new Write(kind, id, mark, identity, null, outcome, null, null));
  }
}
