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
    return queued(
        submission.claimed(
            submission.updateId(), keys.identity(request, caller).orElse(null), null),
        request.body(),
        request.contentType(),
        request,
        forced);
  }

  /**
   * @param payload what the worker will decode
   * @param request whose hash is kept when the submission has an identity
   */
  Statement queued(
      Submission submission,
      byte[] payload,
      String contentType,
      HttpRequest request,
      Boolean forced) {
    String updateId = submission.updateId().toString();
    ObjectNode origin =
        json.createObjectNode()
            .put("contentType", contentType)
            .put("operation", submission.operation().name())
            .put(Prober.FORCED, Boolean.TRUE.equals(forced))
            .put(Inbox.HOLD, submission.hold());
    if (submission.ifMatch() != null) {
      new TreeSet<>(submission.ifMatch()).forEach(origin.putArray("ifMatch")::add);
    }
    return Statement.named("defer-update")
        .with("updateId", updateId)
        .with("workspace", submission.workspace())
        .with("id", submission.id())
        .with("intake", submission.intake().wireName())
        .with("identity", submission.identity())
        .with("hash", submission.identity() == null ? null : keys.hash(request))
        .with("actor", submission.actor())
        .with("payload", vault.sealBytes(payload, updateId))
        .with("origin", origin.toString())
        .with("create", Boolean.toString(submission.operation() == Operation.CREATE));
  }

  /** 202 with the address, the same again for the same request. */
  public HttpAnswer accepted(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Submission.PROPERTY) Submission submission) {
    Place place = place(rows.get(0), request, submission);
    HttpAnswer answer = at(place);
    return place.replayed() ? answer.with("Idempotent-Replayed", "true") : answer;
  }

  /** Where in the queue an update is; replayed when an equal request put it there. */
  record Place(String updateId, String dataSource, boolean replayed) {}

  /**
   * @param row what the store answered to {@link #queued}
   * @throws Refusal when it is not in the queue
   */
  Place place(Map<String, Object> row, HttpRequest request, Submission submission) {
    String known = (String) row.get("known");
    if (known != null) {
      if (!keys.hash(request).equals(row.get("known_hash"))) {
        throw Refusal.because(Reason.KEY_REUSED);
      }
      return new Place(known, (String) row.get("known_data_source"), true);
    }
    String accepted = (String) row.get("accepted");
    if (accepted != null) {
      return new Place(accepted, submission.id(), false);
    }
    boolean present = ((Number) row.get("present")).longValue() > 0;
    boolean create = submission.operation() == Operation.CREATE;
    if (present == create) {
      throw create ? Refusal.because(Reason.ALREADY_EXISTS) : NativeApi.noSuchDataSource();
    }
    // The same key came twice at the same moment, and the other one was first.
    throw Refusal.because(Reason.UPDATE_IN_PROGRESS);
  }

  static String address(String updateId) {
    return "/updates/" + updateId;
  }

  private HttpAnswer at(Place place) {
    ObjectNode body =
        json.createObjectNode()
            .put("update_id", place.updateId())
            .put("data_source", place.dataSource());
    return answers.json(
        202,
        body,
        Map.of("Location", address(place.updateId()), "Preference-Applied", "respond-async"));
  }
}
