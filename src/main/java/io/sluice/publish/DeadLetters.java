package io.sluice.publish;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Reason;
import io.sluice.store.Statement;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * Writes dead letters: same key, headers that say where the record stood and why it is here, and of
 * its value only length and SHA-256, since what cannot be read cannot be stripped of its secrets. A
 * key that no data source can have is described in the same way.
 */
public final class DeadLetters {
  /**
   * The longest key that is repeated, in bytes. A record can be all key, and with the headers it
   * would be too large for the broker: nothing behind it could be published.
   */
  static final int MAX_KEY = 1024;

  private final ObjectMapper json;
  private final String topic;

  public DeadLetters(ObjectMapper json, String topic) {
    this.json = json;
    this.topic = topic;
  }

  /**
   * Where a record stood.
   *
   * @param key may be null
   */
  // The arrays are handed over, never shared.
  @SuppressWarnings("ArrayRecordComponent")
  public record Letter(
      String topic, int partition, long offset, byte[] key, byte[] value, int attempts) {}

  /**
   * A dead letter as it goes out.
   *
   * @param key null: none
   */
  // The arrays are handed over, never shared.
  @SuppressWarnings("ArrayRecordComponent")
  public record Written(byte[] key, String headers, byte[] body) {}

  /** The topic of the dead letters. */
  public String topic() {
    return topic;
  }

  /**
   * Adds the dead letter to the statement that settles the record.
   *
   * @param stage the route that gave up on it
   */
  public Statement in(Statement statement, Letter letter, String stage, Reason reason) {
    Written written = written(letter, stage, reason);
    return statement
        .with("topic", topic)
        .with("key", written.key())
        .with("headers", written.headers())
        .with("body", written.body());
  }

  /**
   * Writes a dead letter, for {@link #topic}.
   *
   * @param stage the route that gave up on the record
   */
  public Written written(Letter letter, String stage, Reason reason) {
    String headers =
        json.createObjectNode()
            .put("dlq.topic", letter.topic())
            .put("dlq.partition", Integer.toString(letter.partition()))
            .put("dlq.offset", Long.toString(letter.offset()))
            .put("dlq.stage", stage)
            .put("dlq.reason", reason.name())
            .put("dlq.attempts", Integer.toString(letter.attempts()))
            .put("content-type", "application/json")
            .toString();
    byte[] value = letter.value() == null ? new byte[0] : letter.value();
    ObjectNode body =
        json.createObjectNode().put("length", value.length).put("sha256", sha256(value));
    byte[] key = letter.key();
    if (key != null && key.length > MAX_KEY) {
      body.put("keyLength", key.length).put("keySha256", sha256(key));
      key = null;
    }
    return new Written(key, headers, body.toString().getBytes(StandardCharsets.UTF_8));
  }

  private static String sha256(byte[] value) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(value));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256.", e);
    }
  }
}
