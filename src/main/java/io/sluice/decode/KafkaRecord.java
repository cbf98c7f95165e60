package io.sluice.decode;

import java.util.Map;

/**
 * A record of the topic for updates, without Kafka's own types.
 *
 * @param key may be null
 * @param value may be null
 * @param headers by their names, in any case; of a header that is repeated, the last one
 */
// The arrays are handed over, never shared.
@SuppressWarnings("ArrayRecordComponent")
public record KafkaRecord(
    String topic,
    int partition,
    long offset,
    byte[] key,
    byte[] value,
    Map<String, String> headers) {

  /** Where the record is, which is never a secret. */
  @Override
  public String toString() {
    return topic + "-" + partition + "-" + offset;
  }
}
