package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.publish.Events;
import io.sluice.store.Statement;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import org.apache.camel.Body;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.ProducerTemplate;

/**
 * {@code GET /events}: the events of the caller's workspace as server-sent events (HTML Living
 * Standard, section 9.2), from now on or from where {@code Last-Event-ID} left off. Each is the
 * CloudEvent that Kafka gets, in its structured form.
 */
public final class EventFeeds {
  /** Each asks the store twice a second. */
  public static final int MAX_FEEDS = 64;

  private static final int PAGE_EVENTS = 100;
  private static final String LAST_EVENT_ID = "last-event-id";

  /**
   * For a client that was away for longer than events are kept, or while the store was replaced.
   */
  private static final String GONE =
      "event: sluice.gone\n"
          + "data: {\"message\":\"Some events after this Last-Event-ID are no longer kept. Read the"
          + " data sources again; later events follow.\"}\n\n";

  private final Semaphore places = new Semaphore(MAX_FEEDS);
  private final String topic;
  private final ObjectMapper json;

  /**
   * @param topic whose events are followed
   */
  public EventFeeds(String topic, ObjectMapper json) {
    this.topic = topic;
    this.json = json;
  }

  /**
   * What a client gets next.
   *
   * @param text in the format of an event stream
   * @param end the position of the last event in it
   */
  record Page(String text, EventPosition end) {}

  /**
   * Asks the store where events stand now, and whether some after the client's position are gone.
   */
  public Statement now(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request, Exchange exchange) {
    new Query(request, Set.of()).check();
    EventPosition left = request.header(LAST_EVENT_ID).map(EventFeeds::after).orElse(null);
    exchange.setProperty(EventFeed.POSITION, left);
    return Statement.named("event-position")
        .with("tx", left == null ? null : left.transaction())
        .with("seq", left == null ? null : left.number());
  }

  /** 200, and what happens from here on. */
  public HttpAnswer opened(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(EventFeed.POSITION) EventPosition left,
      CamelContext camel) {
    Map<String, Object> row = rows.get(0);
    boolean ahead = Boolean.TRUE.equals(row.get("ahead"));
    EventPosition start =
        left == null || ahead ? new EventPosition((String) row.get("tx"), 0) : left;
    if (!places.tryAcquire()) {
      throw Refusal.because(Reason.OVERLOADED, "Too many clients follow the events.");
    }
    ProducerTemplate routes = camel.createProducerTemplate();
    // An id without data tells the client where it stands before the first event.
    String greeting = "retry: 1000\nid: " + start + "\n\n";
    if (ahead || Boolean.TRUE.equals(row.get("gone"))) {
      greeting += GONE;
    }
    return new HttpAnswer(
        200,
        "text/event-stream",
        greeting.getBytes(StandardCharsets.UTF_8),
        Map.of(),
        new EventFeed(request, start, routes, places));
  }

  private static EventPosition after(String id) {
    return EventPosition.read(id)
        .orElseThrow(
            () ->
                Refusal.ofField(
                    Reason.INVALID_FIELD,
                    "Last-Event-ID",
                    "Send the id of an event as it was received, or no Last-Event-ID."));
  }

  /** Asks the store for what came after the position. */
  public Statement after(
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(EventFeed.POSITION) EventPosition position) {
    return Statement.named("events-after")
        .with("workspace", caller.workspace())
        .with("topic", topic)
        .with("tx", position.transaction())
        .with("seq", position.number())
        .with("limit", PAGE_EVENTS);
  }

  /** The events as a client reads them. */
  public Page written(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(EventFeed.POSITION) EventPosition position)
      throws IOException {
    StringBuilder text = new StringBuilder();
    EventPosition end = position;
    for (Map<String, Object> row : rows) {
      end = new EventPosition((String) row.get("tx"), ((Number) row.get("seq")).longValue());
      ObjectNode event = structured(row, caller);
      text.append("id: ").append(end).append('\n');
      text.append("event: ").append(event.path("type").asText()).append('\n');
      text.append("data: ").append(json.writeValueAsString(event)).append("\n\n");
    }
    return new Page(text.toString(), end);
  }

  private ObjectNode structured(Map<String, Object> row, Caller caller) throws IOException {
    ObjectNode event =
        Events.structured(json, (String) row.get("headers"), (byte[]) row.get("body"));
    ObjectNode data = (ObjectNode) event.get("data");
    if (data.has("report")) {
      Report report = json.treeToValue(data.get("report"), Report.class);
      Report shown = caller.shown(report);
      if (!shown.equals(report)) {
        data.set("report", json.valueToTree(shown));
        data.put("reason", shown.reason().name()).put("message", shown.sentence());
      }
    }
    return event;
  }
}
