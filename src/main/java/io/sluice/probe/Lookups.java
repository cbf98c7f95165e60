package io.sluice.probe;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Name lookups with a deadline. A system's resolver cannot be interrupted and may try silent
 * servers for half a minute, so lookups run on threads of their own: the test that asked goes on
 * without the answer and gives its place back.
 *
 * <p>The threads are bounded. When all of them wait for silent servers, further lookups queue for
 * as long as their own deadlines last; literal addresses need none. Thread-safe.
 */
final class Lookups implements AutoCloseable {
  private static final Duration IDLE = Duration.ofSeconds(30);

  private final Resolver resolver;
  private final ThreadPoolExecutor threads;

  /**
   * @param maxAtOnce lookups under way at once, counting those that nobody waits for any more
   */
  Lookups(Resolver resolver, int maxAtOnce) {
    this.resolver = resolver;
    AtomicInteger number = new AtomicInteger();
    threads =
        new ThreadPoolExecutor(
            maxAtOnce,
            maxAtOnce,
            IDLE.toSeconds(),
            TimeUnit.SECONDS,
            // Bounded by the tests that wait: each removes what it no longer waits for.
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "probe-lookup-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * All addresses of a name.
   *
   * @throws TimeoutException when there is no answer within {@code patience}
   * @throws UnknownHostException also when the prober is being closed
   */
  List<InetAddress> addresses(String name, Duration patience)
      throws UnknownHostException, TimeoutException {
    Future<InetAddress[]> answer;
    try {
      answer = threads.submit(() -> resolver.lookUp(name));
    } catch (RejectedExecutionException e) {
      throw unknown(name, e);
    }
    try {
      return List.of(answer.get(patience.toNanos(), TimeUnit.NANOSECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unknown(name, e);
    } catch (ExecutionException e) {
      throw unknown(name, e.getCause());
    } finally {
      if (answer.cancel(true)) {
        threads.purge();
      }
    }
  }

  private static UnknownHostException unknown(String name, Throwable cause) {
    UnknownHostException unknown = new UnknownHostException(name);
    unknown.initCause(cause);
    return unknown;
  }

  /** Ends the threads as soon as their lookups end. */
  @Override
  public void close() {
    threads.shutdownNow();
  }
}
