package io.sluice.accept;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.impl.VertxInternal;
import io.vertx.core.impl.VertxWrapper;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * Vert.x with servers that read longer request lines and headers than usual, answer in the error
 * shape to what cannot be read, and close connections that nothing passes through any more, or that
 * come too early. The platform's server has no setting for these: it takes the Vert.x that it finds
 * in the registry, and asks it for a server.
 */
public final class HttpLimits extends VertxWrapper {
  /** The longest request line that a route gets to see: a CONFIG in the query has room. */
  static final int LINE_BYTES = 64 * 1024;

  /**
   * The longest one that is read at all. Between the two limits the path is known, and with it the
   * error shape of its API.
   */
  private static final int READABLE_LINE_BYTES = 2 * LINE_BYTES;

  /** All header lines together. */
  static final int HEADER_BYTES = 16 * 1024;

  /**
   * How long the connection stays open after an answer to what is still being sent: closed at once,
   * it would be reset, and the sender would not see the answer.
   */
  private static final Duration LINGER = Duration.ofSeconds(1);

  private final Answers answers;
  private final Duration idle;
  private final int apiPort;
  private volatile boolean open;

  /**
   * @param idle for how long a connection may be silent, also while its request is at work; in
   *     seconds
   * @param apiPort where nobody is let in before {@link #open()}
   */
  public HttpLimits(Answers answers, Duration idle, int apiPort) {
    super((VertxInternal) Vertx.vertx(new VertxOptions()));
    this.answers = answers;
    this.idle = idle;
    this.apiPort = apiPort;
  }

  /** The service is ready: whoever comes from now on is let in. */
  public void open() {
    open = true;
  }

  @Override
  public HttpServer createHttpServer(HttpServerOptions options) {
    return super.createHttpServer(
            new HttpServerOptions(options)
                .setMaxInitialLineLength(READABLE_LINE_BYTES)
                .setMaxHeaderSize(HEADER_BYTES)
                .setIdleTimeout((int) Math.min(idle.toSeconds(), Integer.MAX_VALUE))
                .setIdleTimeoutUnit(TimeUnit.SECONDS))
        .invalidRequestHandler(this::refuse)
        .connectionHandler(this::letIn);
  }

  /** The server listens before it knows any address or token, and would say so. */
  private void letIn(HttpConnection connection) {
    if (!open && connection.localAddress().port() == apiPort) {
      connection.close();
    }
  }

  /** Whether the line of a request that could be read is longer than it may be. */
  static boolean lineTooLong(HttpServerRequest request) {
    return request.method().name().length() + request.uri().length() + " HTTP/1.1\r\n".length() + 1
        > LINE_BYTES;
  }

  private void refuse(HttpServerRequest received) {
    Throwable cause = received.decoderResult().cause();
    Refusal refusal;
    if (cause instanceof TooLongHttpLineException) {
      refusal = Refusal.because(Reason.URI_TOO_LONG);
    } else if (cause instanceof TooLongHttpHeaderException) {
      refusal = Refusal.because(Reason.HEADERS_TOO_LARGE);
    } else {
      refusal =
          Refusal.because(
              Reason.MALFORMED_BODY, "The request line or a header is not valid HTTP/1.1.");
    }
    // Of what could not be read nothing but the path is taken, and that decides the shape alone.
    HttpRequest request =
        new HttpRequest(
            UUID.randomUUID().toString(),
            received.method().name(),
            received.path() == null ? "" : received.path(),
            null,
            Map.<String, List<String>>of(),
            new byte[0],
            false);
    HttpAnswer answer = answers.refused(request, refusal);
    HttpServerResponse response = received.response();
    HttpBoundary.head(answer, request, response);
    response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    response.putHeader(HttpHeaders.CONTENT_LENGTH, Integer.toString(answer.body().length));
    response.write(Buffer.buffer(answer.body()));
    setTimer(LINGER.toMillis(), over -> received.connection().close());
  }
}
