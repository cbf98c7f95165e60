package io.sluice.accept;

import java.time.Duration;
import java.util.Comparator;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Updates that this instance gave back to the queue because it was at its limit. Each waits longer
 * than the time before, unless there is a place for it earlier. Thread-safe.
 */
final class Pauses {
  static final Duration FIRST = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofSeconds(15);

  private final Map<UUID, Pause> pauses = new ConcurrentHashMap<>();

  /** Leases of updates whose pause ends early, since when: there may be a place for them now. */
  private final Map<String, Long> called = new ConcurrentHashMap<>();

  /**
   * @param since of the clock that never jumps
   * @param target where there was no place; null: not known
   * @param lease the one that ends with the pause; null until the store has it
   */
  private record Pause(Duration length, long since, String target, String lease) {

    static Pause after(Pause before, String target) {
      Duration length = before == null ? FIRST : before.length().multipliedBy(2);
      return new Pause(
          length.compareTo(LONGEST) < 0 ? length : LONGEST, System.nanoTime(), target, null);
    }

    Pause stored(String under) {
      return new Pause(length, since, target, under);
    }
  }

  /**
   * @param target where there was no place; null: not known
   * @return how long it is
   */
  Duration begin(UUID update, String target) {
    return pauses.compute(update, (id, before) -> Pause.after(before, target)).length();
  }

  /** From now on the pause may end early. */
  void stored(UUID update, String lease) {
    pauses.computeIfPresent(update, (id, pause) -> pause.stored(lease));
  }

  /**
   * An update has ended, and left its place at the target.
   *
   * @return whether another one, the first of those that found no place there, is called
   */
  boolean over(UUID update, String target) {
    pauses.remove(update);
    return pauses.values().stream()
        .filter(pause -> pause.lease() != null && !called.containsKey(pause.lease()))
        .filter(pause -> pause.target() != null && pause.target().equals(target))
        .min(Comparator.comparingLong(Pause::since))
        .map(pause -> called.put(pause.lease(), System.nanoTime()) == null)
        .orElse(false);
  }

  /** The leases that end early. */
  Set<String> called() {
    return called.keySet();
  }

  /** What was called has come. */
  void claimed(String lease) {
    called.remove(lease);
  }

  /**
   * Drops what another instance may have ended.
   *
   * @param now of the clock that never jumps
   * @param lease how long one is
   */
  void forget(long now, Duration lease) {
    pauses
        .values()
        .removeIf(pause -> now - pause.since() > 2 * LONGEST.toNanos() + lease.toNanos());
    called.values().removeIf(since -> now - since > LONGEST.toNanos());
  }
}
