package io.sluice.store;

import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.servers.PostgresServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import org.apache.camel.Exchange;
import org.apache.camel.component.jdbc.JdbcConstants;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What the statements lock, and what they look at when a thousand updates wait in a store whose
 * statistics are of a time when none did.
 */
final class StatementsTest {
  private static final int WAITING = 1_000;

  /** As many rows as a statement about one update may look at in vain. */
  private static final int FEW = 20;

  private static final String ROWS =
      "insert into updates (id, workspace_id, data_source_id, intake, actor, state, payload, origin,"
          + " lease_until, fence) select md5('%1$s' || i)::uuid, 'default', '%1$s-' || i, 'kafka',"
          + " 'a', '%1$s', 'x', '{}', now() + interval '1 h', 1 from generate_series(1, %2$d) i";

  private static final PostgresServer SERVER = PostgresServer.shared();
  private static final String DATABASE = SERVER.createDatabase();

  private final Statements statements =
      new Statements(Path.of("config", "sql"), new Bell(), new Bell());

  @BeforeAll
  static void fill() {
    Flyway.configure()
        .dataSource(SERVER.jdbcUrl(DATABASE), PostgresServer.SUPERUSER, SERVER.superuserPassword())
        .locations("filesystem:config/sql/migrations")
        .load()
        .migrate();
    SERVER.executeIn(DATABASE, "alter table updates set (autovacuum_enabled = off)");
    SERVER.executeIn(DATABASE, ROWS.formatted("applied", 20 * WAITING));
    SERVER.executeIn(DATABASE, "vacuum analyze updates");
    for (String state : List.of("pending", "running", "held")) {
      SERVER.executeIn(DATABASE, ROWS.formatted(state, WAITING));
    }
    SERVER.executeIn(
        DATABASE,
        "insert into updates (id, workspace_id, data_source_id, intake, actor, state, payload,"
            + " origin) select gen_random_uuid(), 'default', 'pending-1', 'kafka', 'a', 'pending',"
            + " 'x', '{}'");
  }

  @AfterAll
  static void empty() {
    SERVER.execute("drop database " + DATABASE);
  }

  @Test
  void aClaimPassesOverEachUpdateThatIsAtWorkNoMoreThanAFewTimes() throws Exception {
    assertThat(
            passedOver(
                Statement.named("claim-updates")
                    .with("afterWorkspace", "default")
                    .with("afterDataSource", "pending-5")
                    .with("limit", 16)
                    .with("lease", 3_600_000L)
                    .with("returned", "")
                    .with("called", "")))
        .isBetween(WAITING, 3 * WAITING);
  }

  @Test
  void anUpdateEndsWithoutALookAtTheOthers() throws Exception {
    Statement end =
        ofOne("pending")
            .with("workspace", "default")
            .with("id", "pending-1")
            .with("intake", "kafka")
            .with("identity", "first")
            .with("actor", "a")
            .with("report", "{}")
            .with("changed", "[]")
            .with("topic", "events")
            .with("key", new byte[0])
            .with("headers", "{}")
            .with("body", new byte[0])
            .with("lease", 1_000L);
    assertThat(
            passedOver(
                new Statement("fail-update", end.parameters())
                    .with("state", "failed")
                    .with("reason", "AUTH_FAILED")
                    .with("refusal", null)))
        .isLessThan(FEW);
    assertThat(
            passedOver(
                new Statement("apply-update", end.parameters())
                    .with("driver", "mariadb")
                    .with("host", "localhost")
                    .with("settings", "{}")
                    .with("secrets", "{}")
                    .with("now", new Timestamp(0))
                    .with("expected", 1L)))
        .isLessThan(FEW);
  }

  @Test
  void anUpdateIsGivenBackWithoutALookAtTheOthers() throws Exception {
    assertThat(
            passedOver(
                new Statement("release-update", ofOne("pending").parameters()).with("pause", 1L)))
        .isLessThan(FEW);
    assertThat(
            passedOver(
                new Statement("postpone-held", ofOne("held").parameters()).with("pause", 1L)))
        .isLessThan(FEW);
    assertThat(passedOver(new Statement("release-key", ofOne("running").parameters())))
        .isLessThan(FEW);
  }

  @Test
  void aChangeThatIsHeldWaitsForAnotherBeforeItTakesTheDataSource() throws Exception {
    SERVER.executeIn(
        DATABASE,
        "insert into orgs values ('o', 'o'); insert into workspaces values ('default', 'o', 'w');"
            + " insert into data_sources select 'default', 'held-1', 1, 'mariadb', 'h', 'reachable',"
            + " '{}', '{}', '{}', now(), now(), 'a', 'a'");
    Statement hold =
        Statement.named("hold-update")
            .with("updateId", "00000000-0000-0000-0000-000000000001")
            .with("fence", null)
            .with("workspace", "default")
            .with("id", "held-1")
            .with("intake", "http")
            .with("identity", null)
            .with("actor", "a")
            .with("expected", 1L)
            .with("reason", "TIMEOUT")
            .with("report", "{}")
            .with("changed", "[]")
            .with("payload", "x")
            .with("pause", 1L);
    try (Connection ending = SERVER.connect(DATABASE)) {
      ending.setAutoCommit(false);
      try (java.sql.Statement sql = ending.createStatement()) {
        // As the end of the change that was held before locks its row first.
        sql.execute("select 1 from updates where data_source_id = 'held-1' for update");
        FutureTask<Integer> held = new FutureTask<>(() -> passedOver(hold));
        new Thread(held, "hold").start();
        await("it to wait")
            .until(
                () ->
                    "1"
                        .equals(
                            SERVER.queryIn(
                                DATABASE,
                                "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                                    + " and datname = current_database()")));
        sql.execute("select 1 from data_sources where id = 'held-1' for update nowait");
        ending.rollback();
        held.get();
      }
    }
  }

  /** The one of that state that is at work. */
  private static Statement ofOne(String state) {
    return Statement.named(state)
        .with("updateId", SERVER.queryIn(DATABASE, "select md5('" + state + "1')::uuid"))
        .with("fence", 1L);
  }

  /** How many rows a statement read and had no use for; what it did is rolled back. */
  private int passedOver(Statement statement) throws Exception {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange.getMessage().setBody(statement);
    statements.bind(exchange);
    try (Connection connection = SERVER.connect(DATABASE)) {
      connection.setAutoCommit(false);
      return removed(plan(connection, exchange));
    }
  }

  private static JsonNode plan(Connection connection, Exchange exchange) throws SQLException {
    try (PreparedStatement explain =
        connection.prepareStatement(
            "explain (analyze, format json) " + exchange.getMessage().getBody(String.class))) {
      Map<?, ?> values = exchange.getMessage().getHeader(JdbcConstants.JDBC_PARAMETERS, Map.class);
      for (int i = 0; i < values.size(); i++) {
        explain.setObject(i + 1, values.get(i));
      }
      try (ResultSet row = explain.executeQuery()) {
        row.next();
        return tree(row.getString(1).getBytes(UTF_8));
      } finally {
        connection.rollback();
      }
    }
  }

  private static int removed(JsonNode node) {
    int sum = 0;
    if (node.isObject()) {
      for (String why : List.of("Rows Removed by Filter", "Rows Removed by Join Filter")) {
        sum += node.path(why).asInt() * node.path("Actual Loops").asInt();
      }
    }
    for (JsonNode child : node) {
      sum += removed(child);
    }
    return sum;
  }
}
