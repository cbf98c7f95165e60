package io.sluice.secrets;

import io.sluice.model.Secret;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.function.LongSupplier;

/**
 * The values that are scrubbed, found by their first four bytes: adding and removing one costs what
 * that value costs, and a search costs the length of the text, however many values there are.
 */
final class RedactionIndex {
  /** How long a secret stays known after its last use. */
  static final Duration RETENTION = Duration.ofSeconds(60);

  /**
   * How many patterns the retired secrets may keep, about 3 MiB; above it the oldest go first. A
   * password has about five.
   */
  static final int MAX_RETIRED_PATTERNS = 20_000;

  /** Counts of keys by their hash: most positions of a text are dismissed by one look at it. */
  private static final int FILTER_SIZE = 1 << 16;

  private static final byte[] MASK = Secret.MASK.getBytes(StandardCharsets.US_ASCII);

  /** A pattern and how many known secrets have it. */
  private record Counted(RedactionPattern pattern, int count) {}

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
  private final ConcurrentHashMap<Integer, Counted[]> byKey = new ConcurrentHashMap<>();
  private final AtomicIntegerArray filter = new AtomicIntegerArray(FILTER_SIZE);

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
    byKey.compute(
        pattern.key(),
        (key, present) -> {
          if (present == null) {
            return new Counted[] {new Counted(pattern, 1)};
          }
          for (int i = 0; i < present.length; i++) {
            if (present[i].pattern.equals(pattern)) {
              Counted[] next = present.clone();
              next[i] = new Counted(pattern, present[i].count + 1);
              return next;
            }
          }
          Counted[] next = Arrays.copyOf(present, present.length + 1);
          next[present.length] = new Counted(pattern, 1);
          return next;
        });
    filter.incrementAndGet(slot(pattern.key()));
  }

  private void unindex(RedactionPattern pattern) {
    filter.decrementAndGet(slot(pattern.key()));
    byKey.compute(
        pattern.key(),
        (key, present) -> {
          List<Counted> next = new ArrayList<>(present.length);
          for (Counted counted : present) {
            if (!counted.pattern.equals(pattern)) {
              next.add(counted);
            } else if (counted.count > 1) {
              next.add(new Counted(pattern, counted.count - 1));
            }
          }
          return next.isEmpty() ? null : next.toArray(Counted[]::new);
        });
  }

  /** The text with the mask for every known secret; the same object when there is none in it. */
  String scrub(String text) {
    if (byKey.isEmpty() || text.isEmpty()) {
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
      int key = 0;
      int longest = Math.min(RedactionPattern.KEY_BYTES, bytes.length - at);
      for (int length = 1; length <= longest; length++) {
        key = RedactionPattern.extend(key, bytes[at + length - 1]);
        int keyed = RedactionPattern.key(key, length);
        if (filter.get(slot(keyed)) > 0) {
          searchAt(view, at, byKey.get(keyed), hidden);
        }
      }
    }
  }

  private static void searchAt(TextView view, int at, Counted[] candidates, BitSet hidden) {
    if (candidates == null) {
      return;
    }
    for (Counted candidate : candidates) {
      RedactionPattern.Span span = candidate.pattern.matchAt(view.bytes(), at);
      if (span != null) {
        hidden.set(view.sourceStart(span.start()), view.sourceEnd(span.end()));
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

  private static int slot(int key) {
    int mixed = key * 0x9E3779B9;
    return mixed >>> 16;
  }
}
