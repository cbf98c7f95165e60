package io.sluice.accept;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.component.kafka.consumer.CommitManager;
import org.apache.camel.component.kafka.consumer.DefaultKafkaManualCommit;
import org.apache.camel.component.kafka.consumer.KafkaManualCommitFactory;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/**
 * Where a record stood, to be committed by the route and by nobody else. With a commit factory of
 * its own Camel commits the offset of every record that has gone through the route, when it is done
 * with a partition, stops or loses one; but a record is in the store only when the last one of its
 * poll has come.
 */
final class RecordOffset extends DefaultKafkaManualCommit {

  /** Named by {@code routes/12-accept-kafka}. */
  public static final class Factory implements KafkaManualCommitFactory {
    @Override
    public RecordOffset newInstance(
        CamelExchangePayload exchange, KafkaRecordPayload record, CommitManager unused) {
      return new RecordOffset(exchange, record);
    }
  }

  private RecordOffset(
      KafkaManualCommitFactory.CamelExchangePayload exchange,
      KafkaManualCommitFactory.KafkaRecordPayload record) {
    super(exchange, record);
  }

  /** A consumer that begins anew is another one. */
  Consumer<?, ?> consumer() {
    return getCamelExchangePayload().consumer;
  }

  @Override
  public void commit() {
    commit(List.of(this));
  }

  /**
   * Commits the offsets of one poll in one call, and waits for it.
   *
   * @param offsets the last of each partition
   */
  static void commit(Collection<RecordOffset> offsets) {
    Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
    offsets.forEach(
        offset ->
            next.put(offset.getPartition(), new OffsetAndMetadata(offset.getRecordOffset() + 1)));
    RecordOffset any = offsets.iterator().next();
    any.consumer().commitSync(next, Duration.ofMillis(any.getCommitTimeout()));
  }
}
