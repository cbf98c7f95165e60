package io.sluice.monitor;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.Connection;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.probe.Prober;
import io.sluice.probe.Tested;
import io.sluice.publish.EventType;
import io.sluice.publish.Events;
import io.sluice.publish.Events.Happening;
import io.sluice.store.DataSource;
import io.sluice.store.DataSources;
import io.sluice.store.Places;
import io.sluice.store.Statement;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code routes/70-monitor}: due data sources are claimed under a lease, tested as
 * they are stored, and what was found is recorded with its events in one statement. A lease that
 * was lost and settings that changed meanwhile make a finding void.
 */
public final class Monitor {
  private static final Logger LOG = LoggerFactory.getLogger(Monitor.class);
  private static final String CHECK = "check";
  private static final String ACTOR = "monitor";

  private static final TypeReference<Map<String, Long>> WARNED = new TypeReference<>() {};

  private final MonitorSettings settings;
  private final DataSources dataSources;
  private final Events events;
  private final ObjectMapper json;
  private final Places places;

  /** One claimed data source. */
  private record Check(
      DataSource dataSource, String outcomes, Map<String, Long> warned, long fence) {}

  /**
   * @param places for as many checks as are under way at once
   */
  public Monitor(
      MonitorSettings settings,
      DataSources dataSources,
      Events events,
      ObjectMapper json,
      Places places) {
    this.settings = settings;
    this.dataSources = dataSources;
    this.events = events;
    this.json = json;
    this.places = places;
  }

  /** Whether the last claim found something, so that more may be due. */
  public boolean more(Exchange exchange) {
    return settings.enabled() && Places.more(exchange);
  }

  /** As many as may still begin. */
  public Statement claim(Exchange exchange) throws InterruptedException {
    return Statement.named("claim-checks")
        .with("limit", places.take(exchange))
        .with("lease", settings.lease().toMillis())
        .with("longest", settings.longestPause().toMillis())
        .with("interval", settings.interval().toMillis());
  }

  /** The connection as it is stored, to be tested beside the places of updates. */
  public Connection open(@Body Map<String, Object> row, Exchange exchange)
      throws JsonProcessingException {
    DataSource dataSource = dataSources.read((String) row.get("workspace_id"), row);
    exchange.setProperty(
        CHECK,
        new Check(
            dataSource,
            (String) row.get("outcomes"),
            json.readValue((String) row.get("warned"), WARNED),
            ((Number) row.get("check_fence")).longValue()));
    exchange.setProperty(Prober.BACKGROUND, true);
    return Connection.of(dataSource.settings());
  }

  /** What the test means, for the store. */
  public Statement judge(@Body Tested tested, @ExchangeProperty(CHECK) Check check)
      throws JsonProcessingException {
    Report report = tested.report();
    if (Verdict.saysNothing(report)) {
      // Another data source's check has tried the same login: the pause after that holds here, too.
      return postponed(
          check,
          report.reason() == Reason.LOCKOUT_GUARD ? settings.refused() : settings.interval());
    }
    DataSource dataSource = check.dataSource();
    Verdict verdict = Verdict.of(settings, dataSource.status(), check.outcomes(), report);
    Expiry expiry = Expiry.of(check.warned(), settings.expiry(), report);
    if (verdict.turned()) {
      LOG.atInfo()
          .addKeyValue("id", dataSource.id())
          .addKeyValue("status", verdict.status())
          .addKeyValue("reason", report.reason())
          .log("The status of a data source changed.");
    }
    Statement statement =
        check("record-check", check, verdict.pause())
            .with("expected", dataSource.version())
            .with("status", verdict.status())
            .with("report", json.writeValueAsString(report))
            .with("outcomes", verdict.outcomes())
            .with("warned", json.writeValueAsString(expiry.told()))
            .with("refusedBy", refusedBy(report))
            .with("key", dataSource.id().getBytes(StandardCharsets.UTF_8));
    EventType turn = report.passed() ? EventType.RECOVERED : EventType.UNREACHABLE;
    return events.in(
        events.in(
            statement, "transition", verdict.turned() ? happening(turn, dataSource, report) : null),
        "warning",
        expiry.news() ? happening(EventType.CERTIFICATE_EXPIRING, dataSource, report) : null);
  }

  private static String refusedBy(Report report) {
    if (report.passed() || !report.reason().refusesLogin()) {
      return null;
    }
    return report.reason() == Reason.SSH_AUTH_FAILED ? "bastion" : "database";
  }

  private static Happening happening(EventType type, DataSource dataSource, Report report) {
    boolean failed = type == EventType.UNREACHABLE;
    return new Happening(
        type,
        UUID.randomUUID(),
        dataSource.id(),
        dataSource.version(),
        Intake.MONITOR,
        ACTOR,
        Set.of(),
        report,
        failed ? report.reason() : null,
        failed ? report.sentence() : null,
        report.testedAt());
  }

  /** The stored settings cannot be tested, or not now: nothing is known about the data source. */
  public Statement untestable(
      @ExchangeProperty(CHECK) Check check,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Refusal refusal) {
    boolean busy = refusal.reason() == Reason.OVERLOADED;
    LOG.atDebug()
        .addKeyValue("id", check.dataSource().id())
        .addKeyValue("reason", refusal.reason())
        .log("A check could not be made.");
    return postponed(check, busy ? settings.confirm() : settings.interval());
  }

  private Statement postponed(Check check, Duration pause) {
    return check("postpone-check", check, pause);
  }

  private Statement check(String name, Check check, Duration pause) {
    return Statement.named(name)
        .with("workspace", check.dataSource().workspace())
        .with("id", check.dataSource().id())
        .with("fence", check.fence())
        .with("pause", jittered(pause));
  }

  /** A little sooner or later each time, so that checks do not march in step. */
  private long jittered(Duration pause) {
    // What comes soon, to confirm, varies in proportion.
    long most =
        settings.jitter().toMillis()
            * Math.min(pause.toMillis(), settings.interval().toMillis())
            / settings.interval().toMillis();
    return pause.toMillis() + ThreadLocalRandom.current().nextLong(-most, most + 1);
  }

  /** The store went away, or a fault of this service: the lease runs out, and it is due again. */
  public void failed(
      @ExchangeProperty(CHECK) Check check,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Throwable caught) {
    Places.failed(check == null ? null : check.dataSource().id(), caught);
  }
}
