package io.sluice.accept;

import io.sluice.apply.Gate;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.store.Statement;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/**
 * {@code DELETE /datasources/{id}/pending}: withdraws the change that waits for its database. It
 * ends as failed, with its event.
 */
public final class PendingChange {
  private final Gate gate;

  public PendingChange(Gate gate) {
    this.gate = gate;
  }

  /** Asks the store for the change. */
  public Statement find(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    new Query(request, Set.of()).check();
    return NativeApi.byId("find-pending", caller, path);
  }

  /** Ends it, unless a test of it has begun or ended since it was found. */
  public Statement cancel(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    if (rows.isEmpty()) {
      throw Refusal.because(Reason.NOT_FOUND, "There is no pending change of this data source.");
    }
    Map<String, Object> row = rows.get(0);
    Submission pending =
        new Submission(
            UUID.fromString((String) row.get("id")),
            Intake.named((String) row.get("intake")),
            Operation.UPDATE,
            caller.workspace(),
            path.get("id"),
            null,
            caller.actor(),
            null,
            false,
            (String) row.get("identity"),
            ((Number) row.get("fence")).longValue());
    return gate.refuse(pending, Refusal.because(Reason.CANCELLED));
  }

  /** 204. */
  public HttpAnswer cancelled(@Body List<Map<String, Object>> rows) {
    if (rows.isEmpty()) {
      throw Refusal.because(
          Reason.UPDATE_IN_PROGRESS,
          "The pending change was tried at this moment: look what became of it.");
    }
    return HttpAnswer.empty(204);
  }
}
