package io.sluice.accept;

import io.sluice.model.Refusal;
import io.sluice.store.StoreFailure;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client that follows the events of its workspace: where it stands, and how to get further. One
 * thread at a time.
 */
final class EventFeed {
  /** The exchange property that holds the position. */
  static final String POSITION = "position";

  private static final Logger LOG = LoggerFactory.getLogger(EventFeed.class);

  private final HttpRequest request;
  private final ProducerTemplate routes;
  private final Semaphore places;
  private final AtomicBoolean closed = new AtomicBoolean();
  private EventPosition position;

  /**
   * @param request is asked again each time, so that a token that was withdrawn ends the feed
   * @param places one of which this feed holds until it is closed
   */
  EventFeed(HttpRequest request, EventPosition start, ProducerTemplate routes, Semaphore places) {
    this.request = request;
    this.position = start;
    this.routes = routes;
    this.places = places;
  }

  /**
   * Asks for what has happened since. Blocks for as long as the store takes.
   *
   * @return text for the client, empty when nothing has happened; null when there is no more for it
   */
  String next() {
    Exchange answer =
        routes.send(
            "direct:events-after",
            exchange -> {
              exchange.setProperty(HttpRequest.PROPERTY, request);
              exchange.setProperty(POSITION, position);
            });
    Exception failure = answer.getException();
    if (failure == null) {
      EventFeeds.Page page = answer.getMessage().getBody(EventFeeds.Page.class);
      position = page.end();
      return page.text();
    }
    if (StoreFailure.isOutage(failure)) {
      // It goes on where it stands as soon as the store is back.
      return "";
    }
    if (!(failure instanceof Refusal)) {
      LOG.atError()
          .addKeyValue("request", request.id())
          .setCause(failure)
          .log("Events cannot be read.");
    }
    return null;
  }

  void close() {
    if (closed.compareAndSet(false, true)) {
      routes.stop();
      places.release();
    }
  }
}
