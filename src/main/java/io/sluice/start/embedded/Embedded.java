package io.sluice.start.embedded;

import java.nio.file.Path;
import java.util.List;

/**
 * Starts the servers of the development profile. Each keeps its data in a directory of its own
 * below the data directory; a second process that wants the same directory is refused.
 *
 * <p>Every failure is an {@link IllegalStateException} whose message tells an operator what to
 * change. Nothing is left running then.
 */
public final class Embedded {
  private Embedded() {}

  /**
   * Starts PostgreSQL and waits until it answers. A server that a killed run left behind is ended
   * first, and what it had committed is there again.
   *
   * @param data what {@code SLUICE_DATA} names
   * @param port 0: the port of the last run when it is free, else any
   */
  public static EmbeddedStore store(Path data, int port) {
    return EmbeddedStore.start(data.resolve("postgres"), port);
  }

  /**
   * Starts a Kafka broker in this JVM, with the topics {@code datasource.updates}, {@code
   * datasource.events} and {@code datasource.updates.dlq}.
   *
   * @param data what {@code SLUICE_DATA} names
   * @param port 0: any free one
   */
  public static EmbeddedBroker broker(Path data, int port) {
    return broker(
        data,
        port,
        List.of("datasource.updates", "datasource.events", "datasource.updates.dlq"),
        () -> {});
  }

  /**
   * As {@link #broker(Path, int)}, with topics of other names.
   *
   * @param topics those that are missing are made; no other topic comes into being by use
   * @param lost is run, on any thread, when the broker gives up, as on a full disk
   */
  public static EmbeddedBroker broker(Path data, int port, List<String> topics, Runnable lost) {
    return EmbeddedBroker.start(data.resolve("kafka"), port, topics, lost);
  }
}
