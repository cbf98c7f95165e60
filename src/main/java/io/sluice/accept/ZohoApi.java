package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.decode.ConfigParameter;
import io.sluice.decode.Encoded;
import io.sluice.model.DataSourceId;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.model.ZohoError;
import io.sluice.store.Statement;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * What is particular to the Zoho-compatible API, between its routes' steps: {@code
 * routes/11-accept-zoho}. Contract section 3.
 */
public final class ZohoApi {
  private final Answers answers;
  private final ObjectMapper json;

  public ZohoApi(Answers answers, ObjectMapper json) {
    this.answers = answers;
    this.json = json;
  }

  /** Asks the store for the workspace of the path. */
  public Statement workspace(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    if (request.header("zanalytics-orgid").filter(org -> !org.isBlank()).isEmpty()) {
      throw Refusal.because(Reason.MISSING_FIELD, ZohoError.ORGID_NOT_PRESENT_IN_THE_HEADER);
    }
    return Statement.named("find-workspace").with("workspace", idOf(path.get("workspaceId")));
  }

  /** Ids that no table could hold lead to the same answer as ids that none holds. */
  private static String idOf(String id) {
    return Administration.ID.matcher(id).matches() ? id : "";
  }

  /** Lets the caller into the workspace, or not. */
  public void enter(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      @ExchangeProperty(Caller.PROPERTY) Caller caller) {
    String org = request.header("zanalytics-orgid").orElse("").strip();
    if (rows.isEmpty() || !rows.get(0).get("org_id").equals(org)) {
      throw Refusal.because(Reason.NOT_FOUND, ZohoError.META_OBJECT_NOT_PRESENT);
    }
    if (!caller.workspace().equals(path.get("workspaceId"))) {
      throw Refusal.because(Reason.SCOPE_MISSING, ZohoError.SECURITY_NOT_PERMITTED);
    }
  }

  /** The CONFIG, for the decode stage. */
  public Encoded encoded(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    if (request.tooLarge()) {
      throw Refusal.because(Reason.BODY_TOO_LARGE);
    }
    byte[] config = ConfigParameter.find(request.query(), request.body(), request.contentType());
    return new Encoded(config, null, Encoded.Api.ZOHO_CONFIG, path.get("datasourceId"));
  }

  /** {@code PUT .../datasources/{datasourceId}}. */
  public void update(
      @Body Update update,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      Exchange exchange) {
    String id = path.get("datasourceId");
    if (!DataSourceId.valid(id)) {
      throw Refusal.because(Reason.NOT_FOUND);
    }
    exchange.setProperty(
        Submission.PROPERTY,
        new Submission(
            UUID.randomUUID(),
            Intake.ZOHO,
            Operation.UPDATE,
            caller.workspace(),
            id,
            update,
            caller.actor(),
            IfMatch.versions(request),
            false,
            null,
            null));
  }

  /** 204, no body. */
  public HttpAnswer updated(Exchange exchange) {
    return IdempotencyKeys.marked(HttpAnswer.empty(204), exchange);
  }

  /** {@code GET .../datasources}. */
  public Statement list(@ExchangeProperty(Caller.PROPERTY) Caller caller) {
    return Statement.named("list-zoho-data-sources").with("workspace", caller.workspace());
  }

  /** Ids are text, and nothing of the connections is shown. */
  public HttpAnswer listed(@Body List<Map<String, Object>> rows) {
    ObjectNode body =
        json.createObjectNode().put("status", "success").put("summary", "Fetch Datasources");
    ArrayNode all = body.putObject("data").putArray("dataSources");
    rows.forEach(
        row ->
            all.addObject()
                .put("datasourceName", (String) row.get("id"))
                .put("datasourceId", (String) row.get("id")));
    return answers.zoho(body);
  }
}
