package io.sluice.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.servers.Installation;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Reads the events as they come and counts them for each data source. */
final class Follower implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** After so long no event comes any more of what has ended. */
  private static final Duration QUIET = Duration.ofMillis(200);

  private final KafkaConsumer<byte[], byte[]> consumer;
  private final Map<String, Semaphore> events = new ConcurrentHashMap<>();
  private final Thread thread = new Thread(this::follow, "follower");
  private volatile boolean ended;

  Follower(Installation installation) {
    consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", installation.broker().bootstrap()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer());
    List<TopicPartition> partitions =
        consumer.partitionsFor(Installation.EVENTS).stream()
            .map(info -> new TopicPartition(info.topic(), info.partition()))
            .toList();
    consumer.assign(partitions);
    consumer.seekToEnd(partitions);
    partitions.forEach(consumer::position);
    thread.setDaemon(true);
    thread.start();
  }

  private void follow() {
    try (consumer) {
      while (!ended) {
        for (ConsumerRecord<byte[], byte[]> event : consumer.poll(Duration.ofMillis(100))) {
          of(new String(event.key(), UTF_8)).release();
        }
      }
    }
  }

  private Semaphore of(String id) {
    return events.computeIfAbsent(id, i -> new Semaphore(0));
  }

  /** Forgets the events that have come. */
  void forget(String id) {
    of(id).drainPermits();
  }

  /**
   * Forgets the events that have come, and those that are still to come of what was sent before.
   */
  void clear(String id) throws InterruptedException {
    boolean more = true;
    while (more) {
      forget(id);
      more = of(id).tryAcquire(QUIET.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /** Waits for so many events of a data source. */
  void await(String id, int count) throws InterruptedException {
    if (!of(id).tryAcquire(count, PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("Events of " + id + " did not come.");
    }
  }

  /** Whether another event of a data source has come, which is then forgotten. */
  boolean next(String id) {
    return of(id).tryAcquire();
  }

  @Override
  public void close() throws InterruptedException {
    ended = true;
    thread.join();
  }
}
