package io.sluice.bench;

import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/** How long each operation of one slice took. Filled by many threads, read when they have ended. */
final class Sample {
  private static final int MOST = 1 << 20;

  private final AtomicInteger count = new AtomicInteger();
  private final long[] nanos = new long[MOST];
  private long elapsedNanos;
  private long cpuNanos;

  void add(long tookNanos) {
    nanos[count.getAndIncrement() % MOST] = tookNanos;
  }

  void ended(long elapsed, long cpu) {
    elapsedNanos += elapsed;
    cpuNanos += cpu;
  }

  /** Takes in another slice of the same kind. */
  void merge(Sample other) {
    for (int i = 0; i < other.count(); i++) {
      add(other.nanos[i]);
    }
    ended(other.elapsedNanos, other.cpuNanos);
  }

  int count() {
    return Math.min(count.get(), MOST);
  }

  double perSecond() {
    return count() * 1e9 / elapsedNanos;
  }

  /** Processor time of the product for each operation. */
  double cpuMillisEach() {
    return cpuNanos / 1e6 / count();
  }

  /**
   * @param share of the operations that took no longer, for instance 0.99
   */
  double millis(double share) {
    long[] sorted = Arrays.copyOf(nanos, count());
    Arrays.sort(sorted);
    int at = (int) Math.ceil(share * sorted.length) - 1;
    return sorted[Math.max(at, 0)] / (double) Duration.ofMillis(1).toNanos();
  }
}
