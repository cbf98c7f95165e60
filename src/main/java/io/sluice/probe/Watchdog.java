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
 * intervals no longer than the shortest step, and sooner when the deadline is near.
 */
final class Watchdog implements AutoCloseable {
  private final ScheduledThreadPoolExecutor timer;
  private final long shortestStepNanos;

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

  /** Watches a run until the result is cancelled. */
  Watch watch(TestRun run) {
    Watch watch = new Watch(run);
    watch.arm();
    return watch;
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }

  /** One run under watch. */
  final class Watch implements Runnable {
    private final TestRun run;
    private Future<?> next;
    private boolean over;

    private Watch(TestRun run) {
      this.run = run;
    }

    private synchronized void arm() {
      if (!over) {
        long left = Math.max(run.deadlineNanos() - System.nanoTime(), 0);
        next = timer.schedule(this, Math.min(left, shortestStepNanos), TimeUnit.NANOSECONDS);
      }
    }

    @Override
    public void run() {
      if (!run.expire()) {
        arm();
      }
    }

    synchronized void stop() {
      over = true;
      next.cancel(false);
    }
  }
}
