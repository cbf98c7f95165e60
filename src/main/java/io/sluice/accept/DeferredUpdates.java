package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.probe.Prober;
import io.sluice.secrets.Vault;
import io.sluice.store.Statement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.ExchangeProperty;

/**
 * The steps of {@code routes/26-defer-update}: a sender that prefers not to wait (RFC 7240, section
 * 4.1) gets the address of its update as soon as that is durable, and asks there what became of it.
 * The update waits sealed in the queue, behind those of the same data source that came before it.
 */
public final class DeferredUpdates {
  private static final Pattern RESPOND_ASYNC =
      Pattern.compile("(?i)(?:^|.*,)\\s*respond-async\\s*(?:[,;].*)?", Pattern.DOTALL);

  private final Vault vault;
  private final IdempotencyKeys keys;
  private final Answers answers;
  private final ObjectMapper json;

  public DeferredUpdates(Vault vault, IdempotencyKeys keys, Answers answers, ObjectMapper json) {
    this.vault = vault;
    this.keys = keys;
    this.answers = answers;
    this.json = json;
  }

  /** Whether the sender prefers not to wait. A dry run has nobody else to tell. */
  public boolean wanted(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Submission.PROPERTY) Submission submission) {
    return !submission.dryRun() && RESPOND_ASYNC.matcher(request.list("prefer")).matches();
  }

  /** Puts the update into the queue. */
  public Statement accept(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(Prober.FORCED) Boolean forced) {
    String updateId = submission.updateId().toString();
    Optional<String> key = keys.identity(request, caller);
    ObjectNode origin =
        json.createObjectNode()
            .put("contentType", request.contentType())
            .put("operation", submission.operation().name())
            .put(Prober.FORCED, Boolean.TRUE.equals(forced));
    if (submission.ifMatch() != null) {
      new TreeSet<>(submission.ifMatch()).forEach(origin.putArray("ifMatch")::add);
    }
    return Statement.named("defer-update")
        .with("updateId", updateId)
        .with("workspace", submission.workspace())
        .with("id", submission.id())
        .with("intake", submission.intake().wireName())
        .with("identity", key.orElse(null))
        .with("hash", key.isPresent() ? keys.hash(request) : null)
        .with("actor", submission.actor())
        .with("payload", vault.sealBytes(request.body(), updateId))
        .with("origin", origin.toString())
        .with("create", Boolean.toString(submission.operation() == Operation.CREATE));
  }

  /** 202 with the address, the same again for the same request. */
  public HttpAnswer accepted(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Submission.PROPERTY) Submission submission) {
    Map<String, Object> row = rows.get(0);
    String known = (String) row.get("known");
    if (known != null) {
      if (!keys.hash(request).equals(row.get("known_hash"))) {
        throw Refusal.because(Reason.KEY_REUSED);
      }
      return at(known, submission).with("Idempotent-Replayed", "true");
    }
    String accepted = (String) row.get("accepted");
    if (accepted != null) {
      return at(accepted, submission);
    }
    boolean present = ((Number) row.get("present")).longValue() > 0;
    boolean create = submission.operation() == Operation.CREATE;
    if (present == create) {
      throw create ? Refusal.because(Reason.ALREADY_EXISTS) : NativeApi.noSuchDataSource();
    }
    // The same key came twice at the same moment, and the other one was first.
    throw Refusal.because(Reason.UPDATE_IN_PROGRESS);
  }

  private HttpAnswer at(String updateId, Submission submission) {
    ObjectNode body =
        json.createObjectNode().put("update_id", updateId).put("data_source", submission.id());
    return answers.json(
        202,
        body,
        Map.of("Location", "/updates/" + updateId, "Preference-Applied", "respond-async"));
  }
}
