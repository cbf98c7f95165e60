package io.sluice.rig;

import io.sluice.rig.History.Read;
import io.sluice.rig.History.Write;
import java.util.List;

/**
 * All that is known when a run is over: what clients saw, what the store holds, what the topics
 * say, and what the surviving process holds.
 *
 * @param receipts all rows of updates; the state of one that removed its data source is "deleted"
 * @param versions all rows of the history, live or not
 * @param live the rows of data sources
 * @param outbox ids of the events, in the order in which they were written
 * @param delivered the events topic, per partition in order, repeated records too
 * @param objections what the contract has to object to in the events
 * @param told what a client of {@code GET /events} was told, in this order
 * @param kept former versions that have secrets, though their data source was deleted
 * @param deadLetters where the records stood that are dead letters, each as topic-partition-offset
 * @param repeatable how many deliveries may be repeats: a batch for each fault
 * @param before what the survivor held before the faults
 * @param after what it holds now
 */
record Evidence(
    List<Write> writes,
    List<Read> reads,
    List<Receipt> receipts,
    List<Version> versions,
    List<Version> live,
    List<String> outbox,
    List<Event> delivered,
    List<String> objections,
    List<Told> told,
    List<String> kept,
    List<String> deadLetters,
    long repeatable,
    Vitals before,
    Vitals after) {

  /**
   * @param origin where the record stood; null for other intakes
   */
  record Receipt(
      String id,
      String dataSource,
      String intake,
      String identity,
      String state,
      Long version,
      String origin) {}

  /**
   * @param mark the account that the settings name
   */
  record Version(String dataSource, long number, String mark, String updateId) {}

  /**
   * @param version the one that went live; null when none did
   * @param content all headers and the value
   */
  record Event(String id, String dataSource, Long version, String content) {}

  /** An event of the stream; its name when it belongs to no data source. */
  record Told(String id, String dataSource) {}

  /**
   * @param targets connections to targets that are open
   */
  record Vitals(int threads, int sockets, int files, int targets) {
    /**
     * Threads of pools that had not grown to their size before the faults. A thread that each test
     * leaves behind would be many more.
     */
    private static final int THREADS = 128;

    /** The same for the store's connections and the broker's. */
    private static final int GROWTH = 48;

    boolean within(Vitals baseline) {
      return targets == 0
          && threads <= baseline.threads + THREADS
          && sockets <= baseline.sockets + GROWTH
          && files <= baseline.files + GROWTH;
    }
  }
}
