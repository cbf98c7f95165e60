package io.sluice.accept;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.apply.Gate;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.decode.Encoded;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.probe.Prober;
import io.sluice.publish.DeadLetters;
import io.sluice.publish.DeadLetters.Letter;
import io.sluice.secrets.Vault;
import io.sluice.store.Bell;
import io.sluice.store.Places;
import io.sluice.store.Statement;
import io.sluice.store.StoreFailure;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.apache.camel.Body;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code routes/13-work-inbox}: accepted updates are taken under a lease, go through
 * the same gate as all others, and end as applied, failed or dead, each exactly once.
 */
public final class Inbox {
  private static final Logger LOG = LoggerFactory.getLogger(Inbox.class);

  /** Whether a queued update is to be kept where its database is away. */
  static final String HOLD = "hold";

  private static final String TICKET = "ticket";
  private static final String RELEASED = "released";
  private static final String SINCE = "since";

  /** After so many attempts that a crash or a fault of this service cut short, an update fails. */
  private static final int MAX_ATTEMPTS = 5;

  /**
   * Where all workers are busy, one that has been at a data source for as long lets go of it, and
   * others have their turn.
   */
  private static final Duration LONGEST_TURN = Duration.ofMillis(100);

  /**
   * Where updates wait for those before them, so long after the last poll's records the next are
   * taken: what comes meanwhile is stored by one commit, and those at work wait for fewer.
   */
  private static final Duration LINGER = Duration.ofMillis(40);

  private final Vault vault;
  private final Gate gate;
  private final DeadLetters deadLetters;
  private final ObjectMapper json;
  private final Places workers;
  private final Bell bell = new Bell();
  private final Duration poll;
  private final Duration lease;

  /** Leases that this instance gave up on while the store was away, and since when. */
  private final Map<String, Long> returned = new ConcurrentHashMap<>();

  private final Pauses pauses = new Pauses();

  /** When a worker last went on with the next update of its data source. */
  private volatile long wentOn = System.nanoTime() - LONGEST_TURN.toNanos();

  /** When the last poll's records were stored; of the consumer's thread. */
  private long stored = System.nanoTime();

  /** The data source that was served last: the next claim begins behind it. */
  private volatile Turn turn = new Turn("", "");

  private record Turn(String workspace, String dataSource) {}

  /**
   * One claimed update.
   *
   * @param since when its worker began with this data source
   * @param busy whether it counts as one that a worker is at
   * @param stays whether its worker is to go on with the next update of the data source
   * @param nextBegun when the store was asked for the lease of that one
   */
  record Ticket(
      Submission submission,
      JsonNode origin,
      int attempts,
      long since,
      AtomicBoolean busy,
      AtomicBoolean stays,
      AtomicLong nextBegun) {

    Ticket(Submission submission, JsonNode origin, int attempts, long since) {
      this(
          submission,
          origin,
          attempts,
          since,
          new AtomicBoolean(true),
          new AtomicBoolean(false),
          new AtomicLong());
    }
  }

  /**
   * @param workers updates at work at once, beside those whose targets keep them waiting; no more
   *     than that are claimed
   * @param poll how often the queue is looked at when nothing points there
   * @param lease for so long a claimed update is this instance's
   */
  public Inbox(
      Vault vault,
      Gate gate,
      DeadLetters deadLetters,
      ObjectMapper json,
      int workers,
      Duration poll,
      Duration lease) {
    this.vault = vault;
    this.gate = gate;
    this.deadLetters = deadLetters;
    this.json = json;
    this.workers = new Places(workers, "Accepted updates");
    this.poll = poll;
    this.lease = lease;
  }

  /** Something was put into the queue, or what waits behind a finished update can be worked. */
  public void ring() {
    bell.ring();
  }

  /** The records of a poll are stored: when to ask for more. */
  public void linger() throws InterruptedException {
    if (System.nanoTime() - wentOn < LONGEST_TURN.toNanos()) {
      TimeUnit.NANOSECONDS.sleep(LINGER.toNanos() - (System.nanoTime() - stored));
    }
    stored = System.nanoTime();
  }

  /**
   * Whether to look into the queue: first when somebody rings, at the latest after the poll's time;
   * then for as long as the last claim found something.
   */
  public boolean more(Exchange exchange) throws InterruptedException {
    if (Places.first(exchange)) {
      bell.await(poll, exchange.getContext());
    }
    return Places.more(exchange);
  }

  /** As many as workers are idle; waits a little for the first of them. */
  public Statement claim(Exchange exchange) throws InterruptedException {
    int wanted = workers.take(exchange);
    long now = System.nanoTime();
    exchange.setProperty(Gate.BEGUN, now);
    returned.values().removeIf(since -> now - since > lease.toNanos());
    pauses.forget(now, lease);
    Turn last = turn;
    return Statement.named("claim-updates")
        .with("afterWorkspace", last.workspace())
        .with("afterDataSource", last.dataSource())
        .with("limit", wanted)
        .with("lease", lease.toMillis())
        .with("returned", String.join(",", returned.keySet()))
        .with("called", String.join(",", pauses.called()));
  }

  /** What was claimed, oldest first. */
  public List<Map<String, Object>> claimed(
      @Body List<Map<String, Object>> rows, Exchange exchange) {
    workers.claimed(rows, exchange);
    long begun = exchange.getProperty(Gate.BEGUN, Long.class);
    rows.forEach(
        r -> {
          r.put(Gate.BEGUN, begun);
          String before = lease(r.get("id"), ((Number) r.get("fence")).longValue() - 1);
          returned.remove(before);
          pauses.claimed(before);
        });
    rows.stream()
        .max(Comparator.comparingInt(r -> ((Number) r.get("turn")).intValue()))
        .ifPresent(
            r -> turn = new Turn((String) r.get("workspace_id"), (String) r.get("data_source_id")));
    return rows.stream()
        .sorted(Comparator.comparingLong(r -> ((Number) r.get("seq")).longValue()))
        .toList();
  }

  private static String lease(Object updateId, long fence) {
    return updateId + ":" + fence;
  }

  /**
   * The update is done with. Its worker goes on with the next one of the data source where that was
   * claimed with the end of this one, and is idle again otherwise.
   *
   * @return the update to go on with, or none
   */
  public List<Map<String, Object>> done(
      @ExchangeProperty(TICKET) Ticket ticket,
      @ExchangeProperty(RELEASED) Boolean released,
      @ExchangeProperty(Gate.ENDED) Object ended,
      @ExchangeProperty(Gate.TARGET) String target) {
    if (ticket != null) {
      Submission submission = ticket.submission();
      UUID update = submission.updateId();
      if (released != null) {
        pauses.stored(update, lease(update, submission.fence()));
      } else if (pauses.over(update, target)) {
        ring();
      }
    }
    if (ticket == null || !ticket.stays().get()) {
      leave(ticket);
      return List.of();
    }
    if (ended instanceof List<?> rows
        && !rows.isEmpty()
        && rows.get(0) instanceof Map<?, ?> row
        && row.get("fence") != null) {
      Map<String, Object> next = new HashMap<>();
      row.forEach((column, value) -> next.put((String) column, value));
      next.put(SINCE, ticket.since());
      next.put(Gate.BEGUN, ticket.nextBegun().get());
      wentOn = System.nanoTime();
      return List.of(next);
    }
    workers.done();
    ring();
    return List.of();
  }

  /** Keeps what the end of a refused update answered. */
  public void ended(@Body List<Map<String, Object>> rows, Exchange exchange) {
    exchange.setProperty(Gate.ENDED, rows);
  }

  /**
   * For how long to claim the next update with the end of this one: null where its worker has left
   * it, the service stops, or others wait for a worker and this one had its turn.
   */
  private Duration nextLease(Ticket ticket, CamelContext camel) {
    if (!ticket.stays().get()
        && camel.getStatus().isStarted()
        && (workers.free() || System.nanoTime() - ticket.since() < LONGEST_TURN.toNanos())) {
      ticket.stays().set(ticket.busy().getAndSet(false));
    }
    ticket.nextBegun().set(System.nanoTime());
    return ticket.stays().get() ? lease : null;
  }

  /** From when its target keeps it waiting an update needs no worker, and another is claimed. */
  private void leave(Ticket ticket) {
    if (ticket == null || ticket.busy().getAndSet(false)) {
      workers.done();
    }
    ring();
  }

  /** Opens a claimed update for the decode stage. */
  public Encoded open(@Body Map<String, Object> row, Exchange exchange)
      throws JsonProcessingException {
    String updateId = (String) row.get("id");
    JsonNode origin = json.readTree((String) row.get("origin"));
    Submission submission =
        new Submission(
            UUID.fromString(updateId),
            Intake.named((String) row.get("intake")),
            operation(origin),
            (String) row.get("workspace_id"),
            (String) row.get("data_source_id"),
            null,
            (String) row.get("actor"),
            ifMatch(origin),
            false,
            (String) row.get("identity"),
            ((Number) row.get("fence")).longValue(),
            origin.path(HOLD).asBoolean());
    int attempts = ((Number) row.get("attempts")).intValue();
    long since = row.get(SINCE) instanceof Long begun ? begun : System.nanoTime();
    Ticket ticket = new Ticket(submission, origin, attempts, since);
    exchange.setProperty(TICKET, ticket);
    exchange.setProperty(Gate.BEGUN, row.get(Gate.BEGUN));
    exchange.setProperty(
        Gate.NEXT_LEASE, (Supplier<Duration>) () -> nextLease(ticket, exchange.getContext()));
    exchange.setProperty(Prober.ASIDE, (Runnable) () -> leave(ticket));
    if (attempts > MAX_ATTEMPTS) {
      throw Refusal.because(Reason.INTERNAL);
    }
    byte[] payload = vault.openBytes((String) row.get("payload"), updateId);
    exchange.setProperty("payload", payload);
    exchange.setProperty(Prober.SENDER, submission.intake() + "/" + submission.workspace());
    exchange.setProperty(Prober.FORCED, origin.path(Prober.FORCED).asBoolean());
    Encoded.Api api =
        submission.operation() == Operation.PATCH ? Encoded.Api.MERGE_PATCH : Encoded.Api.NATIVE;
    return new Encoded(payload, origin.path("contentType").asText(), api, submission.id());
  }

  /** A record always replaces the document. */
  private static Operation operation(JsonNode origin) {
    return Operation.valueOf(origin.path("operation").asText(Operation.UPDATE.name()));
  }

  private static Set<Long> ifMatch(JsonNode origin) {
    if (!origin.has("ifMatch")) {
      return null;
    }
    Set<Long> versions = new HashSet<>();
    origin.path("ifMatch").forEach(version -> versions.add(version.asLong()));
    return versions;
  }

  /** The decoded update, for the gate. */
  public void submit(
      @Body Update update, @ExchangeProperty(TICKET) Ticket ticket, Exchange exchange) {
    exchange.setProperty(Submission.PROPERTY, ticket.submission().carrying(update));
  }

  /**
   * What becomes of an update that was refused: given back when this service is at its limit, a
   * dead letter when it cannot be read, a failure with its event otherwise. Null: the gate has
   * stored it.
   */
  public Statement refused(
      @ExchangeProperty(TICKET) Ticket ticket,
      @ExchangeProperty("payload") byte[] payload,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Refusal refusal,
      Exchange exchange) {
    if (refusal.report() != null) {
      return null;
    }
    return switch (refusal.reason()) {
      case OVERLOADED -> {
        exchange.setProperty(RELEASED, true);
        UUID update = ticket.submission().updateId();
        String target = exchange.getProperty(Gate.TARGET, String.class);
        yield release(ticket, pauses.begin(update, target));
      }
      case STORE_UNAVAILABLE -> release(ticket, Pauses.FIRST);
      case MALFORMED_BODY, DUPLICATE_FIELD, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE ->
          Gate.takingNext(unreadable(ticket, payload, refusal), exchange);
      default ->
          Gate.takingNext(
              anotherId(refusal)
                  ? unreadable(ticket, payload, refusal)
                  : gate.refuse(ticket.submission(), refusal),
              exchange);
    };
  }

  /** Only a record has a topic for the dead; a request was read before it was queued. */
  private Statement unreadable(Ticket ticket, byte[] payload, Refusal refusal) {
    return ticket.submission().intake() == Intake.KAFKA
        ? dead(ticket, payload, refusal)
        : gate.refuse(ticket.submission(), refusal);
  }

  /** Key and body name different data sources. */
  private static boolean anotherId(Refusal refusal) {
    return refusal.errors().stream().anyMatch(error -> error.field().equals("id"));
  }

  private static Statement release(Ticket ticket, Duration pause) {
    return Statement.named("release-update")
        .with("updateId", ticket.submission().updateId().toString())
        .with("fence", ticket.submission().fence())
        .with("pause", pause.toMillis());
  }

  private Statement dead(Ticket ticket, byte[] payload, Refusal refusal) {
    LOG.atInfo()
        .addKeyValue("update", ticket.submission().updateId())
        .addKeyValue("reason", refusal.reason())
        .log("A record cannot be read and goes to the dead letters.");
    return deadLetters.in(
        gate.unreadable(ticket.submission(), refusal),
        new Letter(
            ticket.origin().path("topic").asText(),
            ticket.origin().path("partition").asInt(),
            ticket.origin().path("offset").asLong(),
            ticket.submission().id().getBytes(StandardCharsets.UTF_8),
            payload,
            ticket.attempts()),
        "work-inbox",
        refusal.reason());
  }

  /** The store does not answer: what waits there waits on. */
  public void unread(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught, Exchange exchange) {
    workers.unread(caught, exchange);
  }

  /**
   * The store went away: the update is taken up as soon as it is back. Or a fault of this service:
   * the lease runs out, and the update is tried again.
   */
  public void failed(
      @ExchangeProperty(TICKET) Ticket ticket,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Throwable caught) {
    if (ticket != null && StoreFailure.isOutage(caught)) {
      Submission submission = ticket.submission();
      returned.put(lease(submission.updateId(), submission.fence()), System.nanoTime());
      LOG.atInfo()
          .addKeyValue("update", submission.updateId())
          .log("The store went away; an update waits for it.");
      return;
    }
    Places.failed(ticket == null ? null : ticket.submission().updateId(), caught);
  }
}
