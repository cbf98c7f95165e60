package io.sluice.accept;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Bounds how many requests are worked at a time, so that many that come at once do not all become
 * slow: a few end soon, the others wait in the order of their coming, and may give up.
 *
 * <p>Safe for any thread; what is run is never run under a lock.
 */
final class RequestTurns {
  private int free;
  private final Set<Waiting> queue = new LinkedHashSet<>();

  /** What a request is worked by. */
  interface Work {
    /** Begins, and leaves the turn in the end; false where it did not begin and needs no turn. */
    boolean begin(Turn turn);
  }

  /** A request that waits for its turn. */
  static final class Waiting {
    private final Work work;

    private Waiting(Work work) {
      this.work = work;
    }
  }

  /** One request that is worked. */
  final class Turn {
    private final AtomicBoolean over = new AtomicBoolean();

    /** The request is done, or what it waits for bounds it from now on; once or more. */
    void leave() {
      if (!over.getAndSet(true)) {
        pass();
      }
    }
  }

  RequestTurns(int atOnce) {
    this.free = atOnce;
  }

  /**
   * Begins the work, now on this thread or in its turn on that of a request that leaves.
   *
   * @return the request as one that waits; null where it did not have to
   */
  Waiting ask(Work work) {
    synchronized (this) {
      if (free == 0) {
        Waiting waiting = new Waiting(work);
        queue.add(waiting);
        return waiting;
      }
      free--;
    }
    if (!work.begin(new Turn())) {
      pass();
    }
    return null;
  }

  /** Whether the request still waited; it will not be worked then. */
  synchronized boolean giveUp(Waiting waiting) {
    return queue.remove(waiting);
  }

  private void pass() {
    boolean begun = false;
    while (!begun) {
      Waiting next;
      synchronized (this) {
        if (queue.isEmpty()) {
          free++;
          return;
        }
        next = queue.iterator().next();
        queue.remove(next);
      }
      begun = next.work.begin(new Turn());
    }
  }
}
