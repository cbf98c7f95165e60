package io.sluice.accept;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.apply.Gate;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.DataSourceId;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.store.DataSource;
import io.sluice.store.DataSources;
import io.sluice.store.Statement;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * {@code POST /datasources/{id}/rollback}: a former version, which has to pass the test like any
 * other update. Contract section 1.
 */
public final class Rollbacks {
  private final DataSources dataSources;
  private final ObjectMapper json;

  /** */
  public Rollbacks(DataSources dataSources, ObjectMapper json) {
    this.dataSources = dataSources;
    this.json = json;
  }

  /** An update that carries nothing yet. */
  public void rollback(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      Exchange exchange) {
    new Query(request, Set.of()).check();
    if (!DataSourceId.valid(path.get("id"))) {
      throw NativeApi.noSuchDataSource();
    }
    exchange.setProperty(Gate.FORMER_VERSION, wantedVersion(request));
    NativeApi.submit(
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
}
