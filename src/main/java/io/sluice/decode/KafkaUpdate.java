package io.sluice.decode;

/**
 * An update that came in a Kafka record.
 *
 * @param id the data source that it is for: the record's key
 * @param identity the sender's own name for the update, else topic, partition and offset; the same
 *     for every delivery of the record
 * @param encoded for the route {@code decode}
 */
public record KafkaUpdate(String id, String identity, Encoded encoded) {}
