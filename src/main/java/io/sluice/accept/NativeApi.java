package io.sluice.accept;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.apply.Gate;
import io.sluice.apply.Outcome;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.decode.Encoded;
import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Connection;
import io.sluice.model.DataSourceId;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.model.Update;
import io.sluice.probe.Prober;
import io.sluice.probe.Tested;
import io.sluice.publish.EventType;
import io.sluice.publish.Events;
import io.sluice.publish.Events.Happening;
import io.sluice.store.DataSource;
import io.sluice.store.DataSources;
import io.sluice.store.Statement;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Timestamp;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * What is particular to the native API, between its routes' steps: {@code routes/10-accept-http}.
 * Contract section 1.
 */
public final class NativeApi {
  static final int PAGE_LIMIT = 100;
  private static final String ONLY = "only";
  private static final String ON_UNREACHABLE = "onUnreachable";
  static final String FORCE = "force";

  private static final Set<String> FILTERS = Set.of("driver", "host", "status");

  /** What a page has in common with the next one, beside its size. */
  private static final List<String> KEPT = List.of("_sort", "driver", "host", "status");

  private static final Set<String> PAGE =
      Set.of("driver", "host", "status", "_limit", "_start", "_sort");
  private static final Set<String> SORTS = Set.of("id", "-id", "published_at", "-published_at");

  private final DataSources dataSources;
  private final DriverCatalogue drivers;
  private final Events events;
  private final Answers answers;
  private final ObjectMapper json;
  private final NativeDocument document;
  private final Clock clock;

  /** */
  public NativeApi(
      DataSources dataSources,
      DriverCatalogue drivers,
      Events events,
      Answers answers,
      ObjectMapper json,
      Clock clock) {
    this.dataSources = dataSources;
    this.drivers = drivers;
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

  /** {@code POST /datasources/test}: a new data source that is not kept. */
  public void trial(
      @Body Update update,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      Exchange exchange) {
    extent(request, exchange);
    // An id of its own: a trial meets no stored data source, whatever id its body names.
    submit(
        exchange,
        Intake.HTTP,
        caller,
        Operation.CREATE,
        UUID.randomUUID().toString(),
        update,
        null,
        true,
        false);
  }

  /** {@code ?only=tunnel}: how far a test is to go; {@code ?force=true}: whatever was refused. */
  private static void extent(HttpRequest request, Exchange exchange) {
    Query query = new Query(request, Set.of(ONLY, FORCE));
    boolean tunnel = query.word(ONLY, Set.of("tunnel")) != null;
    exchange.setProperty(Prober.FORCED, query.flag(FORCE));
    query.check();
    exchange.setProperty(
        Prober.Extent.PROPERTY, tunnel ? Prober.Extent.TUNNEL : Prober.Extent.WHOLE);
  }

  private static void submit(
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

  /** {@code POST /datasources/{id}/rollback}: an update that carries nothing yet. */
  public void rollback(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      Exchange exchange) {
    new Query(request, Set.of()).check();
    if (!DataSourceId.valid(path.get("id"))) {
      throw noSuchDataSource();
    }
    exchange.setProperty(Gate.FORMER_VERSION, wantedVersion(request));
    submit(
        exchange,
        Intake.ROLLBACK,
        caller,
        Operation.UPDATE,
        path.get("id"),
        null,
        IfMatch.versions(request),
        false,
        false);
  }

  private long wantedVersion(HttpRequest request) {
    JsonNode body = request.json(json);
    JsonNode version = body.path("version");
    if (body.size() != 1 || !version.isIntegralNumber() || !version.canConvertToLong()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, "version", "Send {\"version\": n}, with a version of the history.");
    }
    return version.asLong();
  }

  /** Whether the update is a rollback that does not carry its version yet. */
  public boolean wantsVersion(@ExchangeProperty(Submission.PROPERTY) Submission submission) {
    return submission.update() == null;
  }

  /** Asks the store for the version that is to go live again. */
  public Statement version(
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(Gate.FORMER_VERSION) long version) {
    return Statement.named("find-version")
        .with("workspace", submission.workspace())
        .with("id", submission.id())
        .with("version", version);
  }

  /** Makes that version an update like any other: tested before it goes live again. */
  public void versionFound(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      Exchange exchange) {
    DataSource former =
        dataSources
            .one(submission.workspace(), rows)
            .orElseThrow(() -> Refusal.because(Reason.NOT_FOUND, Gate.NO_SUCH_VERSION));
    exchange.setProperty(Submission.PROPERTY, submission.carrying(Update.to(former.settings())));
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

  /** 200 with the report of a test that passed. */
  public HttpAnswer tested(@Body Outcome outcome) {
    return answers.ok(json.valueToTree(outcome.report()));
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

  /** {@code POST /datasources/{id}/test}: asks the store for what is to be tested. */
  public Statement findForTest(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      Exchange exchange) {
    extent(request, exchange);
    return byId("find-data-source", caller, path);
  }

  /** The connection that is stored. */
  public Connection stored(
      @Body List<Map<String, Object>> rows, @ExchangeProperty(Caller.PROPERTY) Caller caller) {
    return dataSources
        .one(caller.workspace(), rows)
        .map(dataSource -> Connection.of(dataSource.settings()))
        .orElseThrow(NativeApi::noSuchDataSource);
  }

  /** 200 with the report, or the failure with it. */
  public HttpAnswer testedStored(@Body Tested tested) {
    Report report = tested.report();
    if (!report.passed()) {
      throw Refusal.ofTest(report);
    }
    return answers.ok(json.valueToTree(report));
  }

  /** {@code GET /datasources}: one row more than the page shows whether there is a next one. */
  public Statement list(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      Exchange exchange) {
    Query query = new Query(request, PAGE);
    int limit = (int) query.number("_limit", PAGE_LIMIT, 1, PAGE_LIMIT);
    String sort = query.word("_sort", SORTS);
    query.check();
    exchange.setProperty("limit", limit);
    PageStart start = PageStart.of(query.text("_start"), byTime(sort));
    return filtered("list-data-sources", query, caller)
        .with("sort", sort == null ? "id" : sort)
        .with("after", start.id())
        .with("since", start.since())
        .with("limit", limit + 1);
  }

  private static boolean byTime(String sort) {
    return sort != null && sort.endsWith("published_at");
  }

  private Statement filtered(String name, Query query, Caller caller) {
    Statement statement = Statement.named(name).with("workspace", caller.workspace());
    for (String filter : FILTERS) {
      String value = query.text(filter);
      // PostgreSQL's text has no NUL: no row can match one.
      statement = statement.with(filter, value == null ? null : value.replace('\0', '\uFFFD'));
    }
    return statement.with("driver", canonicalDriver(query.text("driver")));
  }

  private String canonicalDriver(String name) {
    return name == null
        ? null
        : drivers.named(name).map(d -> d.id()).orElse(name.replace('\0', '\uFFFD'));
  }

  /** One page, with a link to the next (RFC 8288). */
  public HttpAnswer listed(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty("limit") int limit,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller) {
    ArrayNode page = json.createArrayNode();
    rows.stream()
        .limit(limit)
        .map(row -> document.of(dataSources.shown(caller.workspace(), row), caller))
        .forEach(page::add);
    Map<String, String> headers =
        rows.size() <= limit
            ? Map.of()
            : Map.of(
                "Link", "<" + nextPage(request, rows.get(limit - 1), limit) + ">; rel=\"next\"");
    return answers.json(200, page, headers);
  }

  private static String nextPage(HttpRequest request, Map<String, Object> last, int limit) {
    Query query = new Query(request, PAGE);
    String sort = query.text("_sort");
    PageStart next =
        new PageStart(
            (String) last.get("id"),
            byTime(sort) ? ((Timestamp) last.get("published_at")).toInstant() : null);
    StringBuilder address =
        new StringBuilder("/datasources?_limit=" + limit + "&_start=" + next.text());
    for (String filter : KEPT) {
      if (query.text(filter) != null) {
        address
            .append('&')
            .append(filter)
            .append('=')
            .append(URLEncoder.encode(query.text(filter), StandardCharsets.UTF_8));
      }
    }
    return address.toString();
  }

  /** {@code GET /datasources/count}. */
  public Statement count(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller) {
    Query query = new Query(request, FILTERS);
    query.check();
    return filtered("count-data-sources", query, caller);
  }

  public HttpAnswer counted(@Body List<Map<String, Object>> rows) {
    long count = ((Number) rows.get(0).get("count")).longValue();
    return answers.ok(json.createObjectNode().put("count", count));
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

  /** {@code GET /drivers}. */
  public HttpAnswer drivers(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    new Query(request, Set.of()).check();
    ArrayNode all = json.createArrayNode();
    for (Driver driver : drivers.all()) {
      ObjectNode node = all.addObject().put("id", driver.id()).put("title", driver.title());
      node.set("aliases", json.valueToTree(driver.aliases()));
      node.put("defaultPort", driver.defaultPort());
      node.set(
          "required",
          json.valueToTree(driver.required().stream().sorted().map(Field::wireName).toList()));
      ArrayNode options = node.putArray("options");
      new TreeMap<>(driver.options())
          .forEach(
              (name, option) ->
                  options
                      .addObject()
                      .put("name", name)
                      .put("grammar", option.grammar().pattern())
                      .put("destination", option.destination()));
      node.set(
          "secrets",
          json.valueToTree(driver.secrets().stream().sorted().map(Field::wireName).toList()));
      node.put("tls", driver.tls() != Driver.Tls.NONE && driver.family() != Driver.Family.NONE);
      node.put("verified", driver.verified().name().toLowerCase(Locale.ROOT));
      Optional<String> problem = drivers.jars().problem(driver);
      node.put("available", problem.isEmpty());
      problem.ifPresent(text -> node.put("problem", text));
      if (drivers.jars().fetchCommand(driver) != null) {
        node.put("fetch", drivers.jars().fetchCommand(driver));
      }
      if (driver.note() != null) {
        node.put("note", driver.note());
      }
    }
    return answers.ok(all);
  }
}
