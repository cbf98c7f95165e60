package io.sluice.accept;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.apply.Gate;
import io.sluice.apply.Outcome;
import io.sluice.apply.Submission;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.model.Secret;
import io.sluice.secrets.Vault;
import io.sluice.store.DataSources;
import io.sluice.store.Statement;
import io.sluice.store.StoreFailure;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * The steps of {@code routes/25-apply-once}: an Idempotency-Key is taken before anything happens,
 * and whoever comes with it later gets what became of the first request. A request that is refused
 * before its test gives the key back, since nothing happened.
 */
public final class IdempotencyKeys {
  /** The exchange property that marks an answer as remembered. */
  private static final String REPLAYED = "replayed";

  private static final String CLAIMED = "keyClaimed";
  private static final String TAKEN = "keyTaken";
  private static final String HASH = "requestHash";

  /** Of a key that nobody had before. */
  private static final long FIRST_FENCE = 1;

  /** An update that nobody waits for is pending until a worker takes it. */
  private static final Set<String> UNFINISHED = Set.of("running", "pending");

  /** Visible ASCII, so that a key can be found again in a log or a table. */
  private static final Pattern KEY = Pattern.compile("[\\x21-\\x7e]{1,255}");

  private final Vault vault;
  private final DataSources dataSources;
  private final ObjectMapper json;
  private final Duration lease;

  /** Claims, as id:fence, that could not be given back, and since when. */
  private final Map<String, Long> unreleased = new ConcurrentHashMap<>();

  /**
   * @param lease after this a claim whose owner has died is open to the same request
   */
  public IdempotencyKeys(Vault vault, DataSources dataSources, ObjectMapper json, Duration lease) {
    this.vault = vault;
    this.dataSources = dataSources;
    this.json = json;
    this.lease = lease;
  }

  /** Whether the request has a key. A dry run has no effect that could happen twice. */
  public boolean given(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Submission.PROPERTY) Submission submission) {
    return request.header("idempotency-key").isPresent() && !submission.dryRun();
  }

  /** Takes the key for this request. */
  public Statement claim(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      Exchange exchange) {
    Submission named =
        submission.claimed(submission.updateId(), identity(request, caller).orElseThrow(), null);
    exchange.setProperty(Submission.PROPERTY, named);
    // Should the store go away now, nobody knows whether it has the claim.
    exchange.setProperty(
        CLAIMED, submission.claimed(named.updateId(), named.identity(), FIRST_FENCE));
    long now = System.nanoTime();
    exchange.setProperty(Gate.BEGUN, now);
    unreleased.values().removeIf(since -> now - since > lease.toNanos());
    String hash = hash(request);
    exchange.setProperty(HASH, hash);
    return Statement.named("claim-key")
        .with("updateId", named.updateId().toString())
        .with("workspace", named.workspace())
        .with("id", named.id())
        .with("intake", named.intake().wireName())
        .with("identity", named.identity())
        .with("actor", named.actor())
        .with("hash", hash)
        .with("lease", lease.toMillis())
        .with("unreleased", String.join(",", unreleased.keySet()));
  }

  /** What the sender calls the update: keys belong to the token, or to its client. */
  Optional<String> identity(HttpRequest request, Caller caller) {
    Optional<String> key = request.header("idempotency-key");
    if (key.isPresent() && !KEY.matcher(key.get()).matches()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD,
          "Idempotency-Key",
          "An Idempotency-Key has 1 to 255 visible ASCII characters.");
    }
    return key.map(value -> caller.token().holder() + ":" + value);
  }

  /** A body can hold secrets: what is kept of it is a keyed hash. */
  String hash(HttpRequest request) {
    String content =
        request.method()
            + " "
            + request.path()
            + "?"
            + request.query()
            + "\n"
            + request.header("content-type").orElse("")
            + "\n"
            + request.list("if-match")
            + "\n"
            + Base64.getEncoder().encodeToString(request.body());
    return vault.fingerprint(Secret.of(content));
  }

  /** Whose the key is. */
  public void claimed(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      Exchange exchange) {
    if (rows.isEmpty()) {
      exchange.removeProperty(CLAIMED);
      exchange.setProperty(TAKEN, true);
    } else {
      Submission claimed =
          submission
              .claimed(
                  UUID.fromString((String) rows.get(0).get("id")),
                  submission.identity(),
                  ((Number) rows.get(0).get("fence")).longValue())
              .of((String) rows.get(0).get("data_source_id"));
      exchange.setProperty(Submission.PROPERTY, claimed);
      exchange.setProperty(CLAIMED, claimed);
    }
  }

  public boolean taken(Exchange exchange) {
    return exchange.getProperty(TAKEN) != null;
  }

  /** Asks what became of the request that has the key. */
  public Statement find(@ExchangeProperty(Submission.PROPERTY) Submission submission) {
    return Statement.named("find-key")
        .with("workspace", submission.workspace())
        .with("identity", submission.identity());
  }

  /** The remembered outcome. */
  public Outcome replay(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(HASH) String hash,
      Exchange exchange)
      throws JsonProcessingException {
    if (rows.isEmpty()) {
      // Given back between the two statements.
      throw Refusal.because(Reason.UPDATE_IN_PROGRESS);
    }
    Map<String, Object> row = rows.get(0);
    if (!hash.equals(row.get("request_hash"))) {
      throw Refusal.because(Reason.KEY_REUSED);
    }
    if (UNFINISHED.contains(row.get("state"))) {
      throw Refusal.because(Reason.UPDATE_IN_PROGRESS);
    }
    exchange.setProperty(REPLAYED, true);
    if (row.get("report") == null) {
      // Refused before its test, by a worker.
      throw Refusal.because(
          Reason.valueOf((String) row.get("reason")), (String) row.get("message"));
    }
    Report report = json.readValue((String) row.get("report"), Report.class);
    if (row.get("state").equals("held")) {
      return new Outcome(null, report, UUID.fromString((String) row.get("update_id")));
    }
    if (!report.passed()) {
      throw Refusal.ofTest(report);
    }
    return new Outcome(dataSources.shown(submission.workspace(), row), report, null);
  }

  /** The answer, with a mark where it is a remembered one. */
  static HttpAnswer marked(HttpAnswer answer, Exchange exchange) {
    return exchange.getProperty(REPLAYED) == null
        ? answer
        : answer.with("Idempotent-Replayed", "true");
  }

  /**
   * Gives the key back after a refusal that came before any test. Null: nothing to give back, or
   * nobody there to ask, so that the sender is not kept waiting a second time.
   */
  public Statement forget(
      @ExchangeProperty(CLAIMED) Submission claimed,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught) {
    boolean outage = StoreFailure.isOutage(caught);
    if (outage) {
      unreleased(claimed);
    }
    boolean stored = caught instanceof Refusal refusal && refusal.report() != null;
    return claimed == null || stored || outage
        ? null
        : Statement.named("release-key")
            .with("updateId", claimed.updateId().toString())
            .with("fence", claimed.fence());
  }

  /** The store went away: the same request need not wait for the end of this one's claim. */
  public void unreleased(@ExchangeProperty(CLAIMED) Submission claimed) {
    if (claimed != null) {
      unreleased.put(claimed.updateId() + ":" + claimed.fence(), System.nanoTime());
    }
  }
}
