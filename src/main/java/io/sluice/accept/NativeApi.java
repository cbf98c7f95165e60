package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.apply.Outcome;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.decode.Encoded;
import io.sluice.model.DataSourceId;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.model.Update;
import io.sluice.probe.Prober;
import io.sluice.publish.EventType;
import io.sluice.publish.Events;
import io.sluice.publish.Events.Happening;
import io.sluice.store.DataSource;
import io.sluice.store.DataSources;
import io.sluice.store.Statement;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Making, changing, reading and deleting one data source by the native API, between its routes'
 * steps: {@code routes/10-accept-http}. Contract section 1.
 */
public final class NativeApi {
  private static final String ON_UNREACHABLE = "onUnreachable";
  static final String FORCE = "force";

  private final DataSources dataSources;
  private final Events events;
  private final Answers answers;
  private final ObjectMapper json;
  private final NativeDocument document;
  private final Clock clock;

  /** */
  public NativeApi(
      DataSources dataSources, Events events, Answers answers, ObjectMapper json, Clock clock) {
    this.dataSources = dataSources;
    this.events = events;
    this.answers = answers;
    this.json = json;
    this.document = new NativeDocument(json);
    this.clock = clock;
  }

  /** The body, for the decode stage. */
  public Encoded encoded(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    if (request.tooLarge()) {
      throw Refusal.because(Reason.BODY_TOO_LARGE);
    }
    return new Encoded(request.body(), request.contentType(), Encoded.Api.NATIVE, path.get("id"));
  }

  /** The body of a merge patch, for the decode stage. */
  public Encoded encodedPatch(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    Encoded encoded = encoded(request, path);
    return new Encoded(
        encoded.bytes(), encoded.contentType(), Encoded.Api.MERGE_PATCH, encoded.pathId());
  }

  /** {@code PATCH /datasources/{id}}. */
  public void patch(
      @Body Update update,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      Exchange exchange) {
    change(Operation.PATCH, update, request, caller, path, exchange);
  }

  /** {@code PUT /datasources/{id}}. */
  public void update(
      @Body Update update,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      Exchange exchange) {
    change(Operation.UPDATE, update, request, caller, path, exchange);
  }

  private static void change(
      Operation operation,
      Update update,
      HttpRequest request,
      Caller caller,
      Map<String, String> path,
      Exchange exchange) {
    Query query = new Query(request, Set.of("dryRun", FORCE, ON_UNREACHABLE));
    boolean dryRun = query.flag("dryRun");
    boolean hold = query.word(ON_UNREACHABLE, Set.of("pending")) != null;
    exchange.setProperty(Prober.FORCED, query.flag(FORCE));
    query.check();
    if (!DataSourceId.valid(path.get("id"))) {
      throw noSuchDataSource();
    }
    submit(
        exchange,
        Intake.HTTP,
        caller,
        operation,
        path.get("id"),
        update,
        IfMatch.versions(request),
        dryRun,
        hold);
  }

  /** {@code POST /datasources}. */
  public void create(
      @Body Update update,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      Exchange exchange) {
    Query query = new Query(request, Set.of("dryRun", FORCE));
    boolean dryRun = query.flag("dryRun");
    exchange.setProperty(Prober.FORCED, query.flag(FORCE));
    query.check();
    if (request.header("if-match").isPresent()) {
      // What is not there yet has no version (RFC 9110, section 13.1.1).
      throw Refusal.because(Reason.VERSION_MISMATCH);
    }
    String id = update.id() == null ? UUID.randomUUID().toString() : update.id();
    submit(exchange, Intake.HTTP, caller, Operation.CREATE, id, update, null, dryRun, false);
  }

  static void submit(
      Exchange exchange,
      Intake intake,
      Caller caller,
      Operation operation,
      String id,
      Update update,
      Set<Long> ifMatch,
      boolean dryRun,
      boolean hold) {
    exchange.setProperty(
        Submission.PROPERTY,
        new Submission(
            UUID.randomUUID(),
            intake,
            operation,
            caller.workspace(),
            id,
            update,
            caller.actor(),
            ifMatch,
            dryRun,
            null,
            null,
            hold));
  }

  /** 200 with the document that is live now, or 202 where the change waits for its database. */
  public HttpAnswer updated(
      @Body Outcome outcome,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      Exchange exchange) {
    if (outcome.pending() != null) {
      return IdempotencyKeys.marked(pending(outcome, submission.id(), caller), exchange);
    }
    return submission.dryRun()
        ? rehearsed(outcome)
        : IdempotencyKeys.marked(written(200, outcome.dataSource(), Map.of()), exchange);
  }

  private HttpAnswer pending(Outcome outcome, String id, Caller caller) {
    Report report = caller.shown(outcome.report());
    ObjectNode body =
        json.createObjectNode()
            .put("update_id", outcome.pending().toString())
            .put("data_source", id)
            .put("reason", report.reason().name());
    body.set("report", json.valueToTree(report));
    return answers.json(202, body, Map.of("Location", "/updates/" + outcome.pending()));
  }

  /** What would be live now. No ETag: nobody may write against a version that never was. */
  private HttpAnswer rehearsed(Outcome outcome) {
    return answers.ok(document.of(outcome.dataSource()));
  }

  /** 201 with the new document and its address. */
  public HttpAnswer created(
      @Body Outcome outcome,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      Exchange exchange) {
    return submission.dryRun()
        ? rehearsed(outcome)
        : IdempotencyKeys.marked(
            written(
                201,
                outcome.dataSource(),
                Map.of("Location", "/datasources/" + outcome.dataSource().id())),
            exchange);
  }

  private HttpAnswer written(int status, DataSource dataSource, Map<String, String> headers) {
    Map<String, String> all = new LinkedHashMap<>(headers);
    all.put("ETag", tag(dataSource));
    return answers.json(status, document.of(dataSource), all);
  }

  /** A function of the version alone: what checks find out changes nothing that a write is for. */
  private static String tag(DataSource dataSource) {
    return "\"" + dataSource.version() + "\"";
  }

  /** Asks the store for one data source. */
  public Statement find(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    new Query(request, Set.of()).check();
    return byId("find-data-source", caller, path);
  }

  static Statement byId(String statement, Caller caller, Map<String, String> path) {
    String id = path.get("id");
    if (!DataSourceId.valid(id)) {
      throw noSuchDataSource();
    }
    return Statement.named(statement).with("workspace", caller.workspace()).with("id", id);
  }

  static Refusal noSuchDataSource() {
    return Refusal.because(Reason.NOT_FOUND, "There is no data source with this id.");
  }

  /** {@code GET /datasources/{id}}. */
  public HttpAnswer read(
      @Body List<Map<String, Object>> rows, @ExchangeProperty(Caller.PROPERTY) Caller caller) {
    DataSource dataSource =
        rows.stream()
            .findFirst()
            .map(row -> dataSources.shown(caller.workspace(), row))
            .orElseThrow(NativeApi::noSuchDataSource);
    return answers.json(200, document.of(dataSource, caller), Map.of("ETag", tag(dataSource)));
  }

  /** {@code DELETE /datasources/{id}}: the row and its event, at once. */
  public Statement delete(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    new Query(request, Set.of()).check();
    Statement statement = byId("delete-data-source", caller, path);
    Set<Long> expected = IfMatch.versions(request);
    UUID updateId = UUID.randomUUID();
    return events.in(
        statement
            .with("expected", expected == null ? null : joined(expected))
            .with("updateId", updateId.toString())
            .with("intake", Intake.HTTP.wireName())
            .with("actor", caller.actor()),
        new Happening(
            EventType.DELETED,
            updateId,
            path.get("id"),
            null,
            Intake.HTTP,
            caller.actor(),
            Set.of(),
            null,
            null,
            null,
            clock.instant()));
  }

  private static String joined(Set<Long> versions) {
    return versions.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  public HttpAnswer deleted(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    if (rows.isEmpty()) {
      // A version that is named and missed is told apart from an id that is not there.
      throw request.header("if-match").isPresent()
          ? Refusal.because(Reason.VERSION_MISMATCH)
          : noSuchDataSource();
    }
    return HttpAnswer.empty(204);
  }
}
