package io.sluice.decode;

import java.util.Map;

/**
 * A record of the topic for updates, without Kafka's own types.
 *
 * @param timestamp in milliseconds, as the producer or the broker gave it
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
    long timestamp,
    byte[] key,
    byte[] value,
    Map<String, String> headers) {

  /**
   * Where the record is, which is never a secret, and since when: a topic that was made anew has
   * other records in the same places.
   */
  @Override
  public String toString() {
    return topic + "-" + partition + "-" + offset + "-" + timestamp;
  }
}
