package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.decode.CloudEventDecoder;
import io.sluice.decode.Encoded;
import io.sluice.decode.KafkaRecord;
import io.sluice.decode.KafkaUpdate;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Secret;
import io.sluice.publish.DeadLetters;
import io.sluice.publish.DeadLetters.Letter;
import io.sluice.publish.DeadLetters.Written;
import io.sluice.secrets.Vault;
import io.sluice.store.Standstill;
import io.sluice.store.Statement;
import io.sluice.store.StoreFailure;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Message;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code routes/12-accept-kafka}: the records of a poll become rows of the queue, or
 * dead letters, in one statement, and only then their offsets are committed. Payloads wait sealed.
 *
 * <p>The records are gathered here and not by the component's {@code batching}: that one waits for
 * its poll's time-out before it hands on a batch that is not full, keeps records over polls in
 * which their partition may go to another instance, and commits the offset of one partition only.
 *
 * <p>Used by the one thread of one consumer.
 */
public final class KafkaIntake {
  private static final Logger LOG = LoggerFactory.getLogger(KafkaIntake.class);
  private static final String STAGE = "accept-kafka";
  private static final String COMMIT = "commit";
  private static final String POLLED = "polledRecords";
  private static final String ENTRY = "polledRecord";

  /** A poll with more bytes of values than this is stored in parts, so that it fits into memory. */
  private static final int MAX_BYTES = 4 * 1024 * 1024;

  private final CloudEventDecoder decoder = new CloudEventDecoder();
  private final Vault vault;
  private final String workspace;
  private final DeadLetters deadLetters;
  private final ObjectMapper json;

  /** What the poll that is at work has brought, and is not in the store yet. */
  private final List<Entry> entries = new ArrayList<>();

  private final Map<TopicPartition, RecordOffset> offsets = new LinkedHashMap<>();
  private int bytes;

  private final Standstill standstill =
      new Standstill(
          LOG,
          "Records cannot be taken now; they wait on their topic.",
          "Records are taken again.");

  /** A record, and its row of the statement. */
  record Entry(KafkaRecord record, ObjectNode row) {}

  /**
   * @param workspace where records act
   */
  public KafkaIntake(Vault vault, String workspace, DeadLetters deadLetters, ObjectMapper json) {
    this.vault = vault;
    this.workspace = workspace;
    this.deadLetters = deadLetters;
    this.json = json;
  }

  /**
   * Takes the record out of the message, which from here on carries nothing that its sender chose.
   * With the last record of a poll, the message carries what is to be stored; else nothing.
   */
  public void receive(Exchange exchange) {
    Message message = exchange.getMessage();
    KafkaRecord record = record(message);
    RecordOffset offset = (RecordOffset) message.getHeader(KafkaConstants.MANUAL_COMMIT);
    boolean last = Boolean.TRUE.equals(message.getHeader(KafkaConstants.LAST_POLL_RECORD));
    message.removeHeaders("*");
    message.setBody(null);
    if (offsets.values().stream().anyMatch(other -> other.consumer() != offset.consumer())) {
      // That consumer was stopped in the middle of a poll; its records come again.
      clear();
      offsets.clear();
    }
    Entry entry = entry(record);
    offsets.put(offset.getPartition(), offset);
    entries.add(entry);
    bytes += record.value() == null ? 0 : record.value().length;
    if (last) {
      exchange.setProperty(COMMIT, List.copyOf(offsets.values()));
      offsets.clear();
    }
    if (last || bytes > MAX_BYTES) {
      exchange.setProperty(POLLED, List.copyOf(entries));
      message.setBody(true);
      clear();
    }
  }

  private void clear() {
    entries.clear();
    bytes = 0;
  }

  private Entry entry(KafkaRecord record) {
    KafkaUpdate update;
    try {
      update = decoder.decode(record);
    } catch (Refusal refusal) {
      return new Entry(record, dead(record, refusal.reason()));
    } catch (RuntimeException | StackOverflowError fault) {
      // A fault of this service, but one that the same record would cause again.
      LOG.atError().setCause(fault).log("A record could not be read.");
      return new Entry(record, dead(record, Reason.INTERNAL));
    }
    ObjectNode row = row(record, Reason.KEY_REUSED);
    String updateId = row.path("update_id").asText();
    row.put("data_source_id", update.id())
        // Senders count for each data source on its own.
        .put("identity", update.id() + "/" + update.identity())
        .put("request_hash", hash(update.encoded()))
        .put("payload", vault.sealBytes(update.encoded().bytes(), updateId));
    row.withObject("/origin").put("contentType", update.encoded().contentType());
    return new Entry(record, row);
  }

  /** Tells the same record again from another one under its identity. */
  private String hash(Encoded encoded) {
    return vault.fingerprint(
        Secret.of(
            encoded.contentType() + "\n" + Base64.getEncoder().encodeToString(encoded.bytes())));
  }

  /** What every row of {@code accept-records} has: where the record stood, and its dead letter. */
  private ObjectNode row(KafkaRecord record, Reason reason) {
    Letter letter =
        new Letter(
            record.topic(), record.partition(), record.offset(), record.key(), record.value(), 1);
    Written written = deadLetters.written(letter, STAGE, reason);
    ObjectNode row =
        json.createObjectNode()
            .put("update_id", UUID.randomUUID().toString())
            .put("dead_identity", "dead:" + record)
            .put("actor", "kafka:" + record.topic())
            .put("record_key", written.key())
            .put("headers", written.headers())
            .put("body", new String(written.body(), StandardCharsets.UTF_8));
    row.putObject("origin")
        .put("topic", record.topic())
        .put("partition", record.partition())
        .put("offset", record.offset());
    return row;
  }

  private ObjectNode dead(KafkaRecord record, Reason reason) {
    LOG.atInfo()
        .addKeyValue("partition", record.partition())
        .addKeyValue("offset", record.offset())
        .addKeyValue("reason", reason)
        .log("A record cannot be read and goes to the dead letters.");
    return row(record, reason).put("data_source_id", "").put("reason", reason.name());
  }

  /** Puts all records of the poll into the queue. */
  public Statement accept(@ExchangeProperty(POLLED) List<Entry> polled) {
    return accept(polled.stream().map(Entry::row).toList());
  }

  private Statement accept(Collection<ObjectNode> rows) {
    return Statement.named("accept-records")
        .with("workspace", workspace)
        .with("topic", deadLetters.topic())
        .with("records", json.createArrayNode().addAll(rows).toString());
  }

  /**
   * The records of the poll, to be stored on their own.
   *
   * @throws SQLException the failure itself, where no value is to blame
   */
  public List<Entry> each(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) SQLException failure,
      @ExchangeProperty(POLLED) List<Entry> polled)
      throws SQLException {
    requireOfTheValue(failure);
    return polled;
  }

  /** What the store would refuse whenever it comes must not come again, and all else must. */
  private static void requireOfTheValue(SQLException failure) throws SQLException {
    if (!StoreFailure.isOfTheValue(failure)) {
      throw failure;
    }
  }

  /** Puts one record into the queue. */
  public Statement acceptOne(@Body Entry entry, Exchange exchange) {
    exchange.setProperty(ENTRY, entry);
    return accept(List.of(entry.row()));
  }

  /**
   * The dead letter of a record that the store refuses.
   *
   * @throws SQLException the failure itself, where no value is to blame
   */
  public Statement refuse(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) SQLException failure,
      @ExchangeProperty(ENTRY) Entry entry)
      throws SQLException {
    requireOfTheValue(failure);
    return accept(List.of(dead(entry.record(), Reason.INTERNAL)));
  }

  private static KafkaRecord record(Message message) {
    Map<String, String> headers = new HashMap<>();
    for (Header header : (Headers) message.getHeader(KafkaConstants.HEADERS)) {
      if (header.value() != null) {
        headers.put(header.key(), new String(header.value(), StandardCharsets.UTF_8));
      }
    }
    return new KafkaRecord(
        (String) message.getHeader(KafkaConstants.TOPIC),
        (Integer) message.getHeader(KafkaConstants.PARTITION),
        (Long) message.getHeader(KafkaConstants.OFFSET),
        (Long) message.getHeader(KafkaConstants.TIMESTAMP),
        (byte[]) message.getHeader(KafkaConstants.KEY),
        (byte[]) message.getBody(),
        headers);
  }

  /** Commits the offsets of a poll once its last record is in the store. */
  public void commit(@ExchangeProperty(COMMIT) List<RecordOffset> polled) {
    if (polled != null) {
      RecordOffset.commit(polled);
      standstill.over();
    }
  }

  /**
   * None of the poll is committed that is not in the store: it comes again.
   *
   * @throws Exception the failure itself, by which the consumer begins anew
   */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught, Exchange exchange)
      throws Exception {
    standstill.failed(caught, exchange.getContext());
    throw caught;
  }
}
