package io.sluice.publish;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The keys of whom the broker did not take a record lately. Their records are left out for a while,
 * so that one which it refuses, or a partition that has no leader, holds up its own keys alone.
 * Then all are tried again together, since an attempt may take as long as the first pause; the
 * pauses grow while the broker takes what others send. Thread-safe.
 */
final class RefusedKeys {
  private static final Duration PAUSE = Duration.ofSeconds(10);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(60);

  /** So many that a statement can still name them; with more, all begin anew. */
  private static final int MOST = 10_000;

  private final Set<String> keys = new HashSet<>();
  private Duration pause = PAUSE;
  private long tried;

  /** Whether the broker has taken another key's record since the last attempt. */
  private boolean othersTaken;

  synchronized boolean isEmpty() {
    return keys.isEmpty();
  }

  /**
   * The keys to leave out.
   *
   * @param now of {@link System#nanoTime()}, as everywhere here
   */
  synchronized List<String> leftOut(long now) {
    return now - tried < pause.toNanos() ? List.copyOf(keys) : List.of();
  }

  /** The broker has a record of this key. */
  synchronized void taken(String key) {
    keys.remove(key);
    othersTaken = true;
  }

  /** An attempt is over in which the broker did not take these. */
  synchronized void refused(List<String> all, long now) {
    if (keys.isEmpty() || !othersTaken) {
      pause = PAUSE;
    } else if (all.stream().anyMatch(keys::contains)) {
      Duration longer = pause.multipliedBy(2);
      pause = longer.compareTo(LONGEST_PAUSE) < 0 ? longer : LONGEST_PAUSE;
    }
    if (keys.size() + all.size() > MOST) {
      keys.clear();
    }
    keys.addAll(all);
    othersTaken = false;
    tried = now;
  }
}
