package io.sluice.accept;

import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Writes an {@link EventFeed} to its client. */
final class FeedStream {
  /** Between two questions of a feed. */
  private static final Duration FEED_PAUSE = Duration.ofMillis(500);

  /** After so many pauses without an event a comment shows that both ends are there. */
  private static final int QUIET_PAUSES = 30;

  private final Executor readers;

  /**
   * @param readers the threads that feeds are read on, however many requests are at work
   */
  FeedStream(Executor readers) {
    this.readers = readers;
  }

  /**
   * Writes what the feed has as long as the client is there, no faster than it reads. What a client
   * that is gone would not be told keeps nothing waiting: after many pauses a comment is sent to
   * it.
   */
  void follow(HttpAnswer answer, RoutingContext context) {
    HttpServerResponse response = context.response();
    EventFeed feed = answer.feed();
    AtomicBoolean asking = new AtomicBoolean();
    AtomicInteger quiet = new AtomicInteger();
    long timer =
        context
            .vertx()
            .setPeriodic(
                FEED_PAUSE.toMillis(),
                tick -> {
                  if (!response.writeQueueFull() && asking.compareAndSet(false, true)) {
                    read(feed, context)
                        .onSuccess(text -> tell(text, quiet, response))
                        .onFailure(failure -> response.end())
                        .onComplete(told -> asking.set(false));
                  }
                });
    Runnable over =
        () -> {
          context.vertx().cancelTimer(timer);
          feed.close();
        };
    response.closeHandler(closed -> over.run());
    response.endHandler(ended -> over.run());
    response.exceptionHandler(broken -> over.run());
    if (response.closed()) {
      over.run();
      return;
    }
    response.setChunked(true);
    response.write(Buffer.buffer(answer.body()));
  }

  private Future<String> read(EventFeed feed, RoutingContext context) {
    try {
      return Future.fromCompletionStage(
          CompletableFuture.supplyAsync(feed::next, readers), context.vertx().getOrCreateContext());
    } catch (RejectedExecutionException e) {
      // The service ends.
      return Future.failedFuture(e);
    }
  }

  private static void tell(String text, AtomicInteger quiet, HttpServerResponse response) {
    if (response.closed() || response.ended()) {
      return;
    }
    if (text == null) {
      response.end();
    } else if (!text.isEmpty()) {
      quiet.set(0);
      response.write(text);
    } else if (quiet.incrementAndGet() >= QUIET_PAUSES) {
      quiet.set(0);
      response.write(":\n\n");
    }
  }
}
