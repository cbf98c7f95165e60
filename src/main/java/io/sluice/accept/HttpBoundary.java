package io.sluice.accept;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.probe.Prober;
import io.vertx.core.Future;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Route;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Function;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangePattern;
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
 * JSON. Here a {@link RequestReader} reads the raw bytes.
 */
public final class HttpBoundary extends VertxPlatformHttpEngine {
  private static final Logger LOG = LoggerFactory.getLogger(HttpBoundary.class);

  private static final String HEAD = "HEAD";

  /**
   * Requests that are worked at a time, four for each processor, and as many that only read; not
   * counted are those whose connection is being tested. Far more threads than processors would
   * leave the event loop, which has to tell the others that there are too many, no time to do so.
   */
  private static final int AT_ONCE = 4 * Runtime.getRuntime().availableProcessors();

  /** What tests nothing does not wait behind what does. */
  private static final Set<String> READS = Set.of("GET", HEAD, "OPTIONS");

  private static final String GOING_DOWN = "This instance is stopping.";

  private static final String NO_ADDRESS = "Send one Host header, and a path that begins with /.";

  private static final String TOO_MANY = "Too many requests are at work.";

  private final RequestReader reader;
  private final RequestWorkers workers;
  private final Callers callers;
  private final Turns familiar = new Turns(AT_ONCE);

  /** Half as many, as each has a question to the store: its connections are for others, too. */
  private final Turns strangers = new Turns(AT_ONCE / 2);

  private final Duration longestWait;
  private final FeedStream feeds;
  private final ContractPaths paths;
  private final Answers answers;

  /** The turns of those who are to wait behind each other only. */
  private static final class Turns {
    private final RequestTurns reads;
    private final RequestTurns writes;

    Turns(int atOnce) {
      reads = new RequestTurns(atOnce);
      writes = new RequestTurns(atOnce);
    }

    RequestTurns of(HttpRequest request) {
      return READS.contains(request.method()) ? reads : writes;
    }
  }

  /**
   * @param bodyLimit in bytes
   * @param bodyDeadline by when a body must have arrived
   * @param workers the threads that routes run on
   * @param callers tell who has been let in before: nobody else makes those wait
   * @param longestWait after which a request that did not get its turn is refused
   * @param feeds the threads that event streams are read on, however many requests are at work
   */
  public HttpBoundary(
      int bodyLimit,
      Duration bodyDeadline,
      RequestWorkers workers,
      Callers callers,
      Duration longestWait,
      RequestWorkers feeds,
      ContractPaths paths,
      Answers answers) {
    this.reader = new RequestReader(bodyLimit, bodyDeadline);
    this.workers = workers;
    this.callers = callers;
    this.longestWait = longestWait;
    this.feeds = new FeedStream(feeds);
    this.paths = paths;
    this.answers = answers;
  }

  @Override
  public PlatformHttpConsumer createConsumer(PlatformHttpEndpoint endpoint, Processor processor) {
    endpoint.setUseBodyHandler(false);
    return new Consumer(
        endpoint, processor, VertxPlatformHttpRouter.getRouterNameFromPort(getServerPort()));
  }

  private final class Consumer extends VertxPlatformHttpConsumer {
    private final String router;
    private Route first;

    Consumer(PlatformHttpEndpoint endpoint, Processor route, String router) {
      super(endpoint, exchange -> answer(exchange, route), List.of(), router);
      this.router = router;
    }

    @Override
    protected void doStart() throws Exception {
      super.doStart();
      // A route with a path cannot be first: to compare paths, the router decodes them.
      first = everything().route().order(-1).handler(this::letPass);
      // What the router itself refuses before any route: HTTP/1.1 without a Host, and no path.
      everything()
          .errorHandler(
              400,
              context -> refuseAtOnce(context, Refusal.because(Reason.MALFORMED_BODY, NO_ADDRESS)))
          .errorHandler(404, context -> refuseAtOnce(context, Refusal.because(Reason.NOT_FOUND)));
    }

    @Override
    protected void doStop() throws Exception {
      // While the whole service stops, it goes on telling so until the server is closed.
      if (first != null && getEndpoint().getCamelContext().getStatus().isStarted()) {
        first.remove();
        first = null;
      }
      super.doStop();
    }

    private void letPass(RoutingContext context) {
      if (getEndpoint().getCamelContext().getStatus().isStarted()) {
        letWellFormedPass(context);
      } else {
        refuse(context, Refusal.because(Reason.OVERLOADED, GOING_DOWN));
      }
    }

    /** The server's own router, around the one that the platform gives out. */
    private Router everything() {
      CamelContext camel = getEndpoint().getCamelContext();
      VertxPlatformHttpRouter inner = VertxPlatformHttpRouter.lookup(camel, router);
      if (inner == null) {
        // A port that the system chose: the router keeps the name that it got before.
        inner =
            VertxPlatformHttpRouter.lookup(
                camel, VertxPlatformHttpRouter.PLATFORM_HTTP_ROUTER_NAME_ZERO);
      }
      return (Router) inner.getServer().getServer().requestHandler();
    }

    /**
     * The platform's own way would write a response once the route is through; this answer may go
     * on after that.
     */
    @Override
    protected void handleRequest(RoutingContext context) {
      if (isSuspended()) {
        super.handleRequest(context);
        return;
      }
      reader
          .read(context)
          .onSuccess(request -> work(request, context))
          .onFailure(cut -> context.request().connection().close());
    }

    private void work(HttpRequest request, RoutingContext context) {
      long since = System.nanoTime();
      RequestTurns turns = (callers.familiar(request) ? familiar : strangers).of(request);
      RequestTurns.Waiting waiting = turns.ask(turn -> work(request, context, since, turn));
      if (waiting != null) {
        context
            .vertx()
            .setTimer(
                Math.max(longestWait.toMillis(), 1),
                over -> {
                  if (turns.giveUp(waiting)) {
                    tooMany(request, context);
                  }
                });
      }
    }

    private boolean work(
        HttpRequest request, RoutingContext context, long since, RequestTurns.Turn turn) {
      try {
        workers.execute(
            () -> {
              try {
                process(request, context, since, turn);
              } finally {
                turn.leave();
              }
            });
        return true;
      } catch (RejectedExecutionException | OutOfMemoryError e) {
        // The system, too, may have no thread any more.
        tooMany(request, context);
        return false;
      }
    }

    private void tooMany(HttpRequest request, RoutingContext context) {
      write(
          answers.refused(request, Refusal.because(Reason.OVERLOADED, TOO_MANY)), request, context);
    }

    private void process(
        HttpRequest request, RoutingContext context, long since, RequestTurns.Turn turn) {
      Exchange exchange = createExchange(false);
      exchange.setPattern(ExchangePattern.InOut);
      exchange.setProperty(HttpRequest.PROPERTY, request);
      exchange.setProperty(RoutingContext.class.getName(), context);
      exchange.setProperty(Prober.SINCE, since);
      exchange.setProperty(Prober.BEGINS, (Runnable) turn::leave);
      Message message = exchange.getIn();
      // The server leaves the body of an answer to HEAD out.
      message.setHeader(
          Exchange.HTTP_METHOD, request.method().equals(HEAD) ? "GET" : request.method());
      message.setHeader(Exchange.HTTP_PATH, request.path());
      try {
        createUoW(exchange);
        getProcessor().process(exchange);
      } catch (Exception | Error e) {
        // Whatever it is, the client is not left waiting for an answer.
        write(unexpected(e, request), request, context);
      } finally {
        doneUoW(exchange);
        releaseExchange(exchange, false);
      }
    }
  }

  private void letWellFormedPass(RoutingContext context) {
    String path = context.request().path();
    if (HttpLimits.lineTooLong(context.request())) {
      answer(context, request -> answers.refused(request, Refusal.because(Reason.URI_TOO_LONG)));
    } else if (context.request().headers().getAll(HttpHeaders.HOST).size() > 1) {
      // RFC 9112, section 3.2: a proxy on the way may have meant the other one.
      refuse(context, Refusal.because(Reason.MALFORMED_BODY, NO_ADDRESS));
    } else if (path != null && !ContractPaths.encodedWell(path)) {
      answer(context, answers::badAddress);
    } else {
      context.next();
    }
  }

  /** The router answers by itself where its error handler has not answered yet when it returns. */
  private void refuseAtOnce(RoutingContext context, Refusal refusal) {
    HttpRequest request = RequestReader.typed(context.request(), Buffer.buffer());
    write(answers.refused(request, refusal), request, context);
  }

  private void refuse(RoutingContext context, Refusal refusal) {
    context.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    answer(context, request -> answers.refused(request, refusal));
  }

  /** Answers once the body has been read. */
  private void answer(RoutingContext context, Function<HttpRequest, HttpAnswer> answer) {
    reader
        .read(context)
        .onSuccess(request -> write(answer.apply(request), request, context))
        .onFailure(cut -> context.request().connection().close());
  }

  private void answer(Exchange exchange, Processor route) {
    HttpRequest request = exchange.getProperty(HttpRequest.PROPERTY, HttpRequest.class);
    HttpAnswer answer = outsideContract(request);
    if (answer == null) {
      try {
        route.process(exchange);
        answer = answerOf(exchange, request);
      } catch (Exception e) {
        answer = unexpected(e, request);
      }
    }
    exchange.setException(null);
    RoutingContext context =
        exchange.getProperty(RoutingContext.class.getName(), RoutingContext.class);
    write(answer, request, context);
  }

  /** The answer to a request for which the contract has no operation; null where it has one. */
  private HttpAnswer outsideContract(HttpRequest request) {
    Optional<List<String>> methods = paths.methods(request.path());
    if (methods.isEmpty()) {
      return answers.noSuchResource(request);
    }
    return methods.get().contains(request.method())
        ? null
        : answers.methodNotAllowed(request, String.join(", ", methods.get()));
  }

  private HttpAnswer answerOf(Exchange exchange, HttpRequest request) {
    if (exchange.getException() != null) {
      return unexpected(exchange.getException(), request);
    }
    Message message = exchange.getMessage();
    if (message.getBody() instanceof HttpAnswer answer) {
      return answer;
    }
    return unexpected(new IllegalStateException("A route ended without an answer."), request);
  }

  private HttpAnswer unexpected(Throwable e, HttpRequest request) {
    LOG.atError()
        .addKeyValue("request", request.id())
        .addKeyValue("failure", e.getClass().getName())
        .setCause(e)
        .log("A request failed unexpectedly.");
    return answers.internal(request);
  }

  /** Everything of an answer that stands before its body. */
  static void head(HttpAnswer answer, HttpRequest request, HttpServerResponse response) {
    response.setStatusCode(answer.status());
    answer.headers().forEach(response::putHeader);
    response.putHeader("X-Request-Id", request.id());
    response.putHeader("X-Content-Type-Options", "nosniff");
    response.putHeader(HttpHeaders.CACHE_CONTROL, "no-store");
    if (answer.contentType() != null) {
      response.putHeader(HttpHeaders.CONTENT_TYPE, answer.contentType());
    }
  }

  private void write(HttpAnswer answer, HttpRequest request, RoutingContext context) {
    HttpServerResponse response = context.response();
    if (response.ended() || response.closed()) {
      if (answer.feed() != null) {
        answer.feed().close();
      }
      return;
    }
    head(answer, request, response);
    // A body that was given up may go on for ever: the connection ends with the answer.
    boolean bodyGoesOn = !context.request().isEnded();
    if (bodyGoesOn) {
      response.putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
    }
    if (answer.feed() != null) {
      if (!request.method().equals(HEAD)) {
        feeds.follow(answer, context);
        return;
      }
      answer.feed().close();
    }
    Future<Void> sent =
        answer.body() == null ? response.end() : response.end(Buffer.buffer(answer.body()));
    if (bodyGoesOn) {
      sent.onComplete(done -> context.request().connection().close());
    }
  }
}
