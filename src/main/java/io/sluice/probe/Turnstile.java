package io.sluice.probe;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * Bounds how many tests run at once, in total and per target, so that a target that hangs takes few
 * places and keeps no other waiting, nor does a sender whose targets all hang.
 */
final class Turnstile {
  private final Shares all;
  private final int perTarget;
  private final ConcurrentHashMap<String, Place> targets = new ConcurrentHashMap<>();

  /** The places of one target; forgotten when nobody is in or waits. */
  private static final class Place {
    private final Semaphore free;
    private int users;

    Place(int places) {
      free = new Semaphore(places, true);
    }
  }

  Turnstile(int total, int perTarget) {
    this.all = new Shares(total);
    this.perTarget = perTarget;
  }

  /**
   * @param sender on whose behalf the test is; null: it takes a place of its target only
   * @return what to run when the test is over, on any thread
   * @throws Refusal as overload when there is no place before the deadline
   */
  Runnable enter(String target, String sender, long deadlineNanos) {
    Place place =
        targets.compute(
            target,
            (key, known) -> {
              Place p = known == null ? new Place(perTarget) : known;
              p.users++;
              return p;
            });
    boolean inTarget = false;
    boolean in = false;
    try {
      // The target first: who waits for a busy target must not hold one of the places of all.
      inTarget = acquire(place.free, deadlineNanos);
      in = inTarget && (sender == null || all.enter(sender, deadlineNanos));
    } finally {
      if (!in) {
        leave(target, place, inTarget);
      }
    }
    if (!in) {
      throw Refusal.because(Reason.OVERLOADED);
    }
    return () -> {
      if (sender != null) {
        all.leave(sender);
      }
      leave(target, place, true);
    };
  }

  private static boolean acquire(Semaphore semaphore, long deadlineNanos) {
    try {
      return semaphore.tryAcquire(
          Math.max(deadlineNanos - System.nanoTime(), 0), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void leave(String target, Place place, boolean wasIn) {
    if (wasIn) {
      place.free.release();
    }
    targets.computeIfPresent(target, (key, p) -> --p.users == 0 ? null : p);
  }

  /** How many targets are being tested or waited for. */
  int targets() {
    return targets.size();
  }
}
