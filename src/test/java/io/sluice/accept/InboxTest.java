package io.sluice.accept;

import static io.sluice.servers.Installation.header;
import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.servers.Installation;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SluiceProcess;
import io.sluice.servers.ToxicProxy;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was accepted ends exactly once, whatever happens to the store and to the workers. */
final class InboxTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** The promise is two seconds; the rest is this machine's. */
  private static final Duration REFUSED_WITHIN = Duration.ofMillis(3500);

  /** Kubernetes asks for no more than one second, unless told. */
  private static final Duration HEALTH_WITHIN = Duration.ofSeconds(1);

  /** The promise. */
  private static final Duration BACK_WITHIN = Duration.ofSeconds(10);

  private static Installation installation;

  @BeforeAll
  static void start() {
    installation = Installation.started(Installation::shortLeases);
  }

  @AfterAll
  static void noSecretShowsAnywhere() {
    try {
      installation.assertNoSecretShows();
    } finally {
      installation.close();
    }
  }

  @Test
  void whileTheStoreIsDownNothingIsAcceptedAndAfterwardsAllGoesOn() throws Exception {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      ids.add(installation.create());
    }
    int read = installation.process().logged().length();
    for (String id : ids) {
      for (int i = 0; i < 5; i++) {
        installation.produce(id, json(installation.settings()), Map.of());
      }
    }
    // Some are worked, some wait, some are not even read.
    installation.store().kill();
    long back;
    try {
      assertRefusedSoon(ids.get(0));
      installation.produce(ids.get(0), json(installation.settings()), Map.of());
    } finally {
      installation.store().start();
      back = System.nanoTime();
    }
    awaitBack(ids.get(0));
    System.out.println(
        "store back: ready after " + Duration.ofNanos(System.nanoTime() - back).toMillis() + " ms");
    awaitApplied(21, ids);
    System.out.println(
        "store back: queue worked after "
            + Duration.ofNanos(System.nanoTime() - back).toMillis()
            + " ms");
    for (String id : ids) {
      int updates = id.equals(ids.get(0)) ? 7 : 6;
      List<Long> versions =
          installation.awaitEvents(id, updates).stream()
              .map(e -> tree(e.value()).path("version").asLong())
              .distinct()
              .toList();
      assertThat(versions).isSorted().hasSize(updates);
      assertThat(installation.get(id).path("version").asInt()).isEqualTo(updates);
    }
    assertThat(logged(read))
        .doesNotContain("level=ERROR")
        .containsOnlyOnce("none is accepted until it does")
        .containsOnlyOnce("The store is there again")
        .containsOnlyOnce("Records cannot be taken now")
        .containsOnlyOnce("Records are taken again");
  }

  @Test
  void aStoreThatTakesConnectionsAndNeverAnswersHoldsNoRequest() throws Exception {
    String id = installation.create();
    for (int i = 0; i < 5; i++) {
      installation.produce(id, json(installation.settings()), Map.of());
    }
    installation.store().pause();
    try {
      assertRefusedSoon(id);
      installation.produce(id, json(installation.settings()), Map.of());
    } finally {
      installation.store().resume();
    }
    awaitBack(id);
    awaitApplied(6, List.of(id));
    assertThat(installation.get(id).path("version").asInt()).isEqualTo(7);
  }

  /** As one that was made a standby, or whose provider saves it from a full disk. */
  @Test
  void aStoreThatMayOnlyBeReadTakesNoUpdatesAndAfterwardsAllGoesOn() throws Exception {
    String id = installation.create();
    installation.store().execute("alter system set default_transaction_read_only = on");
    installation.store().execute("select pg_reload_conf()");
    try {
      await("not to be ready")
          .atMost(LIMIT)
          .until(() -> installation.process().health("ready") == 503);
      assertRefusedSoon(id);
      installation.produce(id, json(installation.settings()), Map.of());
      assertThat(installation.send("GET", "/datasources/" + id, null).statusCode()).isEqualTo(200);
    } finally {
      installation.store().execute("alter system reset default_transaction_read_only");
      installation.store().execute("select pg_reload_conf()");
    }
    awaitBack(id);
    awaitApplied(1, List.of(id));
    assertThat(installation.get(id).path("version").asInt()).isEqualTo(2);
  }

  @Test
  void aFaultOfTheStoresTablesIsToldOnceAndAllGoesOnWhenTheyAreMended() {
    String id = installation.create();
    int read = installation.process().logged().length();
    long failed = failedInStore();
    installation.store().executeIn(installation.database(), "alter table updates rename to away");
    try {
      installation.produce(id, json(installation.settings()), Map.of());
      await("what waits to be told")
          .atMost(LIMIT)
          .untilAsserted(
              () ->
                  assertThat(logged(read))
                      .contains("Accepted updates cannot", "Records cannot be taken now"));
      await("many attempts").atMost(LIMIT).until(() -> failedInStore() - failed > 50);
    } finally {
      installation.store().executeIn(installation.database(), "alter table away rename to updates");
    }
    awaitApplied(1, List.of(id));
    assertThat(logged(read).lines().filter(line -> line.contains("level=ERROR")))
        .allSatisfy(line -> assertThat(line).contains("relation \\\"updates\\\" does not exist"))
        .hasSizeBetween(2, 4);
    assertThat(logged(read)).contains("Accepted updates go on.", "Records are taken again.");
  }

  private static long failedInStore() {
    return Long.parseLong(
        installation.value(
            "select xact_rollback from pg_stat_database where datname = current_database()"));
  }

  /** What the product has logged after so many characters. */
  private static String logged(int read) {
    return installation.process().logged().substring(read);
  }

  private static void assertRefusedSoon(String id) {
    for (int i = 0; i < 3; i++) {
      long begin = System.nanoTime();
      HttpResponse<String> answer = installation.put(id, installation.settings());
      Duration took = Duration.ofNanos(System.nanoTime() - begin);
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.headers().firstValue("Retry-After")).isPresent();
      assertThat(took).isLessThan(REFUSED_WITHIN);
      System.out.println("no store: 503 after " + took.toMillis() + " ms");
    }
    // Health is asked on a thread that serves more than one, and must not wait for the store.
    long begin = System.nanoTime();
    assertThat(installation.process().health("ready")).isEqualTo(503);
    assertThat(installation.process().health("live")).isEqualTo(200);
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(HEALTH_WITHIN);
  }

  private static void awaitBack(String id) {
    await("HTTP to be back")
        .atMost(BACK_WITHIN)
        .pollInterval(Duration.ofMillis(100))
        .until(
            () ->
                installation.process().health("ready") == 200
                    && installation.send("GET", "/datasources/" + id, null).statusCode() == 200);
  }

  private static void awaitApplied(int records, List<String> ids) {
    await("the queue to drain")
        .atMost(LIMIT)
        .pollInterval(Duration.ofMillis(100))
        .until(
            () ->
                Integer.toString(records)
                    .equals(
                        installation.value(
                            "select count(*) from updates where intake = 'kafka' and state ="
                                + " 'applied' and data_source_id in ('"
                                + String.join("','", ids)
                                + "')")));
  }

  @Test
  void anUpdateThatFaultsEachTimeEndsAsFailedAndHoldsUpOnlyItsDataSource() {
    String id = installation.create();
    String other = installation.create();
    installation
        .store()
        .executeIn(
            installation.database(),
            "insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state,"
                + " payload, origin) select '"
                + UUID.randomUUID()
                + "', workspace_id, id, 'kafka', 'damaged', 'kafka:test', 'pending', 'damaged',"
                + " '{}' from data_sources where id = '"
                + id
                + "'");
    installation.produce(id, json(installation.settings()), Map.of());
    installation.produce(other, json(installation.settings()), Map.of());
    installation.awaitEvents(other, 2);
    List<ConsumerRecord<byte[], byte[]>> events =
        await("the damaged update and the one behind it")
            .atMost(Installation.LEASE.multipliedBy(6).plus(LIMIT))
            .pollInterval(Duration.ofMillis(500))
            .until(() -> installation.events(id), found -> found.size() >= 3);
    assertThat(header(events.get(1), "ce_type")).endsWith("update-failed");
    assertThat(tree(events.get(1).value()).path("reason").asText()).isEqualTo("INTERNAL");
    assertThat(header(events.get(2), "ce_type")).endsWith("updated");
  }

  @Test
  void aKeyWhoseInstanceDiedAndWhoseSenderGaveUpIsFreeAgain() {
    String id = installation.create();
    String dead = atWork(id, "- interval '1 hour'");
    // As far away as it is only when the store's clock was set back.
    String older = atWork(id, "+ interval '1 hour'");
    String alive = atWork(id, "+ interval '5 seconds'");
    await("the dead ones to be gone")
        .atMost(LIMIT)
        .pollInterval(Duration.ofMillis(100))
        .until(
            () ->
                "0".equals(installation.value(count(dead)))
                    && "0".equals(installation.value(count(older))));
    assertThat(installation.value(count(alive))).isEqualTo("1");
    assertThat(installation.events(id)).hasSizeLessThanOrEqualTo(1);
  }

  @Test
  void aLeaseFromBeforeTheStoresClockWasSetBackHoldsUpNothing() throws Exception {
    String id = installation.create();
    String waiting = " from updates where state = 'pending' and data_source_id = '" + id + "'";
    try (MuteServer mute = MuteServer.start()) {
      Map<String, Object> hangs = installation.settings();
      hangs.put("port", mute.port());
      installation.produce(id, json(hangs), Map.of());
      await("the update to be at work")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> "1".equals(installation.value("select max(fence)" + waiting)));
      installation.process().kill();
    }
    installation
        .store()
        .executeIn(
            installation.database(),
            "update updates set lease_until = now() + interval '1 hour' where id in (select id"
                + waiting
                + ")");
    installation.process().start();
    await("the update to end")
        .atMost(LIMIT)
        .pollInterval(Duration.ofMillis(100))
        .until(() -> "0".equals(installation.value("select count(*)" + waiting)));
    assertThat(
            installation.value(
                "select string_agg(state, ' ' order by seq) from updates where data_source_id = '"
                    + id
                    + "'"))
        .isEqualTo("applied failed");
  }

  @Test
  void aClaimThatACrashOfTheStoreLosesHasOneOutcome() throws Exception {
    SluiceProcess first = installation.process();
    String id = installation.create();
    // A claim is not flushed by its own commit; now it is not flushed soon after, either.
    flushedAfter("10s");
    try (MuteServer mute = MuteServer.start();
        SluiceProcess second = installation.instance()) {
      Map<String, Object> hangs = installation.settings();
      hangs.put("port", mute.port());
      installation.produce(id, json(hangs), Map.of());
      await("the first instance to be at work on it")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> "1".equals(installation.value(pending(id))) && mute.connections() > 0);
      first.pause();
      try {
        installation.store().kill();
        installation.store().start();
        assertThat(installation.value(pending(id))).describedAs("the claim is lost").isEqualTo("0");
        second.start();
        awaitTold(id, 2);
      } finally {
        first.resume();
      }
      // It ends what it works, under the same fence as the one who was quicker.
      first.stop();
      assertThat(first.logged()).doesNotContain("could not be done");
    } finally {
      flushedAfter("200ms");
      first.start();
    }
    installation.produce(id, json(installation.settings()), Map.of());
    assertThat(awaitTold(id, 3)).allSatisfy(told -> assertThat(told).hasSize(1));
    assertThat(
            installation.value(
                "select string_agg(state || ' ' || fence, ', ' order by seq) from updates where data_source_id = '"
                    + id
                    + "' and intake = 'kafka'"))
        .isEqualTo("failed 1, applied 1");
    assertThat(installation.get(id).path("version").asInt()).isEqualTo(2);
  }

  @Test
  void aKeyWhoseRequestLostItsStoreIsFreeForTheSameRequestWhenTheStoreIsBack() throws Exception {
    // With the usual lease, which a sender should not have to wait for.
    try (Installation usual = Installation.started(s -> s.setting("SLUICE_PROBE_LOGIN", "2s"));
        MuteServer mute = MuteServer.start()) {
      String id = usual.create();
      Map<String, Object> hangs = usual.settings();
      hangs.put("port", mute.port());
      Callable<HttpResponse<String>> request =
          () ->
              usual.send("PUT", "/datasources/" + id, hangs, Map.of("Idempotency-Key", "rotation"));
      FutureTask<HttpResponse<String>> sent = new FutureTask<>(request);
      new Thread(sent, "sender").start();
      await("the request to be at work").atMost(LIMIT).until(() -> mute.connections() > 0);
      usual.store().kill();
      try {
        assertThat(sent.get().statusCode()).isEqualTo(503);
      } finally {
        usual.store().start();
      }
      HttpResponse<String> again =
          await("the store to be back")
              .atMost(LIMIT)
              .until(request, answer -> answer.statusCode() != 503);
      assertThat(again.statusCode()).as(again.body()).isEqualTo(422);
      assertThat(request.call().body()).contains("TIMEOUT");
      assertThat(mute.connections()).isEqualTo(2);
    }
  }

  @Test
  void aRequestWhoseKeySomebodyElseHasTakenOverTellsNoOutcome() throws Exception {
    try (MuteServer mute = MuteServer.start()) {
      String id = installation.create();
      Map<String, Object> hangs = installation.settings();
      hangs.put("port", mute.port());
      FutureTask<HttpResponse<String>> sent =
          new FutureTask<>(
              () ->
                  installation.send(
                      "PUT", "/datasources/" + id, hangs, Map.of("Idempotency-Key", "lost")));
      new Thread(sent, "sender").start();
      await("the request to be at work").atMost(LIMIT).until(() -> mute.connections() > 0);
      // As another instance does when the lease is over.
      installation
          .store()
          .executeIn(
              installation.database(),
              "update updates set fence = fence + 1 where data_source_id = '"
                  + id
                  + "' and state = 'running'");
      assertThat(sent.get().statusCode()).isEqualTo(409);
      assertThat(sent.get().body()).contains("UPDATE_IN_PROGRESS");
      assertThat(
              installation.value(
                  "select count(*) from updates where state = 'failed'"
                      + " and data_source_id = '"
                      + id
                      + "'"))
          .isEqualTo("0");
    }
  }

  /** Ends the lease of a request as another instance does that takes it over, or forgets it. */
  @ParameterizedTest
  @ValueSource(strings = {"update updates set fence = fence + 1", "delete from updates"})
  void aRequestThatLostItsKeyTellsNoOutcomeAlsoWhenItsTestPasses(String takenAway)
      throws Exception {
    String id = installation.create();
    String another = "ds-" + UUID.randomUUID();
    try (ToxicProxy slow =
        ToxicProxy.to(installation.target().host(), installation.target().port())) {
      slow.latency(Duration.ofMillis(100));
      Map<String, Object> settings = installation.settings();
      settings.put("port", slow.port());
      Map<String, Object> fresh = new HashMap<>(settings);
      fresh.put("id", another);
      for (String[] call :
          new String[][] {{"PUT", "/datasources/" + id}, {"POST", "/datasources"}}) {
        boolean put = call[0].equals("PUT");
        Map<String, String> headers = new HashMap<>();
        headers.put("Idempotency-Key", UUID.randomUUID().toString());
        if (put) {
          headers.put("If-Match", "\"1\"");
        }
        FutureTask<HttpResponse<String>> sent =
            new FutureTask<>(
                () -> installation.send(call[0], call[1], put ? settings : fresh, headers));
        new Thread(sent, "sender").start();
        String running =
            " where state = 'running' and data_source_id = '" + (put ? id : another) + "'";
        await("the request to be at work")
            .atMost(LIMIT)
            .until(() -> !"0".equals(installation.value("select count(*) from updates" + running)));
        installation.store().executeIn(installation.database(), takenAway + running);

        assertThat(sent.get().statusCode()).as(sent.get().body()).isEqualTo(409);
        assertThat(sent.get().body()).contains("UPDATE_IN_PROGRESS");
      }
      assertThat(installation.get(id).path("version").asInt()).isEqualTo(1);
      assertThat(installation.send("GET", "/datasources/" + another, null).statusCode())
          .isEqualTo(404);
    }
  }

  @Test
  void aNewDataSourceKeepsTheIdThatItWasGivenAlsoUnderATakenOverKey() throws Exception {
    Map<String, String> key = Map.of("Idempotency-Key", UUID.randomUUID().toString());
    try (ToxicProxy slow =
        ToxicProxy.to(installation.target().host(), installation.target().port())) {
      slow.latency(Duration.ofMillis(200));
      Map<String, Object> settings = installation.settings();
      settings.put("port", slow.port());
      Callable<HttpResponse<String>> request =
          () -> installation.send("POST", "/datasources", settings, key);
      FutureTask<HttpResponse<String>> first = new FutureTask<>(request);
      new Thread(first, "sender").start();
      await("its test").atMost(LIMIT).until(() -> slow.connections() > 0);
      // As if its instance had died, and the lease were over.
      installation
          .store()
          .executeIn(
              installation.database(),
              "update updates set fence = fence + 1, lease_until = now() - interval '1 second'"
                  + " where state = 'running'");

      assertThat(first.get().statusCode()).isEqualTo(409);

      HttpResponse<String> second = request.call();
      HttpResponse<String> third = request.call();

      assertThat(second.statusCode()).as(second.body()).isEqualTo(201);
      assertThat(third.statusCode()).as(third.body()).isEqualTo(201);
      assertThat(third.body()).isEqualTo(second.body());
      String address = second.headers().firstValue("Location").orElseThrow();
      assertThat(installation.send("GET", address + "/history", null).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void aTestThatWouldEndAfterTheLeaseOfItsKeyIsNotBegun() throws Exception {
    String id = installation.create();
    Map<String, String> key = Map.of("Idempotency-Key", UUID.randomUUID().toString());
    try (ToxicProxy slow =
        ToxicProxy.to(installation.target().host(), installation.target().port())) {
      slow.latency(Duration.ofMillis(150));
      Map<String, Object> change =
          Map.of("port", slow.port(), "password", installation.password().reveal());
      FutureTask<HttpResponse<String>> sent =
          new FutureTask<>(() -> installation.send("PATCH", "/datasources/" + id, change, key));
      new Thread(sent, "sender").start();
      await("its test").atMost(LIMIT).until(() -> slow.connections() > 0);
      // The rest of the lease is not enough for a test of the settings that this makes of them.
      Map<String, Object> other = installation.settings();
      other.put("sshHost", "bastion.example");
      assertThat(installation.put(id, other).statusCode()).isEqualTo(200);

      assertThat(sent.get().statusCode()).as(sent.get().body()).isEqualTo(503);
      assertThat(sent.get().body()).contains("keep coming first");
      assertThat(slow.connections()).isOne();
    }
  }

  @Test
  void aFirstTestThatWouldEndAfterTheLeaseIsNotBegunEither() throws Exception {
    String id = installation.create();
    try (ToxicProxy target =
            ToxicProxy.to(installation.target().host(), installation.target().port());
        Connection store = installation.store().connect(installation.database());
        Statement statement = store.createStatement()) {
      Map<String, Object> settings = installation.settings();
      settings.put("port", target.port());
      store.setAutoCommit(false);
      // The key is had, and what is live is answered late.
      statement.execute("lock table data_sources in access exclusive mode");
      FutureTask<HttpResponse<String>> sent =
          new FutureTask<>(
              () ->
                  installation.send(
                      "PUT", "/datasources/" + id, settings, Map.of("Idempotency-Key", "slow")));
      new Thread(sent, "sender").start();
      await("most of its lease to be over")
          .atMost(LIMIT)
          .until(
              () ->
                  installation
                      .value(
                          "select count(*) from updates where data_source_id = '"
                              + id
                              + "' and lease_until < now() + interval '1800 milliseconds'")
                      .equals("1"));
      store.commit();

      assertThat(sent.get().statusCode()).as(sent.get().body()).isEqualTo(503);
      assertThat(sent.get().body()).contains("takes too long");
      assertThat(target.connections()).isZero();
    }
  }

  @Test
  void aNewDataSourceWhoseIdWasTakenAndFreedDuringItsTestHasTheNextVersion() throws Exception {
    try (ToxicProxy slow =
        ToxicProxy.to(installation.target().host(), installation.target().port())) {
      slow.latency(Duration.ofMillis(200));
      String id = "ds-" + UUID.randomUUID();
      Map<String, Object> quick = installation.settings();
      quick.put("id", id);
      Map<String, Object> late = new HashMap<>(quick);
      late.put("port", slow.port());
      FutureTask<HttpResponse<String>> sent =
          new FutureTask<>(() -> installation.send("POST", "/datasources", late));
      new Thread(sent, "sender").start();
      await("its test").atMost(LIMIT).until(() -> slow.connections() > 0);
      assertThat(installation.send("POST", "/datasources", quick).statusCode()).isEqualTo(201);
      assertThat(installation.send("DELETE", "/datasources/" + id, null).statusCode())
          .isEqualTo(204);

      assertThat(sent.get().statusCode()).as(sent.get().body()).isEqualTo(201);
      assertThat(installation.get(id).path("version").asInt()).isEqualTo(2);
    }
  }

  @Test
  void aKeyThatTwoOperationsBringAtTheSameMomentHasOneEffect() throws Exception {
    String id = installation.create();
    Map<String, String> before = Map.of("Idempotency-Key", "before");
    Map<String, String> both = Map.of("Idempotency-Key", "both");
    assertThat(
            installation
                .send("PUT", "/datasources/" + id, installation.settings(), before)
                .statusCode())
        .isEqualTo(200);
    try (Connection somebody = installation.store().connect(installation.database());
        Statement statement = somebody.createStatement()) {
      // Who has the key and is not done with taking it: both requests come while it is undecided.
      somebody.setAutoCommit(false);
      statement.execute(
          "insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state)"
              + " select gen_random_uuid(), workspace_id, data_source_id, 'http',"
              + " replace(identity, ':before', ':both'), actor, 'running' from updates"
              + " where data_source_id = '"
              + id
              + "' and identity like '%:before'");
      FutureTask<HttpResponse<String>> put =
          new FutureTask<>(
              () -> installation.send("PUT", "/datasources/" + id, installation.settings(), both));
      FutureTask<HttpResponse<String>> rollback =
          new FutureTask<>(
              () ->
                  installation.send(
                      "POST", "/datasources/" + id + "/rollback", Map.of("version", 1), both));
      new Thread(put, "put").start();
      new Thread(rollback, "rollback").start();
      await("both to wait for the key, or to be done without")
          .atMost(LIMIT)
          .until(() -> waiting() + (put.isDone() ? 1 : 0) + (rollback.isDone() ? 1 : 0) == 2);
      somebody.rollback();

      assertThat(List.of(put.get().statusCode(), rollback.get().statusCode()))
          .containsExactlyInAnyOrder(200, 422);
      assertThat(put.get().body() + rollback.get().body()).contains("KEY_REUSED");
      assertThat(
              installation.value(
                  "select count(*) from updates where identity like '%:both'"
                      + " and data_source_id = '"
                      + id
                      + "'"))
          .isEqualTo("1");
    }
  }

  /** Statements of the store that wait for a transaction to end. */
  private static int waiting() {
    return Integer.parseInt(
        installation.value(
            "select count(*) from pg_stat_activity where datname = current_database()"
                + " and wait_event_type = 'Lock'"));
  }

  @Test
  void theHistoryGoesOnWhereTheNumbersOfTheStoreAreLarge() throws Exception {
    installation
        .store()
        .executeIn(
            installation.database(),
            "select setval(pg_get_serial_sequence('updates', 'seq'), 3000000000)");
    String id = installation.create();
    assertThat(installation.put(id, installation.settings()).statusCode()).isEqualTo(200);

    HttpResponse<String> latest =
        installation.send("GET", "/datasources/" + id + "/history?_limit=1", null);
    assertThat(tree(latest.body().getBytes(UTF_8)).path(0).path("version").asInt()).isEqualTo(2);
    String rest = latest.headers().firstValue("Link").orElseThrow();
    HttpResponse<String> first =
        installation.send("GET", rest.substring(1, rest.indexOf('>')), null);
    assertThat(tree(first.body().getBytes(UTF_8)).path(0).path("version").asInt()).isEqualTo(1);
  }

  /** What each event told, by event; several where its repetitions differ. */
  private static Collection<Set<String>> awaitTold(String id, int events) {
    return await("events of " + id)
        .atMost(LIMIT)
        .until(
            () ->
                installation.events(id).stream()
                    .collect(
                        Collectors.groupingBy(
                            e -> header(e, "ce_id"),
                            Collectors.mapping(
                                e -> header(e, "ce_type") + tree(e.value()), Collectors.toSet())))
                    .values(),
            told -> told.size() == events);
  }

  private static void flushedAfter(String delay) {
    installation.store().execute("alter system set wal_writer_delay = '" + delay + "'");
    installation.store().execute("select pg_reload_conf()");
  }

  /** A request under a key, by an instance whose lease ends then. */
  private static String atWork(String id, String lease) {
    String update = UUID.randomUUID().toString();
    installation
        .store()
        .executeIn(
            installation.database(),
            "insert into updates (id, workspace_id, data_source_id, intake, identity, actor, state,"
                + " lease_until, fence) select '"
                + update
                + "', workspace_id, id, 'http', '"
                + update
                + "', 'token:first', 'running', now() "
                + lease
                + ", 1 from data_sources where id = '"
                + id
                + "'");
    return update;
  }

  private static String count(String update) {
    return "select count(*) from updates where id = '" + update + "'";
  }

  @Test
  void aWorkerThatWasFrozenPastItsLeaseCannotCommit() throws Exception {
    SluiceProcess first = installation.process();
    String id = installation.create();
    try (SluiceProcess second = installation.instance()) {
      // Between test and commit it stops for a moment, long enough to be frozen there.
      Path route = second.routes().resolve("30-apply-update.camel.yaml");
      Files.writeString(route, delayed(Files.readString(route)));
      second.start();
      first.pause();
      try {
        assertThat(
                installation
                    .call(
                        second.api(),
                        "PUT",
                        "/datasources/" + id,
                        installation.settings(),
                        Map.of("Prefer", "respond-async"))
                    .statusCode())
            .isEqualTo(202);
        await("the second instance to take the update")
            .atMost(LIMIT)
            .pollInterval(Duration.ofMillis(20))
            .until(() -> "1".equals(installation.value(pending(id))));
        second.pause();
      } finally {
        first.resume();
      }
      installation.awaitEvents(id, 2);
      second.resume();
      // It ends what it works.
      assertThat(second.stop()).isZero();
      assertThat(
              installation.value(
                  "select count(*) || ' ' || max(fence) from updates where payload is null"
                      + " and fence > 0 and data_source_id = '"
                      + id
                      + "'"))
          .isEqualTo("1 2");
      assertThat(installation.get(id).path("version").asInt()).isEqualTo(2);
      assertThat(installation.events(id).stream().map(e -> header(e, "ce_id")).distinct())
          .hasSize(2);
    }
  }

  private static String pending(String id) {
    return "select fence from updates where state = 'pending' and data_source_id = '" + id + "'";
  }

  /** A second before what the test found is turned into a commit. */
  private static String delayed(String route) {
    String step =
        "- bean:\n                        ref: gate\n                        method: decide";
    assertThat(route).contains(step);
    return route.replace(
        step,
        "- delay:\n                        expression:\n                          constant: \"1500\"\n                    "
            + step);
  }
}
