package io.sluice.publish;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.store.Bell;
import io.sluice.store.Standstill;
import io.sluice.store.Statement;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Message;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.camel.support.DefaultMessage;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code routes/60-publish-events}: the waiting events as Kafka records, a batch at a
 * time. The topic and key of a record come from its row and from nowhere else.
 *
 * <p>Used by one route, which does one step after the other.
 */
public final class Outbox {
  private static final Logger LOG = LoggerFactory.getLogger(Outbox.class);
  private static final String KINDS_LEFT = "kindsLeft";
  private static final String ROUND = "round";
  private static final String MARKED = "marked";

  /** CloudEvents Kafka protocol binding, section 3.3. */
  private static final String STRUCTURED =
      "{\"content-type\":\"application/cloudevents+json; charset=UTF-8\"}";

  private static final TypeReference<Map<String, String>> HEADERS = new TypeReference<>() {};

  /**
   * Where events come faster than one at a time, so long after the last look the next one is taken:
   * what comes meanwhile goes out together. Each look costs three round trips and a commit.
   */
  private static final Duration LINGER = Duration.ofMillis(20);

  /** One publisher among the instances that share a store. */
  private final String owner = UUID.randomUUID().toString();

  private final ObjectMapper json;
  private final String deadLetterTopic;
  private final boolean structured;
  private final int batch;
  private final Bell bell;
  private final Bell deadLetterBell;
  private final Duration poll;
  private final Duration lease;

  /** What the broker has, and the store does not know that yet. */
  private final Set<Long> acknowledged = new ConcurrentSkipListSet<>();

  private final RefusedKeys refusedEvents = new RefusedKeys();
  private final RefusedKeys refusedDeadLetters = new RefusedKeys();

  /** When the lease that runs was asked for; of the clock that never jumps. */
  private volatile long leased;

  /** Which of the two kinds is claimed next: events and dead letters take turns. */
  private volatile boolean deadLetters;

  /** Which was claimed last. */
  private volatile boolean claimed;

  private volatile long bothSince = System.nanoTime();

  /** Whether the last look found more than one record. */
  private volatile boolean crowded;

  private final Standstill standstill =
      new Standstill(
          LOG,
          "Events cannot be published now; they wait in the outbox.",
          "Events are published again.");

  /**
   * @param deadLetterTopic the topic that must not hold up the others
   * @param structured whether an event is one JSON document, in place of headers and data
   * @param batch events per delivery, which a crash may repeat
   * @param bell is rung when this instance has put something into the outbox
   * @param deadLetterBell is rung before that one when it was a dead letter
   * @param poll how often the outbox is looked at when nobody rings
   * @param lease for so long this instance stays the publisher without a sign of life
   */
  public Outbox(
      ObjectMapper json,
      String deadLetterTopic,
      boolean structured,
      int batch,
      Bell bell,
      Bell deadLetterBell,
      Duration poll,
      Duration lease) {
    this.json = json;
    this.deadLetterTopic = deadLetterTopic;
    this.structured = structured;
    this.batch = batch;
    this.bell = bell;
    this.deadLetterBell = deadLetterBell;
    this.poll = poll;
    this.lease = lease;
  }

  /**
   * Whether to look into the outbox: first when somebody rings, at the latest after the poll's
   * time; then until no more is found. Dead letters are looked for when one was put there, and once
   * in the poll's time. A service that stops takes no more, but says what it has sent.
   */
  public boolean more(Exchange exchange) throws InterruptedException {
    if (exchange.getProperty(KINDS_LEFT) == null) {
      bell.await(poll, exchange.getContext());
      if (crowded) {
        TimeUnit.NANOSECONDS.sleep(LINGER.toNanos() - (System.nanoTime() - leased));
      }
      boolean both = deadLetterBell.rung() || System.nanoTime() - bothSince >= poll.toNanos();
      if (both) {
        bothSince = System.nanoTime();
      }
      exchange.setProperty(KINDS_LEFT, both ? 2 : 1);
      deadLetters = both && deadLetters;
    }
    return unmarked() || wanting(exchange);
  }

  /** Whether more may be found. */
  public boolean wanting(Exchange exchange) {
    return exchange.getProperty(KINDS_LEFT, Integer.class) > 0 && running(exchange);
  }

  private static boolean running(Exchange exchange) {
    return exchange.getContext().getStatus().isStarted();
  }

  /** Whether the broker has records of which the store does not know that. */
  public boolean unmarked() {
    return !acknowledged.isEmpty();
  }

  public Statement mark(Exchange exchange) {
    List<Long> seqs = List.copyOf(acknowledged);
    exchange.setProperty(MARKED, seqs);
    return Statement.named("mark-published")
        .with("seqs", seqs.stream().map(String::valueOf).collect(Collectors.joining(",")));
  }

  /** The store knows. */
  public void marked(@ExchangeProperty(MARKED) List<Long> seqs) {
    acknowledged.removeAll(seqs);
  }

  public Statement claim() {
    leased = System.nanoTime();
    claimed = deadLetters;
    return Statement.named("claim-outbox")
        .with("owner", owner)
        .with("lease", lease.toMillis())
        .with("deadLetterTopic", deadLetterTopic)
        .with("deadLetters", deadLetters)
        .with(
            "refusedKeys",
            refused().leftOut(leased).stream()
                .map(key -> "\\x" + key)
                .collect(Collectors.joining(",")))
        .with("limit", batch);
  }

  /** Of the kind that was claimed last. */
  private RefusedKeys refused() {
    return claimed ? refusedDeadLetters : refusedEvents;
  }

  /**
   * The rows in rounds: the first of each key, then the second, and so on. They end early when half
   * of the lease is over, to have it renewed: a publisher that was stopped for longer, and so may
   * have a successor, repeats the round that it had begun and no other.
   */
  public Iterator<List<Map<String, Object>>> rounds(
      @Body List<Map<String, Object>> rows, Exchange exchange) {
    crowded = rows.size() > 1;
    if (rows.size() < batch) {
      exchange.setProperty(KINDS_LEFT, exchange.getProperty(KINDS_LEFT, Integer.class) - 1);
      deadLetters = !deadLetters;
    }
    if (rows.isEmpty()) {
      return Collections.emptyIterator();
    }
    List<List<Map<String, Object>>> rounds = new ArrayList<>();
    Map<String, Integer> last = new HashMap<>();
    for (Map<String, Object> row : rows) {
      int round = last.merge(key(row), 0, (before, first) -> before + 1);
      if (round == rounds.size()) {
        rounds.add(new ArrayList<>());
      }
      rounds.get(round).add(row);
    }
    return whileLeased(rounds.iterator());
  }

  private Iterator<List<Map<String, Object>>> whileLeased(
      Iterator<List<Map<String, Object>>> rounds) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return rounds.hasNext() && System.nanoTime() - leased < lease.toNanos() / 2;
      }

      @Override
      public List<Map<String, Object>> next() {
        return rounds.next();
      }
    };
  }

  /**
   * In hexadecimal digits. Records without a key have no order among each other, but one is as good
   * as any.
   */
  private static String key(Map<String, Object> row) {
    byte[] key = (byte[]) row.get("record_key");
    return key == null ? "" : HexFormat.of().formatHex(key);
  }

  /** One round as messages. */
  public List<Message> records(@Body List<Map<String, Object>> round, Exchange exchange)
      throws IOException {
    exchange.setProperty(ROUND, round);
    List<Message> records = new ArrayList<>(round.size());
    for (Map<String, Object> row : round) {
      Message message = new DefaultMessage(exchange.getContext());
      String headers = (String) row.get("headers");
      byte[] body = (byte[]) row.get("body");
      if (structured && !deadLetterTopic.equals(row.get("topic"))) {
        body = json.writeValueAsBytes(Events.structured(json, headers, body));
        headers = STRUCTURED;
      }
      message.setBody(body);
      message.setHeader(KafkaConstants.OVERRIDE_TOPIC, row.get("topic"));
      if (row.get("record_key") != null) {
        message.setHeader(KafkaConstants.KEY, row.get("record_key"));
      }
      json.readValue(headers, HEADERS).forEach(message::setHeader);
      records.add(message);
    }
    return records;
  }

  /**
   * The round is over: what the broker has of it need not be sent again, whatever became of the
   * rest.
   *
   * @param failure null: the broker has all of it
   */
  public void sent(
      @Body List<Message> records,
      @ExchangeProperty(ROUND) List<Map<String, Object>> round,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception failure) {
    List<String> refused = new ArrayList<>();
    for (int i = 0; i < round.size(); i++) {
      if (failure == null || taken(records.get(i))) {
        acknowledged.add(((Number) round.get(i).get("seq")).longValue());
        refused().taken(key(round.get(i)));
      } else {
        refused.add(key(round.get(i)));
      }
    }
    if (!refused.isEmpty()) {
      refused().refused(refused, System.nanoTime());
    }
    if (refusedEvents.isEmpty() && refusedDeadLetters.isEmpty()) {
      standstill.over();
    }
  }

  /** Whether the broker has said where the record stands. */
  private static boolean taken(Message record) {
    List<?> metadata = record.getHeader(KafkaConstants.KAFKA_RECORD_META, List.class);
    return metadata != null
        && metadata.stream().anyMatch(m -> m instanceof RecordMetadata at && at.hasOffset());
  }

  /** Nothing is lost: what was not acknowledged is still waiting, and the next tick tries again. */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught, Exchange exchange) {
    // The other kind first, at once.
    deadLetters = !claimed;
    bothSince = System.nanoTime() - poll.toNanos();
    standstill.failed(caught, exchange.getContext());
  }
}
