package io.sluice.publish;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.camel.component.kafka.DefaultKafkaClientFactory;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.errors.TimeoutException;

/**
 * Kafka's clients for the publisher. They wait for a topic that nobody knows, or for a broker that
 * is away, once for a whole round, and not once for each of its records.
 */
public final class PublisherClients extends DefaultKafkaClientFactory {
  @Override
  @SuppressWarnings("rawtypes")
  public Producer getProducer(Properties properties) {
    return new RoundProducer(properties);
  }

  /**
   * {@link KafkaProducer#send} waits for {@code max.block.ms} where it does not know the topic, or
   * has no room for the record; what is sent to the same topic right after that fails at once.
   */
  private static final class RoundProducer extends KafkaProducer<byte[], byte[]> {
    /** Longer than a round takes that does not wait, and shorter than the time between two. */
    private static final Duration ROUND = Duration.ofMillis(500);

    /** When nobody had answered, by topic. */
    private final Map<String, Long> inVain = new ConcurrentHashMap<>();

    RoundProducer(Properties properties) {
      super(properties);
    }

    @Override
    public Future<RecordMetadata> send(ProducerRecord<byte[], byte[]> record, Callback callback) {
      Long since = inVain.get(record.topic());
      if (since != null && System.nanoTime() - since < ROUND.toNanos()) {
        TimeoutException failure =
            new TimeoutException("Nobody answered for the topic " + record.topic() + " just now.");
        if (callback != null) {
          callback.onCompletion(null, failure);
        }
        return CompletableFuture.failedFuture(failure);
      }
      Future<RecordMetadata> sent = super.send(record, callback);
      if (timedOut(sent)) {
        inVain.put(record.topic(), System.nanoTime());
      }
      return sent;
    }

    /** Whether it has waited in vain already. */
    private static boolean timedOut(Future<RecordMetadata> sent) {
      if (!sent.isDone()) {
        return false;
      }
      try {
        sent.get();
        return false;
      } catch (ExecutionException e) {
        return e.getCause() instanceof TimeoutException;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
  }
}
