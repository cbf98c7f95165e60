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
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The clients of a run, each in a thread of its own, until they are told to stop. */
final class Load {
  /** Data sources on MariaDB, then one on PostgreSQL. */
  static final List<String> DATA_SOURCES = List.of("a", "b", "c", "p");

  private static final Duration PAUSE = Duration.ofMillis(80);

  /** A client that has to know goes on asking for so long. */
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final int KEY_IN_USE = 409;
  private static final int STALE = 412;

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

  /** Ends when every client has its last answer. */
  void stop() throws ExecutionException, InterruptedException {
    stopped = true;
    for (Future<?> client : work) {
      client.get();
    }
    clients.shutdown();
    clients.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS);
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
    if (key != null) {
      headers.put("Idempotency-Key", key);
    }
    if (ifMatch != null) {
      headers.put("If-Match", "\"" + ifMatch + "\"");
    }
    if (kind == Kind.DEFERRED) {
      headers.put("Prefer", "respond-async");
    }
    HttpResponse<String> answer = ask(random, "PUT", id, account.settings(), headers);
    Outcome outcome = outcome(answer);
    JsonNode body = outcome == Outcome.OK ? tree(Stand.utf8(answer.body())) : null;
    boolean accepted = outcome == Outcome.OK && answer.statusCode() == 202;
    stand
        .history()
        .wrote(
            new Write(
                kind,
                id,
                account.name(),
                key == null ? null : "first:" + key,
                ifMatch,
                outcome,
                body == null || accepted ? null : body.path("version").asLong(),
                accepted ? updateId(answer) : null));
    return answer != null && answer.statusCode() == KEY_IN_USE ? Outcome.UNKNOWN : outcome;
  }

  private static String updateId(HttpResponse<String> answer) {
    String location = answer.headers().firstValue("Location").orElseThrow();
    return location.substring(location.lastIndexOf('/') + 1);
  }

  /** Null when there was no answer. */
  private HttpResponse<String> ask(
      Random random, String method, String id, Object body, Map<String, String> headers) {
    try {
      return stand.call(instance(random), method, "/datasources/" + id, body, headers);
    } catch (IOException | RuntimeException e) {
      // The instance is dead, starts, or is cut off: what became of the request is not known.
      return null;
    }
  }

  /** An answer of 5xx leaves open what the store has, and has to say when to ask again. */
  private static Outcome outcome(HttpResponse<String> answer) {
    if (answer == null || answer.statusCode() == KEY_IN_USE) {
      return Outcome.UNKNOWN;
    }
    if (answer.statusCode() >= 500) {
      boolean again = answer.headers().firstValue("Retry-After").isPresent();
      return again && answer.statusCode() == 503 ? Outcome.UNKNOWN : Outcome.FAULT;
    }
    if (answer.statusCode() == STALE) {
      return Outcome.STALE;
    }
    return answer.statusCode() < 300 ? Outcome.OK : Outcome.FAIL;
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
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (send(random, kind, id, account, key, null) == Outcome.UNKNOWN
        && System.nanoTime() < end) {
      rest();
    }
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
    HttpResponse<String> answer = ask(random, "PUT", id, settings, Map.of());
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

  private void read(Random random) {
    for (int i = 0; i < 4; i++) {
      readVersion(random, any(random));
    }
  }

  /** Null when there was no answer. */
  private Long readVersion(Random random, String id) {
    long floor = stand.history().floor(id);
    HttpResponse<String> answer = ask(random, "GET", id, null, Map.of());
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
