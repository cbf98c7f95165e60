package io.sluice.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.apply.Outcome;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Secret;
import io.sluice.model.Update.Change;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.MuteServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.ToxicProxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A change waits while its database is away, and ends once. */
final class PendingChangesTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final PostgresServer STORE = PostgresServer.shared();
  private static final MariaDbServer MARIA = MariaDbServer.shared();
  private static final String USER = "p" + UUID.randomUUID().toString().substring(0, 8);
  private static final String PASSWORD = "pw-" + UUID.randomUUID();
  private static final String DATABASE = STORE.createDatabase();

  @TempDir private static Path folder;
  private static Instance instance;

  @BeforeAll
  static void start() {
    MARIA.createUser(USER, PASSWORD);
    instance = another();
  }

  private static Instance another() {
    return new Instance(STORE, DATABASE, folder, Map.of("sluice.monitor.pending-retry", "200ms"));
  }

  @AfterAll
  static void close() {
    instance.close();
  }

  private static Map<Field, Change> through(ToxicProxy proxy) {
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    changes.put(Field.DRIVER, new Change.Set("mariadb"));
    changes.put(Field.HOST, new Change.Set(proxy.host()));
    changes.put(Field.PORT, new Change.Set(proxy.port()));
    changes.put(Field.USERNAME, new Change.Set(USER));
    changes.put(Field.PASSWORD, new Change.Replace(Secret.of(PASSWORD)));
    return changes;
  }

  private static ToxicProxy proxy() {
    return ToxicProxy.to(MARIA.host(), MARIA.port());
  }

  /** The id of the update that is pending now. */
  private static String hold(String id, Map<Field, Change> changes) {
    Exchange done = instance.submit(Operation.UPDATE, id, changes, true);
    assertThat(done.getException()).isNull();
    Outcome outcome = done.getMessage().getBody(Outcome.class);
    assertThat(outcome.pending()).isNotNull();
    return outcome.pending().toString();
  }

  private static String value(String sql) {
    return STORE.queryIn(DATABASE, sql);
  }

  private static String outcome(String update) {
    return value(
        "select state || ' ' || coalesce(reason, '') from updates where id = '" + update + "'");
  }

  private static String awaitOutcome(String update) {
    return await("the end of " + update)
        .atMost(LIMIT)
        .until(() -> outcome(update), outcome -> !outcome.startsWith("held"));
  }

  private static long version(String id) {
    return Long.parseLong(value("select version from data_sources where id = '" + id + "'"));
  }

  private static String event(String update) {
    return value(
        "select string_agg(headers ->> 'ce_type', ',') from outbox where event_id = '"
            + update
            + "'");
  }

  /** Cuts each conversation in the middle, which looks like a server that went away. */
  private static void takeAway(ToxicProxy proxy) {
    proxy.dropAfter(ToxicProxy.Direction.TO_CLIENT, 40);
  }

  @Test
  void aRightChangeWaitsAndGoesLiveAfterARestartWhenItsDatabaseIsBack() {
    try (ToxicProxy old = proxy();
        ToxicProxy next = proxy()) {
      String id = instance.create(through(old));
      takeAway(next);

      String update = hold(id, through(next));
      int attempts = next.connections();
      await("further attempts").atMost(LIMIT).until(() -> next.connections() > attempts + 1);
      assertThat(outcome(update)).isEqualTo("held UNREACHABLE");
      assertThat(version(id)).isEqualTo(1);
      assertThat(event(update)).isNull();
      assertThat(value("select payload from updates where id = '" + update + "'"))
          .doesNotContain(PASSWORD)
          .doesNotContain(USER);

      instance.close();
      next.heal();
      assertThat(version(id)).isEqualTo(1);
      instance = another();

      assertThat(awaitOutcome(update)).startsWith("applied");
      assertThat(version(id)).isEqualTo(2);
      assertThat(value("select settings ->> 'port' from data_sources where id = '" + id + "'"))
          .isEqualTo(Integer.toString(next.port()));
      assertThat(event(update)).isEqualTo("sluice.datasource.updated");
    }
  }

  @Test
  void aChangeThatTurnsOutToBeWrongEndsWithItsFirstLogin() {
    try (ToxicProxy proxy = proxy()) {
      String id = instance.create(through(proxy));
      takeAway(proxy);
      Map<Field, Change> wrong = through(proxy);
      wrong.put(Field.PASSWORD, new Change.Replace(Secret.of("wrong-" + UUID.randomUUID())));
      String update = hold(id, wrong);

      proxy.heal();

      assertThat(awaitOutcome(update)).isEqualTo("failed AUTH_FAILED");
      assertThat(event(update)).isEqualTo("sluice.datasource.update-failed");
      assertThat(version(id)).isEqualTo(1);
    }
  }

  @Test
  void whatIsWrongIsNotHeld() {
    try (ToxicProxy proxy = proxy()) {
      String id = instance.create(through(proxy));
      Map<Field, Change> wrong = through(proxy);
      wrong.put(Field.PASSWORD, new Change.Replace(Secret.of("wrong-" + UUID.randomUUID())));
      Map<Field, Change> nowhere = through(proxy);
      nowhere.put(Field.HOST, new Change.Set("nowhere.invalid"));
      Map<Field, Change> denied = through(proxy);
      denied.put(Field.HOST, new Change.Set("169.254.169.254"));

      for (Map.Entry<Reason, Map<Field, Change>> refused :
          Map.of(
                  Reason.AUTH_FAILED, wrong,
                  Reason.UNKNOWN_HOST, nowhere,
                  Reason.POLICY_DENIED, denied)
              .entrySet()) {
        Exchange done = instance.submit(Operation.UPDATE, id, refused.getValue(), true);
        assertThat(done.getException())
            .isInstanceOfSatisfying(
                Refusal.class, refusal -> assertThat(refusal.reason()).isEqualTo(refused.getKey()));
      }
      assertThat(
              value(
                  "select count(*) from updates where state = 'held' and data_source_id = '"
                      + id
                      + "'"))
          .isEqualTo("0");
    }
  }

  @Test
  void aNewerChangeTakesThePlaceOfAPendingOneAndSoDoesAnotherVersion() {
    try (ToxicProxy live = proxy();
        ToxicProxy next = proxy()) {
      String id = instance.create(through(live));
      takeAway(next);
      String first = hold(id, through(next));
      String second = hold(id, through(next));

      assertThat(awaitOutcome(first)).isEqualTo("failed SUPERSEDED");
      assertThat(event(first)).isEqualTo("sluice.datasource.update-failed");
      assertThat(outcome(second)).startsWith("held");

      assertThat(instance.submit(Operation.UPDATE, id, through(live)).getException()).isNull();
      assertThat(awaitOutcome(second)).isEqualTo("failed SUPERSEDED");
      next.heal();
      assertThat(version(id)).isEqualTo(2);
      assertThat(List.of(event(first), event(second)))
          .containsOnly("sluice.datasource.update-failed");
    }
  }

  @Test
  void aNewerChangeTakesThePlaceOfOneThatIsBeingTried() {
    try (ToxicProxy live = proxy();
        ToxicProxy next = proxy();
        MuteServer mute = MuteServer.start()) {
      String id = instance.create(through(live));
      Map<Field, Change> hanging = through(live);
      hanging.put(Field.HOST, new Change.Set(mute.host()));
      hanging.put(Field.PORT, new Change.Set(mute.port()));
      String first = hold(id, hanging);
      int attempts = mute.connections();
      await("another attempt").atMost(LIMIT).until(() -> mute.connections() > attempts);
      takeAway(next);

      String second = hold(id, through(next));
      assertThat(awaitOutcome(first)).isEqualTo("failed SUPERSEDED");
      mute.close();
      int seen = next.connections();
      await("attempts after that of the former has ended")
          .atMost(LIMIT)
          .until(() -> next.connections() > seen + 2);

      assertThat(outcome(second)).isEqualTo("held UNREACHABLE");
      next.heal();
      assertThat(awaitOutcome(second)).startsWith("applied");
      assertThat(outcome(first)).isEqualTo("failed SUPERSEDED");
      assertThat(version(id)).isEqualTo(2);
    }
  }

  @Test
  void ofTwoThatWereHeldAtTheSameMomentTheOlderOneIsOver() {
    try (ToxicProxy proxy = proxy()) {
      String id = instance.create(through(proxy));
      takeAway(proxy);
      String newer = hold(id, through(proxy));
      String older = UUID.randomUUID().toString();

      // Their statements began before either was committed, so neither saw the other.
      STORE.executeIn(
          DATABASE,
          "insert into updates (id, workspace_id, data_source_id, seq, intake, actor, state, version,"
              + " reason, report, changed, payload, lease_until) overriding system value"
              + " select '"
              + older
              + "', workspace_id, data_source_id, (select min(seq) - 1 from updates), intake, actor,"
              + " state, version, reason, report, changed, payload, now() from updates where id = '"
              + newer
              + "'");

      assertThat(awaitOutcome(older)).isEqualTo("failed SUPERSEDED");
      assertThat(outcome(newer)).isEqualTo("held UNREACHABLE");
    }
  }

  @Test
  void aChangeThatWaitsTooLongFailsWithWhatItsLastTestFound() {
    try (ToxicProxy proxy = proxy()) {
      String id = instance.create(through(proxy));
      takeAway(proxy);
      String update = hold(id, through(proxy));

      STORE.executeIn(
          DATABASE,
          "update updates set received_at = now() - interval '25 hours' where id = '"
              + update
              + "'");

      assertThat(awaitOutcome(update)).isEqualTo("failed UNREACHABLE");
      assertThat(event(update)).isEqualTo("sluice.datasource.update-failed");
    }
  }

  @Test
  void aChangeIsTriedAgainAlsoWhenTheStoresClockWasSetBack() {
    try (ToxicProxy proxy = proxy()) {
      String id = instance.create(through(proxy));
      takeAway(proxy);
      String update = hold(id, through(proxy));

      STORE.executeIn(
          DATABASE,
          "update updates set lease_until = now() + interval '3 days' where id = '" + update + "'");
      proxy.heal();

      assertThat(awaitOutcome(update)).startsWith("applied");
    }
  }
}
