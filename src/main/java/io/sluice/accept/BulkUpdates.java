package io.sluice.accept;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.decode.Encoded;
import io.sluice.model.DataSourceId;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.Update;
import io.sluice.probe.Prober;
import io.sluice.store.Statement;
import io.sluice.store.StoreFailure;
import java.sql.SQLException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * {@code POST /datasources/bulk}: one merge patch for many data sources, as when the credential
 * that they share is rotated. Each gets an update of its own, which waits in the queue, goes
 * through the gate and has its own receipt.
 */
public final class BulkUpdates {
  /** The queue's workers would need minutes for more. */
  static final int MAX_IDS = 500;

  private static final String IDS = "ids";
  private static final String PATCH = "patch";
  private static final String NOT_STORED =
      "The store went away before it said that it has this one. Send it once more.";
  private static final String PROGRESS = "progress";
  private static final String MERGE_PATCH = "application/merge-patch+json";

  /** How far the store has come with the data sources of a request. */
  enum Progress {
    NONE,
    BEGUN,
    INTERRUPTED
  }

  private final DeferredUpdates deferred;
  private final IdempotencyKeys keys;
  private final Answers answers;
  private final ObjectMapper json;

  public BulkUpdates(
      DeferredUpdates deferred, IdempotencyKeys keys, Answers answers, ObjectMapper json) {
    this.deferred = deferred;
    this.keys = keys;
    this.answers = answers;
    this.json = json;
  }

  /** The patch, for the decode stage; the data sources wait as the property {@code ids}. */
  public Encoded encoded(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request, Exchange exchange)
      throws JsonProcessingException {
    Query query = new Query(request, Set.of(NativeApi.FORCE));
    exchange.setProperty(Prober.FORCED, query.flag(NativeApi.FORCE));
    query.check();
    if (request.header("if-match").isPresent()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD,
          "If-Match",
          "A version belongs to one data source: send PATCH to each for which it matters.");
    }
    JsonNode body = request.json(json, Set.of(IDS, PATCH));
    exchange.setProperty(IDS, ids(body.path(IDS)));
    if (!body.path(PATCH).isObject() || body.path(PATCH).isEmpty()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, PATCH, "patch is an object with the fields that are to change.");
    }
    byte[] patch = json.writeValueAsBytes(body.path(PATCH));
    exchange.setProperty(PATCH, patch);
    return new Encoded(patch, MERGE_PATCH, Encoded.Api.MERGE_PATCH, null);
  }

  private static Set<String> ids(JsonNode list) {
    Set<String> ids = new LinkedHashSet<>();
    for (JsonNode id : list) {
      if (!id.isTextual() || !DataSourceId.valid(id.textValue()) || !ids.add(id.textValue())) {
        throw badIds();
      }
    }
    if (!list.isArray() || ids.isEmpty() || ids.size() > MAX_IDS) {
      throw badIds();
    }
    return ids;
  }

  private static Refusal badIds() {
    return Refusal.ofField(
        Reason.INVALID_FIELD,
        IDS,
        "ids is a list of 1 to " + MAX_IDS + " ids of data sources, each of them once.");
  }

  /** Nothing is queued unless the patch is one for every data source. */
  public Set<String> each(
      @Body Update update, @ExchangeProperty(IDS) Set<String> ids, Exchange exchange) {
    exchange.setProperty(PROGRESS, new AtomicReference<>(Progress.NONE));
    if (update.id() != null) {
      throw Refusal.ofFields(
          List.of(
              new FieldError(
                  "id", Reason.UNKNOWN_FIELD, "A patch for many data sources names no id.")));
    }
    return ids;
  }

  /** Whether the store can be asked for the next one. */
  public boolean goesOn(@ExchangeProperty(PROGRESS) AtomicReference<Progress> progress) {
    return progress.get() != Progress.INTERRUPTED;
  }

  /** Puts the patch into the queue of one data source. */
  public Statement accept(
      @Body String id,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(PATCH) byte[] patch,
      @ExchangeProperty(Prober.FORCED) Boolean forced,
      Exchange exchange) {
    Submission submission =
        new Submission(
            UUID.randomUUID(),
            Intake.HTTP,
            Operation.PATCH,
            caller.workspace(),
            id,
            null,
            caller.actor(),
            null,
            false,
            keys.identity(request, caller).map(key -> key + "/" + id).orElse(null),
            null);
    exchange.setProperty(Submission.PROPERTY, submission);
    return deferred.queued(submission, patch, MERGE_PATCH, request, forced);
  }

  /** The address of the receipt, or why there will be none. */
  public JsonNode accepted(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(PROGRESS) AtomicReference<Progress> progress) {
    progress.set(Progress.BEGUN);
    try {
      String updateId = deferred.place(rows.get(0), request, submission).updateId();
      return json.createObjectNode()
          .put("id", submission.id())
          .put("update_id", updateId)
          .put("location", DeferredUpdates.address(updateId));
    } catch (Refusal refusal) {
      return refused(submission.id(), refusal);
    }
  }

  private JsonNode refused(String id, Refusal refusal) {
    return json.createObjectNode()
        .put("id", id)
        .put("code", refusal.reason().httpStatus())
        .put("reason", refusal.reason().name())
        .put("message", refusal.getMessage());
  }

  /**
   * The store went away. What it has queued before is worked: its sender is told the addresses.
   *
   * @throws SQLException the failure itself, where nothing was queued yet, or it is another one
   */
  public JsonNode interrupted(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) SQLException failure,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(PROGRESS) AtomicReference<Progress> progress)
      throws SQLException {
    if (!StoreFailure.isOutage(failure)
        || !progress.compareAndSet(Progress.BEGUN, Progress.INTERRUPTED)) {
      throw failure;
    }
    return left(submission.id());
  }

  /** The store is not asked again, which may take as long each time. */
  public JsonNode left(@Body String id) {
    return refused(id, Refusal.because(Reason.STORE_UNAVAILABLE, NOT_STORED));
  }

  /** 202, with every data source that was named, in the order of the request. */
  public HttpAnswer answered(@Body List<JsonNode> items) {
    ObjectNode body = json.createObjectNode();
    ArrayNode all = body.putArray("items");
    items.forEach(all::add);
    return answers.json(202, body, Map.of());
  }
}
