package io.sluice.store;

import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SluiceProcess;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The store as the first release left it when it was killed (src/test/resources/release-1, with its
 * keys): settings, history, receipts of every kind, a queue, a change that waits, an event that was
 * not sent.
 */
final class FormerReleaseTest {
  private static final Path RELEASE = Path.of("src", "test", "resources", "release-1");

  /** The last of the migrations that the first release had. */
  private static final String SCHEMA = "7";

  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** The rows of one table as JSON; the position of an event is of the store that it is in. */
  private static final String FILL =
      "insert into %1$s (%2$s) overriding system value"
          + " select %2$s from json_populate_recordset(null::%1$s, ?::json)";

  private final PostgresServer store = PostgresServer.shared();
  private final String database = store.createDatabase();

  @Test
  void whatTheFirstReleaseLeftIsReadWorkedAndTold(@TempDir Path data) throws Exception {
    MariaDbServer target = MariaDbServer.shared();
    JsonNode request = tree(Files.readAllBytes(RELEASE.resolve("request.json")));
    String user = request.path("username").asText();
    target.execute("create database " + user);
    target.execute(
        "create user '" + user + "'@'%' identified by '" + request.path("password").asText() + "'");
    target.execute("grant all on " + user + ".* to '" + user + "'@'%'");
    restore(target.port());
    Path keyset = data.resolve("keyset.json");
    Files.copy(RELEASE.resolve("keyset.json"), keyset);
    Files.setPosixFilePermissions(keyset, PosixFilePermissions.fromString("rw-------"));

    try (SluiceProcess sluice =
        SluiceProcess.setup()
            .store(store, database)
            .setting("SLUICE_KEYSET", keyset.toString())
            .setting("SLUICE_TOKEN", "slc_in-place-of-the-former")
            .setting("SLUICE_RETENTION_EVENTS", "36500d")
            .setting("SLUICE_RETENTION_UPDATES", "36500d")
            .setting("SLUICE_MONITOR_PENDING_KEEP", "36500d")
            .start()) {
      await("the queue to be worked and the events to be sent")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(200))
          .until(
              () ->
                  value(
                          "select (select count(*) from updates where state = 'pending')"
                              + " + (select count(*) from outbox where published_at is null)")
                      .equals("0"));
      // Its settings name an address of that day: the test fails, but what was sealed was read.
      assertThat(
              value(
                  "select string_agg(state || ' ' || coalesce(reason, ''), ', ' order by seq) from"
                      + " updates where identity in ('shop/unreadable', 'shop/record',"
                      + " 'first:release-1-deferred')"))
          .startsWith("dead MALFORMED_BODY, failed ")
          .doesNotContain("INTERNAL");

      JsonNode shop =
          tree(send(sluice, "GET", "/datasources/shop", null, null).body().getBytes(UTF_8));
      assertThat(shop.path("version").asLong()).isEqualTo(3);
      assertThat(shop.path("username").asText()).isEqualTo(user);
      assertThat(
              tree(send(sluice, "GET", "/datasources/held", null, null).body().getBytes(UTF_8))
                  .path("pending")
                  .isObject())
          .isTrue();
      assertThat(send(sluice, "GET", "/datasources/gone", null, null).statusCode()).isEqualTo(404);
      assertThat(
              value(
                  "select bool_and((id = 'gone') = (secrets = '{}')) from data_source_versions"
                      + " where id in ('gone', 'shop')"))
          .isEqualTo("t");
      assertThat(send(sluice, "GET", "/datasources/shop/history", null, null).body())
          .contains("AUTH_FAILED", "\"version\":1", "\"version\":3");

      HttpResponse<String> again =
          send(
              sluice,
              "PUT",
              "/datasources/shop",
              Files.readAllBytes(RELEASE.resolve("request.json")),
              "release-1-applied");
      assertThat(again.statusCode()).describedAs(again.body()).isEqualTo(200);
      assertThat(again.headers().firstValue("Idempotent-Replayed")).hasValue("true");
      assertThat(tree(again.body().getBytes(UTF_8)).path("version").asLong()).isEqualTo(2);

      HttpResponse<String> tested = send(sluice, "POST", "/datasources/shop/test", null, null);
      assertThat(tested.statusCode()).describedAs(tested.body()).isEqualTo(200);
      HttpResponse<String> back =
          send(
              sluice,
              "POST",
              "/datasources/shop/rollback",
              "{\"version\":1}".getBytes(UTF_8),
              null);
      assertThat(back.statusCode()).describedAs(back.body()).isEqualTo(200);
    }
  }

  /** Fills the schema of that day; only the target's port is today's. */
  private void restore(int port) throws Exception {
    Flyway.configure()
        .dataSource(store.jdbcUrl(database), PostgresServer.SUPERUSER, store.superuserPassword())
        .locations("filesystem:config/sql/migrations")
        .target(SCHEMA)
        .load()
        .migrate();
    try (Connection connection = store.connect(database)) {
      for (String line : Files.readAllLines(RELEASE.resolve("rows.tsv"))) {
        String[] tableAndRows = line.split("\t", 2);
        try (PreparedStatement fill =
            connection.prepareStatement(
                FILL.formatted(tableAndRows[0], columns(connection, tableAndRows[0])))) {
          fill.setString(1, tableAndRows[1]);
          assertThat(fill.executeUpdate()).isPositive();
        }
      }
      for (String table : new String[] {"data_sources", "data_source_versions"}) {
        try (PreparedStatement move =
            connection.prepareStatement(
                "update " + table + " set settings = jsonb_set(settings, '{port}', to_jsonb(?))")) {
          move.setInt(1, port);
          move.executeUpdate();
        }
      }
      for (String table : new String[] {"updates", "outbox"}) {
        store.queryIn(
            database,
            "select setval(pg_get_serial_sequence('"
                + table
                + "', 'seq'), (select max(seq) from "
                + table
                + "))");
      }
      // In that release a rollback could have an effect of its own under the key of an update.
      store.executeIn(
          database,
          "insert into updates"
              + " (id, workspace_id, data_source_id, intake, identity, actor, state, request_hash)"
              + " select gen_random_uuid(), workspace_id, data_source_id, 'rollback', identity,"
              + " actor, 'failed', 'of the rollback' from updates"
              + " where identity like '%:release-1-applied'");
    }
  }

  private static String columns(Connection connection, String table) throws SQLException {
    try (PreparedStatement names =
        connection.prepareStatement(
            "select string_agg(column_name, ', ') from information_schema.columns where table_schema"
                + " = 'public' and table_name = ? and column_name <> 'tx'")) {
      names.setString(1, table);
      try (ResultSet row = names.executeQuery()) {
        row.next();
        return row.getString(1);
      }
    }
  }

  private static HttpResponse<String> send(
      SluiceProcess sluice, String method, String path, byte[] body, String key) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(sluice.api() + path))
            .header("Authorization", "Bearer " + sluice.token())
            .method(
                method,
                body == null
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body));
    if (body != null) {
      request.header("content-type", "application/json");
    }
    if (key != null) {
      request.header("Idempotency-Key", key);
    }
    return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private String value(String sql) {
    return store.queryIn(database, sql);
  }
}
