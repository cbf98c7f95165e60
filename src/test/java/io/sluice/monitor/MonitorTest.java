package io.sluice.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.apply.Submission.Operation;
import io.sluice.contract.ContractFile;
import io.sluice.model.Field;
import io.sluice.model.Secret;
import io.sluice.model.Update.Change;
import io.sluice.servers.Installation;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.TestCa;
import io.sluice.servers.ToxicProxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stored connections are tested again: what is told, how often, and by whom. */
final class MonitorTest {
  private static final Duration LIMIT = Duration.ofSeconds(9);
  private static final PostgresServer STORE = PostgresServer.shared();
  private static final MariaDbServer MARIA = MariaDbServer.shared();
  private static final String USER = "m" + UUID.randomUUID().toString().substring(0, 8);
  private static final String PASSWORD = "pw-" + UUID.randomUUID();
  private static final Map<String, String> SHORT_LIMITS =
      Map.of(
          "sluice.probe.tcp", "1s",
          "sluice.probe.ssh", "1s",
          "sluice.probe.tls", "2s",
          "sluice.probe.login", "2s",
          "sluice.probe.query", "1s",
          "sluice.probe.dns", "1s",
          "sluice.probe.total", "3s",
          "sluice.probe.max-tests", "1",
          "sluice.probe.max-tests-per-target", "1");

  private static final String DATABASE = STORE.createDatabase();

  @TempDir private static Path folder;
  private static Instance instance;

  @BeforeAll
  static void start() {
    MARIA.createUser(USER, PASSWORD);
    instance = new Instance(STORE, DATABASE, folder, SHORT_LIMITS);
  }

  @AfterAll
  static void close() {
    instance.close();
  }

  private static Map<Field, Change> through(ToxicProxy proxy, String user, String password) {
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    changes.put(Field.DRIVER, new Change.Set("mariadb"));
    changes.put(Field.HOST, new Change.Set(proxy.host()));
    changes.put(Field.PORT, new Change.Set(proxy.port()));
    changes.put(Field.USERNAME, new Change.Set(user));
    changes.put(Field.PASSWORD, new Change.Replace(Secret.of(password)));
    return changes;
  }

  private static Map<Field, Change> through(ToxicProxy proxy) {
    return through(proxy, USER, PASSWORD);
  }

  private static String value(String sql) {
    return STORE.queryIn(DATABASE, sql);
  }

  private static String column(String id, String column) {
    return value("select " + column + " from data_sources where id = '" + id + "'");
  }

  private static long fence(String id) {
    return Long.parseLong(column(id, "check_fence"));
  }

  private static void makeDue(String id) {
    STORE.executeIn(DATABASE, "update data_sources set next_check = now() where id = '" + id + "'");
  }

  /** Whether a check was claimed after the one before, and its finding is in the store. */
  private static boolean checked(String id, long before) {
    return fence(id) > before
        && column(id, "next_check > now() + interval '30 minutes'").equals("t");
  }

  /** One scheduled check from its due time to its record, and the status after it. */
  private static String check(String id) {
    long before = fence(id);
    makeDue(id);
    await("the check of " + id).atMost(LIMIT).until(() -> checked(id, before));
    return column(id, "status");
  }

  /** The types of what was told of a data source, in order, each kept to its schema. */
  private static List<String> told(String id) {
    List<String> types = new ArrayList<>();
    for (JsonNode event : events(id)) {
      assertThat(ContractFile.objectionsOf(ContractFile.CLOUD_EVENT, event)).isEmpty();
      types.add(event.path("type").asText().replace("sluice.datasource.", ""));
    }
    return types;
  }

  private static List<JsonNode> events(String id) {
    List<JsonNode> events = new ArrayList<>();
    try (Connection connection = STORE.connect(DATABASE);
        Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select headers::text, convert_from(body, 'UTF8') from outbox"
                    + " where workspace_id = '"
                    + Instance.WORKSPACE
                    + "' and convert_from(record_key, 'UTF8') = '"
                    + id
                    + "' order by seq")) {
      while (rows.next()) {
        JsonNode headers = Installation.tree(rows.getBytes(1));
        ObjectNode event = headers.deepCopy();
        event.removeAll();
        headers
            .properties()
            .forEach(
                header ->
                    event.set(
                        header.getKey().equals("content-type")
                            ? "datacontenttype"
                            : header.getKey().replace("ce_", ""),
                        header.getValue()));
        event.set("data", Installation.tree(rows.getString(2).getBytes(StandardCharsets.UTF_8)));
        events.add(event);
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return events;
  }

  /** Cuts each conversation in the middle, which looks like a server that went away. */
  private static void takeAway(ToxicProxy proxy) {
    proxy.dropAfter(ToxicProxy.Direction.TO_CLIENT, 40);
  }

  @Test
  void aBlipIsNotToldAndADatabaseThatStaysAwayIsToldOnceAndOnceWhenItIsBack() {
    try (ToxicProxy proxy = ToxicProxy.to(MARIA.host(), MARIA.port())) {
      String id = instance.create(through(proxy));

      takeAway(proxy);
      assertThat(check(id)).isEqualTo("reachable");
      proxy.heal();
      assertThat(check(id)).isEqualTo("reachable");
      assertThat(check(id)).isEqualTo("reachable");
      assertThat(told(id)).containsExactly("created");

      takeAway(proxy);
      assertThat(check(id)).isEqualTo("reachable");
      assertThat(check(id)).isEqualTo("unreachable");
      assertThat(check(id)).isEqualTo("unreachable");
      assertThat(told(id)).containsExactly("created", "unreachable");
      assertThat(column(id, "last_test ->> 'status'")).isEqualTo("failed");

      proxy.heal();
      assertThat(check(id)).isEqualTo("unreachable");
      assertThat(check(id)).isEqualTo("reachable");
      assertThat(told(id)).containsExactly("created", "unreachable", "recovered");
      assertThat(column(id, "version")).isEqualTo("1");
      JsonNode unreachable = events(id).get(1);
      assertThat(unreachable.at("/data/intake").asText()).isEqualTo("monitor");
      assertThat(unreachable.at("/data/reason").asText()).isEqualTo("UNREACHABLE");
      assertThat(unreachable.path("data").has("updateId")).isFalse();
    }
  }

  @Test
  void aRefusedLoginIsToldAtOnceAndTriedAgainByNobodyUntilTheSettingsChange() {
    String user = "r" + UUID.randomUUID().toString().substring(0, 8);
    String before = "before-" + UUID.randomUUID();
    MARIA.createUser(user, before);
    try (ToxicProxy proxy = ToxicProxy.to(MARIA.host(), MARIA.port())) {
      String id = instance.create(through(proxy, user, before));
      String sameAccount = instance.create(through(proxy, user, before));
      String otherAccount = instance.create(through(proxy));
      await("a schedule")
          .atMost(LIMIT)
          .until(
              () ->
                  "0".equals(value("select count(*) from data_sources where next_check is null")));
      String after = "after-" + UUID.randomUUID();
      MARIA.execute("alter user '" + user + "'@'%' identified by '" + after + "'");
      int connections = proxy.connections();

      assertThat(check(id)).isEqualTo("unreachable");

      assertThat(proxy.connections()).isEqualTo(connections + 1);
      assertThat(told(id)).containsExactly("created", "unreachable");
      assertThat(events(id).get(1).at("/data/reason").asText()).isEqualTo("AUTH_FAILED");
      String later = "next_check > now() + interval '90 minutes'";
      assertThat(column(id, later)).isEqualTo("t");
      assertThat(column(sameAccount, later)).isEqualTo("t");
      assertThat(column(otherAccount, later)).isEqualTo("f");

      // Due all the same, as after a restart or by another hand: the guard remembers.
      check(id);
      check(sameAccount);
      assertThat(proxy.connections()).isEqualTo(connections + 1);
      assertThat(column(sameAccount, "status")).isEqualTo("reachable");
      assertThat(column(id, "last_test ->> 'reason'")).isEqualTo("AUTH_FAILED");

      assertThat(instance.submit(Operation.UPDATE, id, through(proxy, user, after)).getException())
          .isNull();
      assertThat(column(id, "status")).isEqualTo("reachable");
      assertThat(check(id)).isEqualTo("reachable");
      assertThat(told(id)).containsExactly("created", "unreachable", "updated");
    }
  }

  @Test
  void aCheckOfFormerSettingsSaysNothingAboutNewOnesAndHoldsUpNoUpdate() {
    try (ToxicProxy old = ToxicProxy.to(MARIA.host(), MARIA.port());
        ToxicProxy better = ToxicProxy.to(MARIA.host(), MARIA.port())) {
      String id = instance.create(through(old));
      STORE.executeIn(DATABASE, "update data_sources set outcomes = '-' where id = '" + id + "'");
      old.muteAfter(ToxicProxy.Direction.TO_CLIENT, 0);
      int connections = old.connections();
      long before = fence(id);
      makeDue(id);
      await("the check to hang").atMost(LIMIT).until(() -> old.connections() > connections);

      // One place for tests, and this one gets it while the check hangs.
      assertThat(instance.submit(Operation.UPDATE, id, through(better)).getException()).isNull();
      await("the check to end").atMost(LIMIT).until(() -> old.open() == 0);

      assertThat(check(id)).isEqualTo("reachable");
      assertThat(fence(id)).isEqualTo(before + 2);
      assertThat(told(id)).containsExactly("created", "updated");
    }
  }

  @Test
  void checksGoOnWithinAnIntervalWhenTheStoresClockWasSetBack() {
    try (ToxicProxy proxy = ToxicProxy.to(MARIA.host(), MARIA.port())) {
      String id = instance.create(through(proxy));

      STORE.executeIn(
          DATABASE,
          "update data_sources set next_check = now() + interval '3 days' where id = '" + id + "'");

      await("another schedule")
          .atMost(LIMIT)
          .until(() -> column(id, "next_check <= now() + interval '1 hour'").equals("t"));
    }
  }

  @Test
  void instancesShareTheWorkAndNoneIsDoneTwice() {
    int count = 16;
    List<ToxicProxy> proxies =
        IntStream.range(0, count).mapToObj(i -> ToxicProxy.to(MARIA.host(), MARIA.port())).toList();
    try (Instance first = another();
        Instance second = another()) {
      List<String> ids = proxies.stream().map(p -> first.create(through(p))).toList();
      List<Integer> connections = proxies.stream().map(ToxicProxy::connections).toList();
      List<Long> fences = ids.stream().map(MonitorTest::fence).toList();
      proxies.forEach(p -> p.latency(Duration.ofMillis(60)));
      String all = "id in ('" + String.join("','", ids) + "')";

      STORE.executeIn(DATABASE, "update data_sources set next_check = now() where " + all);

      // Four places in each of the three: more than that takes more than one of them.
      await("more checks at once than one instance makes")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(2))
          .until(() -> proxies.stream().mapToInt(ToxicProxy::open).sum() > 4);
      await("all checks")
          .atMost(LIMIT)
          .until(() -> IntStream.range(0, count).allMatch(i -> checked(ids.get(i), fences.get(i))));
      for (int i = 0; i < count; i++) {
        assertThat(proxies.get(i).connections()).isEqualTo(connections.get(i) + 1);
        assertThat(fence(ids.get(i))).isEqualTo(fences.get(i) + 1);
      }
    } finally {
      proxies.forEach(ToxicProxy::close);
    }
  }

  private static Instance another() {
    return new Instance(STORE, DATABASE, folder, Map.of());
  }

  @Test
  void aCertificateThatEndsSoonIsToldOnceAndItsSuccessorToo() {
    TestCa ca = TestCa.create("Monitor CA");
    Instant now = Instant.now();
    try (PostgresServer target = PostgresServer.setup().tls(ending(ca, now, 20)).start()) {
      target.createUser(USER, PASSWORD);
      target.createDatabase("shop", USER);
      Map<Field, Change> changes = new EnumMap<>(Field.class);
      changes.put(Field.DRIVER, new Change.Set("postgresql"));
      changes.put(Field.HOST, new Change.Set(target.host()));
      changes.put(Field.PORT, new Change.Set(target.port()));
      changes.put(Field.DATABASE, new Change.Set("shop"));
      changes.put(Field.USERNAME, new Change.Set(USER));
      changes.put(Field.PASSWORD, new Change.Replace(Secret.of(PASSWORD)));
      changes.put(Field.SSL, new Change.Set(true));
      changes.put(Field.SSL_CA, new Change.Set(ca.certificatePem()));
      String id = instance.create(changes);

      check(id);
      check(id);
      assertThat(told(id)).containsExactly("created", "certificate-expiring");
      JsonNode warning = events(id).get(1);
      assertThat(warning.at("/data/report").findPath("warnings").get(0).path("daysLeft").asLong())
          .isBetween(18L, 20L);

      target.identity(ending(ca, now, 300));
      check(id);
      assertThat(told(id)).hasSize(2);

      target.identity(ending(ca, now, 5));
      assertThat(check(id)).isEqualTo("reachable");
      assertThat(told(id))
          .containsExactly("created", "certificate-expiring", "certificate-expiring");
    }
  }

  private static TestCa.Issued ending(TestCa ca, Instant now, int days) {
    return ca.request("127.0.0.1")
        .hosts("127.0.0.1")
        .validTo(now.plus(Duration.ofDays(days)))
        .server();
  }
}
