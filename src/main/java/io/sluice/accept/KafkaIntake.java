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
import io.sluice.secrets.Vault;
import io.sluice.store.Statement;
import io.sluice.store.StoreFailure;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Message;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.camel.component.kafka.consumer.KafkaManualCommit;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code routes/12-accept-kafka}: a record becomes a row of the queue, or a dead
 * letter, and only then its offset is committed. The payload waits sealed.
 */
public final class KafkaIntake {
  private static final Logger LOG = LoggerFactory.getLogger(KafkaIntake.class);
  private static final String COMMIT = "commit";
  private static final String RECORD = "record";

  private final CloudEventDecoder decoder = new CloudEventDecoder();
  private final Vault vault;
  private final String workspace;
  private final DeadLetters deadLetters;
  private final ObjectMapper json;

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
   * Takes the record out of the message; from here on the message carries nothing that its sender
   * chose.
   */
  public Statement receive(Exchange exchange) {
    Message message = exchange.getMessage();
    KafkaRecord record = record(message);
    if (Boolean.TRUE.equals(message.getHeader(KafkaConstants.LAST_RECORD_BEFORE_COMMIT))) {
      exchange.setProperty(COMMIT, message.getHeader(KafkaConstants.MANUAL_COMMIT));
    }
    message.removeHeaders("*");
    message.setBody(null);
    exchange.setProperty(RECORD, record);
    KafkaUpdate update;
    try {
      update = decoder.decode(record);
    } catch (Refusal refusal) {
      return deadLetter(record, refusal.reason());
    } catch (RuntimeException | StackOverflowError fault) {
      // A fault of this service, but one that the same record would cause again.
      LOG.atError().setCause(fault).log("A record could not be read.");
      return deadLetter(record, Reason.INTERNAL);
    }
    Statement statement = statement("accept-record", record);
    String updateId = (String) statement.parameters().get("updateId");
    String origin = origin(record).put("contentType", update.encoded().contentType()).toString();
    return deadLetters.in(
        statement
            .with("id", update.id())
            // Senders count for each data source on its own.
            .with("identity", update.id() + "/" + update.identity())
            .with("deadIdentity", "dead:" + record)
            .with("hash", hash(update.encoded()))
            .with("origin", origin)
            .with("payload", vault.sealBytes(update.encoded().bytes(), updateId)),
        letter(record),
        "accept-kafka",
        Reason.KEY_REUSED);
  }

  /** Tells the same record again from another one under its identity. */
  private String hash(Encoded encoded) {
    return vault.fingerprint(
        Secret.of(
            encoded.contentType() + "\n" + Base64.getEncoder().encodeToString(encoded.bytes())));
  }

  private static Letter letter(KafkaRecord record) {
    return new Letter(
        record.topic(), record.partition(), record.offset(), record.key(), record.value(), 1);
  }

  private Statement statement(String name, KafkaRecord record) {
    return Statement.named(name)
        .with("updateId", UUID.randomUUID().toString())
        .with("workspace", workspace)
        .with("actor", "kafka:" + record.topic());
  }

  private ObjectNode origin(KafkaRecord record) {
    return json.createObjectNode()
        .put("topic", record.topic())
        .put("partition", record.partition())
        .put("offset", record.offset());
  }

  private Statement deadLetter(KafkaRecord record, Reason reason) {
    LOG.atInfo()
        .addKeyValue("partition", record.partition())
        .addKeyValue("offset", record.offset())
        .addKeyValue("reason", reason)
        .log("A record cannot be read and goes to the dead letters.");
    return deadLetters.in(
        statement("dead-letter-record", record)
            .with("identity", "dead:" + record)
            .with("origin", origin(record).toString())
            .with("reason", reason.name()),
        letter(record),
        "accept-kafka",
        reason);
  }

  /** Whether the store would refuse the record whenever it comes. */
  public boolean unstorable(@ExchangeProperty(Exchange.EXCEPTION_CAUGHT) SQLException failure) {
    return StoreFailure.isOfTheValue(failure);
  }

  /** The dead letter of a record that the store refuses. */
  public Statement refuse(@ExchangeProperty(RECORD) KafkaRecord record) {
    return deadLetter(record, Reason.INTERNAL);
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
        (byte[]) message.getHeader(KafkaConstants.KEY),
        (byte[]) message.getBody(),
        headers);
  }

  /** Commits the partition's offset once the last record that was polled is in the store. */
  public void commit(@ExchangeProperty(COMMIT) KafkaManualCommit commit) {
    if (commit != null) {
      commit.commit();
    }
  }
}
