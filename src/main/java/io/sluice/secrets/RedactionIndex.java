package io.sluice.secrets;

import io.sluice.model.Secret;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.LongSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The values that are scrubbed. A position of a text is dismissed by its first four bytes; where
 * these begin a known value, the hash of each length that such a value has decides. So adding and
 * removing one costs what that value costs, and a search costs the length of the text, however many
 * values there are and however alike they begin.
 */
final class RedactionIndex {
  /** How long a secret stays known after its last use. */
  static final Duration RETENTION = Duration.ofSeconds(60);

  /**
   * How many patterns the retired secrets may keep, about 3 MiB; above it the oldest go first. A
   * password has about five.
   */
  static final int MAX_RETIRED_PATTERNS = 20_000;

  /** Counts of prefixes by their hash: most positions of a text are dismissed by one look at it. */
  private static final int FILTER_SIZE = 1 << 16;

  private static final byte[] MASK = Secret.MASK.getBytes(StandardCharsets.US_ASCII);

  /** A pattern and how many known secrets have it. */
  private record Counted(RedactionPattern pattern, int count) {}

  private static final Counted[] NONE = {};

  /** A known secret, its patterns and how many scopes hold it. */
  private static final class Known {
    final List<RedactionPattern> patterns;
    int scopes;
    long retiredAtNanos;

    Known(List<RedactionPattern> patterns) {
      this.patterns = patterns;
    }
  }

  private final LongSupplier nanos;

  /** Written under the lock of {@link #known}, read without, as are the two fields that follow. */
  private final AtomicIntegerArray filter = new AtomicIntegerArray(FILTER_SIZE);

  /** By the first bytes: how many patterns of each length begin with them. */
  private final Map<Integer, AtomicIntegerArray> lengths = new ConcurrentHashMap<>();

  private final Map<Long, Counted[]> byHash = new ConcurrentHashMap<>();

  /** Guarded by itself, as are the two fields that follow. */
  private final Map<Secret, Known> known = new LinkedHashMap<>();

  private final Map<Secret, Known> retired = new LinkedHashMap<>();
  private int retiredPatterns;

  /** When the oldest retired secret is to be forgotten; read without the lock. */
  private volatile long nextExpiryNanos = Long.MAX_VALUE;

  RedactionIndex(LongSupplier nanos) {
    this.nanos = nanos;
  }

  void add(Secret secret) {
    synchronized (known) {
      Known entry = known.get(secret);
      if (entry == null) {
        entry = new Known(RedactionPattern.of(secret));
        known.put(secret, entry);
        entry.patterns.forEach(this::index);
      } else if (retired.remove(secret) != null) {
        retiredPatterns -= entry.patterns.size();
      }
      entry.scopes++;
      forgetExpired();
    }
  }

  void retire(Secret secret) {
    synchronized (known) {
      Known entry = known.get(secret);
      entry.scopes--;
      if (entry.scopes == 0) {
        entry.retiredAtNanos = nanos.getAsLong();
        retired.put(secret, entry);
        retiredPatterns += entry.patterns.size();
      }
      forgetExpired();
    }
  }

  private void forgetExpired() {
    long now = nanos.getAsLong();
    Iterator<Map.Entry<Secret, Known>> oldestFirst = retired.entrySet().iterator();
    nextExpiryNanos = Long.MAX_VALUE;
    while (oldestFirst.hasNext()) {
      Map.Entry<Secret, Known> oldest = oldestFirst.next();
      Known entry = oldest.getValue();
      long expiry = entry.retiredAtNanos + RETENTION.toNanos();
      if (expiry - now > 0 && retiredPatterns <= MAX_RETIRED_PATTERNS) {
        nextExpiryNanos = expiry;
        return;
      }
      oldestFirst.remove();
      known.remove(oldest.getKey());
      retiredPatterns -= entry.patterns.size();
      entry.patterns.forEach(this::unindex);
    }
  }

  private void index(RedactionPattern pattern) {
    Counted[] present = byHash.getOrDefault(pattern.hash(), NONE);
    Counted[] next = Arrays.copyOf(present, present.length + 1);
    int at = indexOf(pattern, present);
    if (at >= 0) {
      next = present.clone();
      next[at] = new Counted(pattern, present[at].count + 1);
    } else {
      next[present.length] = new Counted(pattern, 1);
    }
    byHash.put(pattern.hash(), next);
    lengths
        .computeIfAbsent(
            pattern.prefix(), key -> new AtomicIntegerArray(RedactionPattern.MAX_BYTES + 1))
        .incrementAndGet(pattern.length());
    filter.incrementAndGet(slot(pattern.prefix()));
  }

  private void unindex(RedactionPattern pattern) {
    filter.decrementAndGet(slot(pattern.prefix()));
    AtomicIntegerArray counts = lengths.get(pattern.prefix());
    counts.decrementAndGet(pattern.length());
    if (IntStream.range(0, counts.length()).allMatch(length -> counts.get(length) == 0)) {
      lengths.remove(pattern.prefix());
    }
    Counted[] present = byHash.get(pattern.hash());
    int at = indexOf(pattern, present);
    if (present[at].count > 1) {
      Counted[] next = present.clone();
      next[at] = new Counted(pattern, present[at].count - 1);
      byHash.put(pattern.hash(), next);
    } else if (present.length > 1) {
      byHash.put(
          pattern.hash(),
          Stream.of(present)
              .filter(counted -> !counted.pattern.equals(pattern))
              .toArray(Counted[]::new));
    } else {
      byHash.remove(pattern.hash());
    }
  }

  private static int indexOf(RedactionPattern pattern, Counted[] bucket) {
    for (int i = 0; i < bucket.length; i++) {
      if (bucket[i].pattern.equals(pattern)) {
        return i;
      }
    }
    return -1;
  }

  /** The text with the mask for every known secret; the same object when there is none in it. */
  String scrub(String text) {
    if (byHash.isEmpty() || text.isEmpty()) {
      return text;
    }
    if (nextExpiryNanos != Long.MAX_VALUE && nextExpiryNanos - nanos.getAsLong() <= 0) {
      synchronized (known) {
        forgetExpired();
      }
    }
    byte[] source = text.getBytes(StandardCharsets.UTF_8);
    BitSet hidden = new BitSet();
    for (TextView view : TextView.allOf(source)) {
      search(view, hidden);
    }
    return hidden.isEmpty() ? text : masked(source, hidden);
  }

  private void search(TextView view, BitSet hidden) {
    byte[] bytes = view.bytes();
    for (int at = 0; at < bytes.length; at++) {
      int packed = 0;
      int longest = Math.min(RedactionPattern.PREFIX_BYTES, bytes.length - at);
      for (int length = 1; length <= longest; length++) {
        packed = RedactionPattern.extend(packed, bytes[at + length - 1]);
        int prefix = RedactionPattern.prefix(packed, length);
        if (filter.get(slot(prefix)) > 0) {
          searchAt(view, at, lengths.get(prefix), hidden);
        }
      }
    }
  }

  private void searchAt(TextView view, int at, AtomicIntegerArray counts, BitSet hidden) {
    if (counts == null) {
      return;
    }
    byte[] bytes = view.bytes();
    long hash = RedactionPattern.HASH_SEED;
    int longest = Math.min(RedactionPattern.MAX_BYTES, bytes.length - at);
    for (int length = 1; length <= longest; length++) {
      hash = RedactionPattern.extend(hash, bytes[at + length - 1]);
      if (counts.get(length) > 0) {
        for (Counted candidate : byHash.getOrDefault(hash, NONE)) {
          RedactionPattern.Span span = candidate.pattern.matchAt(bytes, at);
          if (span != null) {
            hidden.set(view.sourceStart(span.start()), view.sourceEnd(span.end()));
          }
        }
      }
    }
  }

  private static String masked(byte[] source, BitSet hidden) {
    TextView.widenOverEscapes(source, hidden);
    byte[] out = new byte[source.length + hidden.cardinality() * MASK.length];
    int length = 0;
    int from = 0;
    for (int start = hidden.nextSetBit(0); start >= 0; start = hidden.nextSetBit(from)) {
      System.arraycopy(source, from, out, length, start - from);
      length += start - from;
      System.arraycopy(MASK, 0, out, length, MASK.length);
      length += MASK.length;
      from = hidden.nextClearBit(start);
    }
    System.arraycopy(source, from, out, length, source.length - from);
    length += source.length - from;
    return new String(out, 0, length, StandardCharsets.UTF_8);
  }

  private static int slot(int prefix) {
    return (prefix * 0x9E3779B9) >>> 16;
  }
}
