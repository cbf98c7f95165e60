package io.sluice.probe;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The places for tests, shared among senders. A sender may hold a few for each that is free, so
 * that whoever fills all it can get with targets that hang leaves places to everybody else: the
 * dynamic thresholds of Choudhury and Hahne (IEEE/ACM Transactions on Networking 6(2), 1998).
 */
final class Shares {
  /** With 32 places one sender gets 26, two get 14 each, and some stay free for a third. */
  private static final int HELD_FOR_EACH_FREE = 4;

  private final ReentrantLock lock = new ReentrantLock(true);
  private final Condition changed = lock.newCondition();
  private final Map<String, Integer> held = new HashMap<>();
  private int free;

  Shares(int places) {
    this.free = places;
  }

  /**
   * @return whether there was a place for the sender before the deadline, and the thread was not
   *     interrupted
   */
  boolean enter(String sender, long deadlineNanos) {
    lock.lock();
    try {
      while (free == 0 || held.getOrDefault(sender, 0) >= (long) HELD_FOR_EACH_FREE * free) {
        long left = deadlineNanos - System.nanoTime();
        if (left <= 0 || !changed.await(left, TimeUnit.NANOSECONDS)) {
          return false;
        }
      }
      free--;
      held.merge(sender, 1, Integer::sum);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
  }

  void leave(String sender) {
    lock.lock();
    try {
      free++;
      held.computeIfPresent(sender, (key, count) -> count == 1 ? null : count - 1);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
