package io.sluice.probe;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Ends tests whose deadline has passed, by closing the raw socket from outside: no timeout of a
 * driver bounds a server that drips a byte a second.
 *
 * <p>A run's deadline moves with its steps. To keep that cheap, one timer per run looks at it in
 * intervals no longer than the shortest step, and sooner when the deadline is near. The first look
 * tells which runs are slow.
 */
final class Watchdog implements AutoCloseable {
  private final ScheduledThreadPoolExecutor timer;
  private final long shortestStepNanos;
  private final long slowAfterNanos;

  Watchdog(ProbeSettings settings) {
    shortestStepNanos =
        Stream.of(
                settings.dns(),
                settings.tcp(),
                settings.ssh(),
                settings.tls(),
                settings.login(),
                settings.query())
            .mapToLong(Duration::toNanos)
            .min()
            .orElseThrow();
    slowAfterNanos = settings.slowAfter().toNanos();
    timer =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "probe-watchdog");
              thread.setDaemon(true);
              return thread;
            });
    timer.setRemoveOnCancelPolicy(true);
  }

  /**
   * Watches a run until the result is stopped.
   *
   * @param slow called once, when the run has taken as long as a slow one does
   * @param expired called once, when the run's deadline has passed and it has been ended
   */
  Watch watch(TestRun run, Runnable slow, Runnable expired) {
    Watch watch = new Watch(run, slow, expired);
    watch.arm(slowAfterNanos);
    return watch;
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  /** One run under watch. */
  final class Watch implements Runnable {
    private final TestRun run;
    private final Runnable expired;
    private Runnable slow;
    private Future<?> next;
    private boolean over;

    private Watch(TestRun run, Runnable slow, Runnable expired) {
      this.run = run;
      this.slow = slow;
      this.expired = expired;
    }

    private synchronized void arm(long mostNanos) {
      if (!over) {
        long left = Math.max(run.deadlineNanos() - System.nanoTime(), 0);
        next = timer.schedule(this, Math.min(left, mostNanos), TimeUnit.NANOSECONDS);
      }
    }

    @Override
    public void run() {
      if (run.expire()) {
        expired.run();
        return;
      }
      if (slow != null) {
        slow.run();
        slow = null;
      }
      arm(shortestStepNanos);
    }

    synchronized void stop() {
      over = true;
      next.cancel(false);
    }
  }
}
