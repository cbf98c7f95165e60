package io.sluice.accept;

import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * Bounds how many requests are worked at a time, so that many that come at once do not all become
 * slow: a few end soon, the others wait in the order of their coming, and may give up.
 *
 * <p>Safe for any thread; what is run is never run under a lock.
 */
final class RequestTurns {
  private int free;
  private final Set<Waiting> queue = new LinkedHashSet<>();

  /** A request that waits for its turn. */
  static final class Waiting {
    private final Consumer<Turn> work;

    private Waiting(Consumer<Turn> work) {
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
   * Runs the work, now on this thread or in its turn on that of a request that leaves.
   *
   * @return the request as one that waits; null where it did not have to
   */
  Waiting ask(Consumer<Turn> work) {
    synchronized (this) {
      if (free == 0) {
        Waiting waiting = new Waiting(work);
        queue.add(waiting);
        return waiting;
      }
      free--;
    }
    work.accept(new Turn());
    return null;
  }

  /** Whether the request still waited; it will not be worked then. */
  synchronized boolean giveUp(Waiting waiting) {
    return queue.remove(waiting);
  }

  private void pass() {
    Waiting next;
    synchronized (this) {
      if (queue.isEmpty()) {
        free++;
        return;
      }
      next = queue.iterator().next();
      queue.remove(next);
    }
    next.work.accept(new Turn());
  }
}
