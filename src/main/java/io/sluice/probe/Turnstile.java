package io.sluice.probe;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.util.Collections;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Bounds how many tests run at once, in total and per target, so that a target that hangs takes few
 * places and keeps no other waiting, nor does a sender whose targets all hang.
 *
 * <p>A test whose peer keeps it waiting is slow: it costs next to nothing and gives its place among
 * the busy ones to another, for one of the many among the slow ones. With its target it keeps its
 * place, and where slow tests have them all, few others may wait for them.
 *
 * <p>Targets whose last test was quick have shares of their own: however many unknown ones come at
 * once, they find a place.
 */
final class Turnstile {
  /** So many targets are known as quick; each is a host and a port. */
  private static final int MOST_QUICK = 10_000;

  /** Ends the share's name of a sender whose targets are not known as quick. */
  private static final String UNKNOWN = "?";

  private final Shares busy;
  private final Shares slow;
  private final int perTarget;
  private final ConcurrentHashMap<String, Place> targets = new ConcurrentHashMap<>();

  /** The targets whose last test was quick; those that were not tested for long are forgotten. */
  private final Set<String> quick =
      Collections.synchronizedSet(Collections.newSetFromMap(new LastUsed<>(MOST_QUICK)));

  /** The places of one target; forgotten when nobody is in or waits. */
  private static final class Place {
    private final Semaphore free;
    private final AtomicInteger users = new AtomicInteger();
    private final AtomicInteger slow = new AtomicInteger();

    Place(int places) {
      free = new Semaphore(places, true);
    }
  }

  /**
   * @param busy tests at once, of all targets
   * @param slow slow tests at once, of all targets, beside the busy ones
   */
  Turnstile(int busy, int slow, int perTarget) {
    this.busy = new Shares(busy);
    this.slow = new Shares(slow);
    this.perTarget = perTarget;
  }

  /**
   * @param sender on whose behalf the test is; null: it takes a place of its target only
   * @return to be left when the test is over
   * @throws Refusal as overload when there is no place before the deadline
   */
  Pass enter(String target, String sender, long deadlineNanos) {
    Place place =
        targets.compute(
            target,
            (key, known) -> {
              Place p = known == null ? new Place(perTarget) : known;
              p.users.incrementAndGet();
              return p;
            });
    String share = sender == null || quick.contains(target) ? sender : sender + UNKNOWN;
    boolean inTarget = false;
    boolean in = false;
    try {
      // The target first: who waits for a busy target must not hold one of the places of all.
      inTarget = acquire(place, deadlineNanos);
      in = inTarget && (share == null || busy.enter(share, deadlineNanos));
    } finally {
      if (!in) {
        leave(target, place, inTarget);
      }
    }
    if (!in) {
      throw Refusal.because(
          Reason.OVERLOADED,
          inTarget
              ? "Too many connection tests are running."
              : "Other connection tests of the same host and port are running.");
    }
    return new Pass(target, place, share);
  }

  /** One test that is in. */
  final class Pass {
    private final String target;
    private final Place place;
    private final String share;
    private boolean slow;
    private boolean aside;
    private boolean over;

    private Pass(String target, Place place, String share) {
      this.target = target;
      this.place = place;
      this.share = share;
    }

    /**
     * The test is slow.
     *
     * @return whether it has left its place among the busy ones to another; not where there are too
     *     many slow ones
     */
    synchronized boolean slow() {
      if (over || slow) {
        return aside;
      }
      slow = true;
      quick.remove(target);
      place.slow.incrementAndGet();
      aside = share != null && Turnstile.this.slow.enter(share, System.nanoTime());
      if (aside) {
        busy.leave(share);
      }
      return aside;
    }

    /** The test is over; on any thread. */
    synchronized void leave() {
      over = true;
      if (aside) {
        Turnstile.this.slow.leave(share);
      } else if (share != null) {
        busy.leave(share);
      }
      if (slow) {
        place.slow.decrementAndGet();
      } else {
        quick.add(target);
      }
      Turnstile.this.leave(target, place, true);
    }
  }

  private boolean acquire(Place place, long deadlineNanos) {
    try {
      // Without a time it would overtake those who wait.
      if (place.free.tryAcquire(0, TimeUnit.NANOSECONDS)) {
        return true;
      }
      // As many as there are places, if the slow ones should get through after all.
      if (place.slow.get() >= perTarget && place.users.get() > 2 * perTarget) {
        return false;
      }
      return place.free.tryAcquire(
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
    targets.computeIfPresent(target, (key, p) -> p.users.decrementAndGet() == 0 ? null : p);
  }

  /** How many targets are being tested or waited for. */
  int targets() {
    return targets.size();
  }
}
