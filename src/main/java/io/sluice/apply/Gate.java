package io.sluice.apply;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.apply.Submission.Operation;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.JumpHost;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.Report;
import io.sluice.model.Settings;
import io.sluice.probe.PolicyDisguise;
import io.sluice.probe.Tested;
import io.sluice.publish.EventType;
import io.sluice.publish.Events;
import io.sluice.publish.Events.Happening;
import io.sluice.store.DataSource;
import io.sluice.store.DataSources;
import io.sluice.store.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * The steps of {@code routes/30-apply-update}, in the order in which that route takes them. What is
 * known so far travels in the exchange's properties; the gate itself keeps nothing.
 */
public final class Gate {
  /**
   * The exchange property of whoever works a queue, a {@code Supplier} of a {@link Duration}. It is
   * asked when the update is about to end: for so long the next one of its data source is claimed
   * in the same statement. Null, or no such property: none is.
   */
  public static final String NEXT_LEASE = "nextLease";

  /**
   * The exchange property with the time at which the store was asked for the update's lease, of
   * {@link System#nanoTime()}. Null, or no such property: the time at which it came to the gate.
   */
  public static final String BEGUN = "begun";

  /** The exchange property with the rows of the statement that ended the update. */
  public static final String ENDED = "ended";

  /** The exchange property with the host and port that the update is for, as one text. */
  public static final String TARGET = "target";

  /** The exchange property with the former version that is to go live again, a {@code Long}. */
  public static final String FORMER_VERSION = "formerVersion";

  /** What the sender is told of a version that is not of the data source that is live now. */
  public static final String NO_SUCH_VERSION = "There is no such version of this data source.";

  private static final String CANDIDATE = "candidate";
  private static final String TESTED = "tested";
  private static final String OUTCOME = "outcome";
  private static final String NEXT = "next";
  private static final String ROUND = "round";

  private static final String NO_DATA_SOURCE = "There is no data source with this id.";
  private static final String TOO_SLOW = "The store takes too long to answer.";
  private static final String OTHERS_FIRST = "Other updates of this data source keep coming first.";

  /** How often an update starts over when others commit first. */
  private static final int MAX_ROUNDS = 30;

  private final Merge merge;
  private final DataSources dataSources;
  private final Events events;
  private final ObjectMapper json;
  private final Clock clock;
  private final Duration pendingRetry;
  private final Duration latestTest;

  /**
   * @param pendingRetry after this a pending change is tried again
   * @param latestTest for so long after its lease was asked for an update may begin a test: one
   *     that ended after the lease would be made twice
   */
  public Gate(
      DriverCatalogue drivers,
      DataSources dataSources,
      Events events,
      ObjectMapper json,
      Clock clock,
      Duration pendingRetry,
      Duration latestTest) {
    this.merge = new Merge(drivers);
    this.dataSources = dataSources;
    this.events = events;
    this.json = json;
    this.clock = clock;
    this.pendingRetry = pendingRetry;
    this.latestTest = latestTest;
  }

  /** Whether the update still lacks an outcome: another commit may come between test and commit. */
  public boolean undecided(Exchange exchange) {
    return exchange.getProperty(OUTCOME) == null;
  }

  /** What is live now. */
  public Statement find(
      @ExchangeProperty(Submission.PROPERTY) Submission submission, Exchange exchange) {
    if (exchange.getProperty(BEGUN) == null) {
      exchange.setProperty(BEGUN, System.nanoTime());
    }
    Long former = exchange.getProperty(FORMER_VERSION, Long.class);
    Statement live;
    if (submission.operation() == Operation.CREATE) {
      live = Statement.named("find-for-create");
    } else if (former != null) {
      live = Statement.named("find-for-rollback").with("version", former);
    } else {
      live = Statement.named("find-data-source");
    }
    return live.with("workspace", submission.workspace()).with("id", submission.id());
  }

  /**
   * Merges the update with what is live, and checks the whole.
   *
   * @param rows what {@link #find} found
   * @return what is to be tested
   */
  public Connection propose(
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @Body List<Map<String, Object>> rows,
      Exchange exchange) {
    DataSource current = submission.operation() == Operation.CREATE ? null : live(submission, rows);
    long version = current == null ? firstVersion(rows.get(0)) : current.version() + 1;
    if (submission.ifMatch() != null && !submission.ifMatch().contains(current.version())) {
      throw Refusal.because(Reason.VERSION_MISMATCH);
    }
    Candidate before = exchange.getProperty(CANDIDATE, Candidate.class);
    Candidate candidate = merge.merge(submission, current, version);
    exchange.setProperty(CANDIDATE, candidate);
    if (before == null || !before.settings().equals(candidate.settings())) {
      if (submission.fence() != null
          && System.nanoTime() - exchange.getProperty(BEGUN, Long.class) > latestTest.toNanos()) {
        throw Refusal.because(Reason.OVERLOADED, before == null ? TOO_SLOW : OTHERS_FIRST);
      }
      exchange.removeProperty(TESTED);
    }
    Connection proposed = Connection.of(candidate.settings());
    exchange.setProperty(TARGET, proposed.host() + ":" + proposed.port());
    return proposed;
  }

  private DataSource live(Submission submission, List<Map<String, Object>> rows) {
    boolean rollback = submission.intake() == Intake.ROLLBACK;
    return dataSources
        .one(submission.workspace(), rows, submission.update().changes().keySet())
        .orElseThrow(
            () -> Refusal.because(Reason.NOT_FOUND, rollback ? NO_SUCH_VERSION : NO_DATA_SOURCE));
  }

  private static long firstVersion(Map<String, Object> row) {
    if (row.get("id") != null) {
      throw Refusal.because(Reason.ALREADY_EXISTS);
    }
    return ((Number) row.get("last_version")).longValue() + 1;
  }

  /** Whether exactly these settings were tested a moment ago, before somebody else's commit. */
  public boolean untested(Exchange exchange) {
    return exchange.getProperty(TESTED) == null;
  }

  /** Keeps what the test found. */
  public void tested(@Body Tested tested, Exchange exchange) {
    exchange.setProperty(TESTED, tested);
  }

  /** Whether something is to be stored, be it a new version or a failure. */
  public boolean binding(@ExchangeProperty(Submission.PROPERTY) Submission submission) {
    return !submission.dryRun();
  }

  /** The commit: the new version with its event, or the failure with its event. */
  public Statement decide(
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(CANDIDATE) Candidate candidate,
      @ExchangeProperty(TESTED) Tested tested,
      Exchange exchange) {
    return takingNext(decision(submission, candidate, tested, exchange), exchange);
  }

  /** The same end of an update; if its worker goes on with the next one, with the claim of that. */
  public static Statement takingNext(Statement end, Exchange exchange) {
    Supplier<?> lease = exchange.getProperty(NEXT_LEASE, Supplier.class);
    Duration next = lease == null ? null : (Duration) lease.get();
    return next == null ? end : end.with("lease", next.toMillis());
  }

  private Statement decision(
      Submission submission, Candidate candidate, Tested tested, Exchange exchange) {
    Report report = tested.report();
    if (held(submission, report)) {
      return pending(submission, candidate, report);
    }
    if (!report.passed()) {
      Long live = candidate.current() == null ? null : candidate.current().version();
      return failed(
          submission,
          report.reason(),
          report.sentence(),
          report,
          null,
          List.of(),
          live,
          candidate.changed());
    }
    DataSource next = next(submission, candidate, tested);
    exchange.setProperty(NEXT, next);
    boolean create = submission.operation() == Operation.CREATE;
    Statement commit =
        receipt(create ? "create-data-source" : "apply-update", submission)
            .with("now", next.publishedAt().atOffset(ZoneOffset.UTC))
            .with("driver", next.settings().text(Field.DRIVER))
            .with("host", next.settings().text(Field.HOST))
            .with("settings", dataSources.settingsColumn(next))
            .with("secrets", dataSources.secretsColumn(next))
            .with("report", text(report))
            .with("changed", text(candidate.changed()));
    commit =
        create
            ? commit.with("version", next.version())
            : commit.with("expected", candidate.current().version());
    return events.in(
        commit,
        new Happening(
            create ? EventType.CREATED : EventType.UPDATED,
            submission.updateId(),
            submission.id(),
            next.version(),
            submission.intake(),
            submission.actor(),
            candidate.changed(),
            report,
            null,
            null,
            next.publishedAt()));
  }

  /**
   * Whether a change is to wait: nothing shows that it is wrong, only that its database is away.
   * What decides is what every caller may know, so that nobody learns the egress policy from it.
   */
  private static boolean held(Submission submission, Report report) {
    return submission.hold()
        && !submission.dryRun()
        && submission.operation() != Operation.CREATE
        && !report.passed()
        && away(PolicyDisguise.of(report));
  }

  /** A peer that hangs up before a word may be a proxy whose database is down. */
  private static boolean away(Report report) {
    return report.reason().unavailable()
        || (report.reason() == Reason.PROTOCOL_MISMATCH
            && report.steps().stream().anyMatch(step -> Boolean.TRUE.equals(step.retryable())));
  }

  /** Keeps the whole settings, so that exactly these are tried again. */
  private Statement pending(Submission submission, Candidate candidate, Report report) {
    return receipt("hold-update", submission)
        .with("expected", candidate.current().version())
        .with("reason", PolicyDisguise.of(report).reason().name())
        .with("report", text(report))
        .with("changed", text(candidate.changed()))
        .with("payload", dataSources.sealed(candidate.settings(), submission.updateId().toString()))
        .with("pause", pendingRetry.toMillis());
  }

  /** The commit of an update that is refused before any test, with its event. */
  public Statement refuse(Submission submission, Refusal refusal) {
    return failed(
        submission,
        refusal.reason(),
        refusal.getMessage(),
        refusal.report(),
        explained(refusal),
        refusal.errors(),
        null,
        Set.of());
  }

  /** The end of a record that cannot be read; its caller adds the dead letter. */
  public Statement unreadable(Submission submission, Refusal refusal) {
    return receipt("fail-update", submission)
        .with("state", "dead")
        .with("reason", refusal.reason().name())
        .with("report", null)
        .with("refusal", explained(refusal))
        .with("changed", null);
  }

  /** What whoever asks for the receipt is told. */
  private String explained(Refusal refusal) {
    return text(Map.of("message", refusal.getMessage(), "errors", refusal.errors()));
  }

  private Statement failed(
      Submission submission,
      Reason reason,
      String message,
      Report report,
      String refusal,
      List<FieldError> errors,
      Long live,
      Set<String> changed) {
    Statement commit =
        receipt("fail-update", submission)
            .with("state", "failed")
            .with("reason", reason.name())
            .with("report", report == null ? null : text(report))
            .with("refusal", refusal)
            .with("changed", text(changed));
    return events.in(
        commit,
        new Happening(
            EventType.UPDATE_FAILED,
            submission.updateId(),
            submission.id(),
            live,
            submission.intake(),
            submission.actor(),
            changed,
            report,
            reason,
            message,
            errors,
            now()));
  }

  /** As precise as the store keeps it, so that every answer shows the same time. */
  private Instant now() {
    return clock.instant().truncatedTo(ChronoUnit.MICROS);
  }

  private static Statement receipt(String name, Submission submission) {
    return Statement.named(name)
        .with("workspace", submission.workspace())
        .with("id", submission.id())
        .with("updateId", submission.updateId().toString())
        .with("intake", submission.intake().wireName())
        .with("identity", submission.identity())
        .with("actor", submission.actor())
        .with("fence", submission.fence())
        .with("lease", null);
  }

  /**
   * Ends the round.
   *
   * @param rows what the commit answered: no row where somebody else's came first
   * @throws Refusal when the test failed, unless the change waits for its database
   */
  public void conclude(
      @ExchangeProperty(Submission.PROPERTY) Submission submission,
      @ExchangeProperty(CANDIDATE) Candidate candidate,
      @ExchangeProperty(TESTED) Tested tested,
      @Body Object rows,
      Exchange exchange) {
    Report report = tested.report();
    exchange.setProperty(ENDED, rows);
    boolean held = held(submission, report);
    if (!report.passed() && !held) {
      if (binding(submission) && ((List<?>) rows).isEmpty()) {
        // The lease was over before the test was: somebody else finds out what becomes of it.
        throw Refusal.because(Reason.UPDATE_IN_PROGRESS);
      }
      throw Refusal.ofTest(report);
    }
    if (lost(rows)) {
      throw Refusal.because(Reason.UPDATE_IN_PROGRESS);
    }
    if (submission.dryRun()) {
      exchange.setProperty(OUTCOME, Outcome.live(next(submission, candidate, tested), report));
    } else if (held && !((List<?>) rows).isEmpty()) {
      exchange.setProperty(OUTCOME, new Outcome(null, report, submission.updateId()));
    } else if (!((List<?>) rows).isEmpty()) {
      DataSource live = exchange.getProperty(NEXT, DataSource.class);
      exchange.setProperty(OUTCOME, Outcome.live(live, report));
    } else {
      startOver(exchange);
    }
  }

  /**
   * Whether the commit says that the lease was over: somebody else finds out what becomes of it.
   */
  private static boolean lost(Object rows) {
    return rows instanceof List<?> list
        && !list.isEmpty()
        && list.get(0) instanceof Map<?, ?> row
        && Boolean.TRUE.equals(row.get("lost"));
  }

  /**
   * Another commit came between: what was tested may no longer be what would go live. Whether it
   * may still, the next round finds out from what is live then.
   */
  private static void startOver(Exchange exchange) {
    int round = exchange.getProperty(ROUND, 1, Integer.class);
    if (round == MAX_ROUNDS) {
      throw Refusal.because(Reason.OVERLOADED, OTHERS_FIRST);
    }
    exchange.setProperty(ROUND, round + 1);
  }

  private DataSource next(Submission submission, Candidate candidate, Tested tested) {
    return dataSources.next(
        submission.workspace(),
        submission.id(),
        candidate.current(),
        candidate.version(),
        pinned(candidate.settings(), tested),
        tested.report(),
        now(),
        submission.actor());
  }

  /** Hands over the outcome. */
  public Outcome outcome(@ExchangeProperty(OUTCOME) Outcome outcome) {
    return outcome;
  }

  /** The first host key with which a bastion passed is the one that it must show from then on. */
  private static Settings pinned(Settings settings, Tested tested) {
    if (tested.observedHostKey() == null) {
      return settings;
    }
    Map<Field, Object> values = new EnumMap<>(settings.values());
    values.putIfAbsent(Field.SSH_HOST_KEY, tested.observedHostKey());
    List<JumpHost> hops = JumpHost.list(settings.text(Field.SSH_JUMP));
    if (!hops.isEmpty()) {
      List<JumpHost> known = new ArrayList<>();
      for (int i = 0; i < hops.size(); i++) {
        JumpHost hop = hops.get(i);
        known.add(hop.hostKey() == null ? hop.withHostKey(tested.observedJumpKeys().get(i)) : hop);
      }
      values.put(Field.SSH_JUMP, JumpHost.text(known));
    }
    return new Settings(values, settings.secrets(), settings.options());
  }

  private String text(Object value) {
    try {
      return json.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A receipt cannot be written.", e);
    }
  }
}
