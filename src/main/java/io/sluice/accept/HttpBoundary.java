package io.sluice.accept;

import io.vertx.core.Future;
import io.vertx.core.MultiMap;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.apache.camel.Message;
import org.apache.camel.Processor;
import org.apache.camel.component.platform.http.PlatformHttpEndpoint;
import org.apache.camel.component.platform.http.spi.PlatformHttpConsumer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpConsumer;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpEngine;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpRouter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The only door between HTTP and the routes. A request becomes one {@link HttpRequest}, an {@link
 * HttpAnswer} becomes the response, and no header crosses in either direction by itself.
 *
 * <p>The platform's own consumer would merge headers, query and form fields into one map and echo
 * that map as response headers; it would also decode a form body before anyone could see that it is
 * JSON. Here the raw bytes are read on the event loop, with a limit and a deadline, so that a slow
 * sender holds no worker thread.
 */
public final class HttpBoundary extends VertxPlatformHttpEngine {
  private static final Logger LOG = LoggerFactory.getLogger(HttpBoundary.class);

  /** How far a body over the limit is read and thrown away, so that its sender sees the 413. */
  private static final int DRAIN_FACTOR = 16;

  private final int bodyLimit;
  private final Duration bodyDeadline;
  private final Answers answers;

  /**
   * @param bodyLimit in bytes
   * @param bodyDeadline by when a body must have arrived
   */
  public HttpBoundary(int bodyLimit, Duration bodyDeadline, Answers answers) {
    this.bodyLimit = bodyLimit;
    this.bodyDeadline = bodyDeadline;
    this.answers = answers;
  }

  @Override
  public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor processor) {
    endpoint.setUseBodyHandler(false);
    return new Consumer(
        endpoint, processor, VertxPlatformHttpRouter.getRouterNameFromPort(getServerPort()));
  }

  private final class Consumer extends VertxPlatformHttpConsumer {
    Consumer(PlatformHttpEndpoint endpoint, Processor route, String router) {
      super(endpoint, exchange -> answer(exchange, route), List.of(), router);
    }

    @Override
    protected Future<Void> processHttpRequest(Exchange exchange, RoutingContext context) {
      return read(context)
          .map(
              request -> {
                exchange.setProperty(HttpRequest.PROPERTY, request);
                exchange.setProperty(RoutingContext.class.getName(), context);
                Message message = exchange.getIn();
                message.setHeader(Exchange.HTTP_METHOD, request.method());
                message.setHeader(Exchange.HTTP_PATH, request.path());
                return null;
              });
    }
  }

  private Future<HttpRequest> read(RoutingContext context) {
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
          received[0] += chunk.length();
          if (received[0] <= bodyLimit) {
            body.appendBuffer(chunk);
          } else if (received[0] > (long) bodyLimit * DRAIN_FACTOR) {
            done.tryComplete(typed(request, context.normalizedPath(), null));
          }
        });
    request.endHandler(
        end ->
            done.tryComplete(
                typed(request, context.normalizedPath(), received[0] <= bodyLimit ? body : null)));
    request.exceptionHandler(done::tryFail);
    if (request.headers().contains(HttpHeaders.EXPECT, HttpHeaders.CONTINUE, true)) {
      context.response().writeContinue();
    }
    request.resume();
    return done.future().onComplete(read -> context.vertx().cancelTimer(timer));
  }

  private static HttpRequest typed(HttpServerRequest request, String path, Buffer body) {
    return new HttpRequest(
        UUID.randomUUID().toString(),
        request.method().name(),
        path,
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

  private void answer(Exchange exchange, Processor route) {
    HttpRequest request = exchange.getProperty(HttpRequest.PROPERTY, HttpRequest.class);
    HttpAnswer answer;
    try {
      route.process(exchange);
      answer = answerOf(exchange, request);
    } catch (Exception e) {
      answer = unexpected(e, request);
    }
    exchange.setException(null);
    RoutingContext context =
        exchange.getProperty(RoutingContext.class.getName(), RoutingContext.class);
    write(answer, request, context);
  }

  private HttpAnswer answerOf(Exchange exchange, HttpRequest request) {
    if (exchange.getException() != null) {
      return unexpected(exchange.getException(), request);
    }
    Message message = exchange.getMessage();
    if (message.getBody() instanceof HttpAnswer answer) {
      return answer;
    }
    // The contract-first dispatcher leaves these two for what the contract does not list.
    Object status = message.getHeader(Exchange.HTTP_RESPONSE_CODE);
    if (Integer.valueOf(404).equals(status)) {
      return answers.noSuchResource(request);
    }
    if (Integer.valueOf(405).equals(status)) {
      return answers.methodNotAllowed(request, message.getHeader("Allow", String.class));
    }
    return unexpected(new IllegalStateException("A route ended without an answer."), request);
  }

  private HttpAnswer unexpected(Exception e, HttpRequest request) {
    LOG.atError()
        .addKeyValue("request", request.id())
        .addKeyValue("failure", e.getClass().getName())
        .setCause(e)
        .log("A request failed unexpectedly.");
    return answers.internal(request);
  }

  private static void write(HttpAnswer answer, HttpRequest request, RoutingContext context) {
    HttpServerResponse response = context.response();
    if (response.ended() || response.closed()) {
      return;
    }
    response.setStatusCode(answer.status());
    answer.headers().forEach(response::putHeader);
    response.putHeader("X-Request-Id", request.id());
    response.putHeader("X-Content-Type-Options", "nosniff");
    response.putHeader(HttpHeaders.CACHE_CONTROL, "no-store");
    // A body that was given up may go on for ever: the connection ends with the answer.
    boolean bodyGoesOn = !context.request().isEnded();
    if (bodyGoesOn) {
      response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    }
    if (answer.contentType() != null) {
      response.putHeader(HttpHeaders.CONTENT_TYPE, answer.contentType());
    }
    Future<Void> sent =
        answer.body() == null ? response.end() : response.end(Buffer.buffer(answer.body()));
    if (bodyGoesOn) {
      sent.onComplete(done -> context.request().connection().close());
    }
  }
}
