package io.sluice.probe;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
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

  /** One that waits, woken when it has its place and at no other time. */
  private static final class Waiting {
    private final String sender;
    private final Condition turn;
    private boolean in;

    Waiting(String sender, Condition turn) {
      this.sender = sender;
      this.turn = turn;
    }
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Integer> held = new HashMap<>();

  /** In the order of their coming; never one who may enter. */
  private final Set<Waiting> queue = new LinkedHashSet<>();

  private int free;

  Shares(int places) {
    this.free = places;
  }

  /**
   * @return whether there was a place for the sender before the deadline, and the thread was not
   *     interrupted while it waited
   */
  boolean enter(String sender, long deadlineNanos) {
    lock.lock();
    try {
      if (mayEnter(sender)) {
        take(sender);
        return true;
      }
      return await(new Waiting(sender, lock.newCondition()), deadlineNanos);
    } finally {
      lock.unlock();
    }
  }

  private boolean await(Waiting waiting, long deadlineNanos) {
    queue.add(waiting);
    try {
      long left = deadlineNanos - System.nanoTime();
      while (!waiting.in && left > 0) {
        left = waiting.turn.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      queue.remove(waiting);
    }
    return waiting.in;
  }

  void leave(String sender) {
    lock.lock();
    try {
      free++;
      held.computeIfPresent(sender, (key, count) -> count == 1 ? null : count - 1);
      letIn();
    } finally {
      lock.unlock();
    }
  }

  /** Those who may enter now. A sender who may not is asked for once, however many of it wait. */
  private void letIn() {
    Set<String> refused = new HashSet<>();
    for (Iterator<Waiting> all = queue.iterator(); free > 0 && all.hasNext(); ) {
      Waiting waiting = all.next();
      if (!refused.contains(waiting.sender)) {
        if (mayEnter(waiting.sender)) {
          take(waiting.sender);
          waiting.in = true;
          waiting.turn.signal();
          all.remove();
        } else {
          refused.add(waiting.sender);
        }
      }
    }
  }

  private boolean mayEnter(String sender) {
    return free > 0 && held.getOrDefault(sender, 0) < (long) HELD_FOR_EACH_FREE * free;
  }

  private void take(String sender) {
    free--;
    held.merge(sender, 1, Integer::sum);
  }

  int waiting() {
    lock.lock();
    try {
      return queue.size();
    } finally {
      lock.unlock();
    }
  }
}
