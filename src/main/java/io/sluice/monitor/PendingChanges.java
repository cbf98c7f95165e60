package io.sluice.monitor;

import io.sluice.apply.Gate;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.probe.Prober;
import io.sluice.store.DataSources;
import io.sluice.store.Places;
import io.sluice.store.Statement;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * The steps of {@code routes/71-pending}: a change that is held because its database was away goes
 * through the gate again, with exactly the settings that were tested then and against the version
 * that they were merged with. It goes live, is held again, or fails; when another version went live
 * or a newer change took its place, it is over.
 */
public final class PendingChanges {
  private final MonitorSettings settings;
  private final DataSources dataSources;
  private final Gate gate;
  private final Places places;

  /**
   * @param places for as many changes as are tried at once
   */
  public PendingChanges(
      MonitorSettings settings, DataSources dataSources, Gate gate, Places places) {
    this.settings = settings;
    this.dataSources = dataSources;
    this.gate = gate;
    this.places = places;
  }

  /** As many as may still begin. */
  public Statement claim(Exchange exchange) throws InterruptedException {
    return Statement.named("claim-held")
        .with("limit", places.take(exchange))
        .with("lease", settings.lease().toMillis())
        .with("longest", settings.longestPendingPause().toMillis())
        .with("keep", settings.pendingKeep().toMillis());
  }

  /**
   * Opens a held change for the gate. Its last attempt is not held again.
   *
   * @throws Refusal when a newer change took its place
   */
  public void open(@Body Map<String, Object> row, Exchange exchange) {
    String updateId = (String) row.get("id");
    Submission submission =
        new Submission(
            UUID.fromString(updateId),
            Intake.named((String) row.get("intake")),
            Operation.UPDATE,
            (String) row.get("workspace_id"),
            (String) row.get("data_source_id"),
            null,
            (String) row.get("actor"),
            Set.of(((Number) row.get("version")).longValue()),
            false,
            (String) row.get("identity"),
            ((Number) row.get("fence")).longValue(),
            !Boolean.TRUE.equals(row.get("expired")));
    exchange.setProperty(Submission.PROPERTY, submission);
    if (Reason.SUPERSEDED.name().equals(row.get("reason"))) {
      throw Refusal.because(Reason.SUPERSEDED);
    }
    exchange.setProperty(
        Submission.PROPERTY,
        submission.carrying(
            Update.to(dataSources.unsealed((String) row.get("payload"), updateId))));
    exchange.setProperty(Prober.BACKGROUND, true);
  }

  /**
   * What becomes of a change that did not go live and is not held again. Null: the gate has stored
   * it.
   */
  public Statement refused(
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Refusal refusal) {
    if (refusal.report() != null) {
      return null;
    }
    return switch (refusal.reason()) {
      case OVERLOADED, STORE_UNAVAILABLE ->
          Statement.named("postpone-held")
              .with("updateId", submission.updateId().toString())
              .with("fence", submission.fence())
              .with("pause", settings.pendingRetry().toMillis());
      case VERSION_MISMATCH -> gate.refuse(submission, Refusal.because(Reason.SUPERSEDED));
      default -> gate.refuse(submission, refusal);
    };
  }

  /** The store went away, or a fault of this service: the lease runs out, and it is tried again. */
  public void failed(
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Throwable caught) {
    Places.failed(submission == null ? null : submission.updateId(), caught);
  }
}
