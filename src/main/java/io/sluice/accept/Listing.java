package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.store.DataSources;
import io.sluice.store.Statement;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Timestamp;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * {@code GET /datasources}: pages of a workspace's data sources, and how many there are. Contract
 * section 1.
 */
public final class Listing {
  static final int PAGE_LIMIT = 100;

  private static final Set<String> FILTERS = Set.of("driver", "host", "status");

  /** What a page has in common with the next one, beside its size. */
  private static final List<String> KEPT = List.of("_sort", "driver", "host", "status");

  private static final Set<String> PAGE =
      Set.of("driver", "host", "status", "_limit", "_start", "_sort");
  private static final Set<String> SORTS = Set.of("id", "-id", "published_at", "-published_at");

  private final DataSources dataSources;
  private final DriverCatalogue drivers;
  private final Answers answers;
  private final ObjectMapper json;
  private final NativeDocument document;

  /** */
  public Listing(
      DataSources dataSources, DriverCatalogue drivers, Answers answers, ObjectMapper json) {
    this.dataSources = dataSources;
    this.drivers = drivers;
    this.answers = answers;
    this.json = json;
    this.document = new NativeDocument(json);
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
}
