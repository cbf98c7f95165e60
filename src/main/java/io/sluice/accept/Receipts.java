package io.sluice.accept;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.store.Statement;
import java.io.IOException;
import java.sql.Timestamp;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * What became of updates: one of them, or all of a data source. Names of changed fields, never
 * values.
 */
public final class Receipts {
  private static final Set<String> PAGE = Set.of("_limit", "_start");
  private static final Pattern UUID_TEXT =
      Pattern.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  private final Answers answers;
  private final ObjectMapper json;

  public Receipts(Answers answers, ObjectMapper json) {
    this.answers = answers;
    this.json = json;
  }

  /** {@code GET /updates/{updateId}}. */
  public Statement find(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    new Query(request, Set.of()).check();
    String updateId = path.get("updateId");
    if (!UUID_TEXT.matcher(updateId).matches()) {
      throw noSuchUpdate();
    }
    return Statement.named("find-update")
        .with("workspace", caller.workspace())
        .with("updateId", updateId);
  }

  /** What became of it so far. */
  public HttpAnswer found(
      @Body List<Map<String, Object>> rows, @ExchangeProperty(Caller.PROPERTY) Caller caller)
      throws IOException {
    if (rows.isEmpty()) {
      throw noSuchUpdate();
    }
    Map<String, Object> row = rows.get(0);
    ObjectNode receipt = json.createObjectNode().put("data_source", (String) row.get("id"));
    receipt.put("received_at", time(row.get("received_at")));
    fill(receipt, row, caller);
    JsonNode refusal = tree(row.get("refusal"));
    if (refusal != null) {
      receipt.set("message", refusal.path("message"));
      receipt.set("errors", refusal.path("errors"));
    }
    return answers.ok(receipt);
  }

  private static Refusal noSuchUpdate() {
    return Refusal.because(Reason.NOT_FOUND, "There is no update with this id.");
  }

  /** {@code GET /datasources/{id}/history}. */
  public Statement history(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      Exchange exchange) {
    Query query = new Query(request, PAGE);
    int limit = (int) query.number("_limit", Listing.PAGE_LIMIT, 1, Listing.PAGE_LIMIT);
    long before = query.number("_start", Long.MAX_VALUE, 1, Long.MAX_VALUE);
    query.check();
    exchange.setProperty("limit", limit);
    return NativeApi.byId("list-history", caller, path)
        .with("before", before)
        .with("limit", limit + 1);
  }

  /** One page of what happened, the latest first. */
  public HttpAnswer remembered(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty("limit") int limit,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path)
      throws IOException {
    boolean firstPage = new Query(request, PAGE).text("_start") == null;
    if (rows.isEmpty() && firstPage) {
      throw NativeApi.noSuchDataSource();
    }
    ArrayNode page = json.createArrayNode();
    for (Map<String, Object> row : rows.subList(0, Math.min(limit, rows.size()))) {
      fill(page.addObject(), row, caller);
    }
    Map<String, String> headers =
        rows.size() <= limit
            ? Map.of()
            : Map.of(
                "Link",
                "</datasources/"
                    + path.get("id")
                    + "/history?_limit="
                    + limit
                    + "&_start="
                    + rows.get(limit - 1).get("seq")
                    + ">; rel=\"next\"");
    return answers.json(200, page, headers);
  }

  private void fill(ObjectNode node, Map<String, Object> row, Caller caller) throws IOException {
    Report report =
        row.get("report") == null ? null : json.readValue((String) row.get("report"), Report.class);
    String reason = (String) row.get("reason");
    Report shown = report == null ? null : caller.shown(report);
    if (shown != null && !shown.equals(report)) {
      reason = shown.reason().name();
    }
    node.put("update_id", (String) row.get("update_id"))
        .put("intake", (String) row.get("intake"))
        .put("actor", (String) row.get("actor"))
        .put("outcome", (String) row.get("state"))
        .put("version", (Long) row.get("version"))
        .put("reason", reason);
    node.set("changed", tree(row.get("changed")));
    node.set("report", json.valueToTree(shown));
    node.put("at", time(row.get("finished_at")));
  }

  private JsonNode tree(Object text) throws IOException {
    return text == null ? null : json.readTree((String) text);
  }

  private static String time(Object timestamp) {
    return timestamp == null ? null : ((Timestamp) timestamp).toInstant().toString();
  }
}
