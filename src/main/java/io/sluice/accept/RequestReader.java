package io.sluice.accept;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;

/**
 * Reads a request with its raw body on the event loop, with a limit and a deadline, so that a slow
 * sender holds no worker thread.
 */
final class RequestReader {
  /** How far a body over the limit is read and thrown away, so that its sender sees the 413. */
  private static final int DRAIN_FACTOR = 16;

  private final int bodyLimit;
  private final Duration bodyDeadline;

  /**
   * @param bodyLimit in bytes
   * @param bodyDeadline by when a body must have arrived
   */
  RequestReader(int bodyLimit, Duration bodyDeadline) {
    this.bodyLimit = bodyLimit;
    this.bodyDeadline = bodyDeadline;
  }

  /**
   * On the event loop of the request.
   *
   * @return fails where the request is cut off, or its body does not arrive in time
   */
  Future<HttpRequest> read(RoutingContext context) {
    HttpServerRequest request = context.request();
    Promise<HttpRequest> done = Promise.promise();
    Buffer body = Buffer.buffer();
    long[] received = {0};
    long timer =
        context
            .vertx()
            .setTimer(
                bodyDeadline.toMillis(),
                expired -> {
                  if (done.tryFail("The body did not arrive in time.")) {
                    request.connection().close();
                  }
                });
    request.handler(
        chunk -> {
          if (done.future().isComplete()) {
            // Given up: what still comes before the connection ends is not looked at.
            return;
          }
          received[0] += chunk.length();
          if (received[0] <= bodyLimit) {
            body.appendBuffer(chunk);
          } else if (received[0] > (long) bodyLimit * DRAIN_FACTOR) {
            done.tryComplete(typed(request, null));
          }
        });
    request.endHandler(
        end -> done.tryComplete(typed(request, received[0] <= bodyLimit ? body : null)));
    request.exceptionHandler(done::tryFail);
    boolean asks = request.headers().contains(HttpHeaders.EXPECT, HttpHeaders.CONTINUE, true);
    if (announced(request) > (asks ? bodyLimit : (long) bodyLimit * DRAIN_FACTOR)) {
      done.tryComplete(typed(request, null));
    } else if (asks) {
      context.response().writeContinue();
    }
    request.resume();
    return done.future().onComplete(read -> context.vertx().cancelTimer(timer));
  }

  /** How many bytes the body is said to have; 0 where nothing is said. */
  private static long announced(HttpServerRequest request) {
    String length = request.getHeader(HttpHeaders.CONTENT_LENGTH);
    return length == null ? 0 : Long.parseLong(length);
  }

  /**
   * @param body null where it is too large
   */
  static HttpRequest typed(HttpServerRequest request, Buffer body) {
    return new HttpRequest(
        UUID.randomUUID().toString(),
        request.method().name(),
        Objects.requireNonNullElse(request.path(), ""),
        request.query(),
        headers(request.headers()),
        body == null ? new byte[0] : body.getBytes(),
        body == null);
  }

  private static Map<String, List<String>> headers(MultiMap received) {
    Map<String, List<String>> headers = new LinkedHashMap<>();
    received.forEach(
        (name, value) ->
            headers
                .computeIfAbsent(name.toLowerCase(Locale.ROOT), n -> new ArrayList<>(1))
                .add(value));
    return headers;
  }
}
