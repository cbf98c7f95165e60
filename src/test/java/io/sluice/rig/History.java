package io.sluice.rig;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/** What the clients of one run asked for and what they were answered. Thread-safe. */
final class History {
  /** What a client does. */
  enum Kind {
    /** A change that is waited for. */
    PUT,
    /** The same under an Idempotency-Key, sent again until its outcome is known. */
    KEYED,
    /** The same under a key, by a client that goes away when it gets no answer. */
    ABANDONED,
    /** A change of exactly the version that was read. */
    CONDITIONAL,
    /** A change that is not waited for. */
    DEFERRED,
    /** A former version again. */
    ROLLBACK,
    /** One of several data sources that are changed by one request. */
    BULK,
    /** A new data source. */
    CREATED,
    /** The end of a data source. */
    DELETED,
    /** A version of before its data source was deleted and made anew. */
    RISEN,
    /** A database that nobody runs: the change waits for it. */
    HELD,
    /** A wrong password. */
    WRONG,
    /** A target that accepts and says nothing. */
    MUTE,
    /** A record of the updates topic. */
    RECORD,
    /** The same record once more. */
    REPEATED,
    /** A record that nobody can read. */
    POISON,
    READ,
    /** The stream of events. */
    FOLLOW
  }

  enum Outcome {
    OK,
    FAIL,
    /** Another version is live than the one that was expected (412). */
    STALE,
    /** Blames the service (5xx), and does not say when to come again. */
    FAULT,
    UNKNOWN
  }

  /**
   * @param mark the account that the settings name
   * @param identity as the store has it; null without a key
   * @param ifMatch null without a condition
   * @param version what the answer said; null unless the update was applied before it
   * @param updateId what the answer said; null unless the update was only accepted
   */
  record Write(
      Kind kind,
      String dataSource,
      String mark,
      String identity,
      Long ifMatch,
      Outcome outcome,
      Long version,
      String updateId) {}

  /**
   * @param floor the highest version that any client had been told before this client asked
   */
  record Read(
      String dataSource,
      long floor,
      long version,
      String username,
      String database,
      String fingerprint) {}

  private final ConcurrentLinkedQueue<Write> writes = new ConcurrentLinkedQueue<>();
  private final Set<Read> reads = ConcurrentHashMap.newKeySet();
  private final Map<String, Long> told = new ConcurrentHashMap<>();
  private final Map<String, Long> gone = new ConcurrentHashMap<>();
  private final Map<String, AtomicLong> counts = new ConcurrentHashMap<>();

  void wrote(Write write) {
    writes.add(write);
    count(write.kind(), write.outcome());
    if (write.version() != null && write.outcome() == Outcome.OK) {
      told.merge(write.dataSource(), write.version(), Math::max);
    }
  }

  /** What a read that begins now must not fall behind. */
  long floor(String dataSource) {
    return Math.max(told(dataSource), gone.getOrDefault(dataSource, 0L));
  }

  /** The highest version that any client has been told. */
  long told(String dataSource) {
    return told.getOrDefault(dataSource, 0L);
  }

  /**
   * The data source is gone, or was meanwhile.
   *
   * @param told the highest version that was told before the delete was asked for
   */
  void deleted(String dataSource, long told) {
    gone.merge(dataSource, told + 1, Math::max);
  }

  /** One that was read; null when none was. */
  Read any(String dataSource, Random random) {
    List<Read> read = reads.stream().filter(r -> r.dataSource().equals(dataSource)).toList();
    return read.isEmpty() ? null : read.get(random.nextInt(read.size()));
  }

  /** Reads that say the same, and are no older than they may be, are kept once. */
  void read(Read read) {
    count(Kind.READ, Outcome.OK);
    boolean stale = read.version() < read.floor();
    reads.add(
        new Read(
            read.dataSource(),
            stale ? read.floor() : 0,
            read.version(),
            read.username(),
            read.database(),
            read.fingerprint()));
    told.merge(read.dataSource(), read.version(), Math::max);
  }

  void count(Kind kind, Outcome outcome) {
    counts.computeIfAbsent(kind + " " + outcome, name -> new AtomicLong()).incrementAndGet();
  }

  List<Write> writes() {
    return List.copyOf(writes);
  }

  List<Read> reads() {
    return List.copyOf(reads);
  }

  /** How often each kind had each outcome. */
  Map<String, AtomicLong> counts() {
    return new TreeMap<>(counts);
  }
}
