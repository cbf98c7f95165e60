package io.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.secrets.Vault;
import io.sluice.servers.Installation;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SluiceCommand;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.component.jdbc.JdbcConstants;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** After a rotation of the keys the store comes to do without the older ones, while all goes on. */
final class ResealingTest {
  private static final Duration LIMIT = Duration.ofSeconds(40);
  private static final String SECRETS =
      "select secrets::text as s from data_sources union all"
          + " select secrets::text from data_source_versions where secrets <> '{}'";

  private static Installation installation;

  @BeforeAll
  static void start() {
    installation = Installation.started(setup -> setup.setting("SLUICE_KEYSET_POLL", "200ms"));
  }

  @AfterAll
  static void noSecretShowsAnywhere() {
    try {
      installation.assertNoSecretShows();
    } finally {
      installation.close();
    }
  }

  /**
   * @param poll how often instances look for a new key, as the command is told
   */
  private static SluiceCommand retire(String poll) {
    Map<String, String> store = new HashMap<>();
    store.put("STORE_URL", installation.store().jdbcUrl(installation.database()));
    store.put("STORE_USER", PostgresServer.SUPERUSER);
    store.put("STORE_PASSWORD", installation.store().superuserPassword());
    store.put("SLUICE_KEYSET_POLL", poll);
    return SluiceCommand.run(store, "retire", installation.keyset().toString());
  }

  private static void restart() {
    installation.process().stop();
    installation.process().start();
  }

  @Test
  void whatAnOlderKeyHasSealedIsSealedAnewAndTheOlderKeyCanGo() {
    restart();
    String id = installation.create();
    assertThat(installation.put(id, installation.settings()).statusCode()).isEqualTo(200);
    List<Map<String, String>> before = installation.rows(SECRETS);
    JsonNode shown = installation.get(id);

    Vault.open(installation.keyset(), false).rotate();
    await("all to be sealed anew")
        .atMost(LIMIT)
        .untilAsserted(
            () ->
                assertThat(installation.rows(SECRETS))
                    .hasSameSizeAs(before)
                    .doesNotContainAnyElementsOf(before));
    assertThat(installation.get(id)).isEqualTo(shown);
    String later = installation.create();
    // A row that was skipped is taken by the next walk.
    SluiceCommand retired =
        await("nothing to need the older key")
            .atMost(LIMIT)
            .until(() -> retire("10ms"), r -> r.exit() == 0);
    assertThat(retired.said()).startsWith("Removed the older keys").hasLineCount(1);
    assertThat(Vault.open(installation.keyset(), false).holdsOlderKeys()).isFalse();

    restart();
    for (String each : List.of(id, later)) {
      assertThat(installation.send("POST", "/datasources/" + each + "/test", null).statusCode())
          .isEqualTo(200);
    }
    assertThat(
            installation
                .send("POST", "/datasources/" + id + "/rollback", Map.of("version", 1))
                .statusCode())
        .isEqualTo(200);
  }

  @Test
  void anOlderKeyThatIsNeededStays() {
    restart();
    installation.create();
    String id = installation.create();
    // Sealed for another place: it opens with no key at all.
    installation
        .store()
        .executeIn(
            installation.database(),
            "update data_sources set secrets = jsonb_set(secrets, '{password,sealed}',"
                + " (select to_jsonb(min(secrets #>> '{password,sealed}')) from data_source_versions"
                + " where id <> '"
                + id
                + "')) where id = '"
                + id
                + "'");
    Vault.open(installation.keyset(), false).rotate();
    await("what does not open to be told")
        .atMost(LIMIT)
        .until(() -> installation.process().output().contains("do not open with any key"));

    SluiceCommand needed = retire("10ms");
    assertThat(needed.exit()).isEqualTo(1);
    assertThat(needed.said()).contains("still needed for 1 sealed value", "Nothing was changed");
    SluiceCommand early = retire("1h");
    assertThat(early.exit()).isEqualTo(1);
    assertThat(early.said()).contains("may not be known", "Nothing was changed");
    assertThat(Vault.open(installation.keyset(), false).holdsOlderKeys()).isTrue();
    installation
        .store()
        .executeIn(installation.database(), "delete from data_sources where id = '" + id + "'");
  }

  @Test
  void whatWasChangedSinceOrIsBeingChangedIsLeftAlone() throws Exception {
    String id = installation.create();
    for (String table : List.of("data_sources", "data_source_versions")) {
      String where = " from " + table + " where id = '" + id + "'";
      String secrets = installation.value("select secrets::text" + where);
      String statement = table.equals("data_sources") ? "reseal-data-sources" : "reseal-versions";
      try (Connection other = installation.store().connect(installation.database())) {
        other.setAutoCommit(false);
        try (java.sql.Statement lock = other.createStatement()) {
          lock.execute("select 1" + where + " for update");
        }
        assertThat(replaced(statement, id, secrets, secrets)).isZero();
      }
      assertThat(replaced(statement, id, "{}", secrets)).isZero();
      assertThat(installation.value("select secrets::text" + where)).isEqualTo(secrets);
      assertThat(replaced(statement, id, secrets, secrets)).isOne();
    }
  }

  /** How many rows the statement changed, which is told that these were the secrets before. */
  private static int replaced(String statement, String id, String before, String after)
      throws Exception {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange
        .getMessage()
        .setBody(
            Statement.named(statement)
                .with(
                    "rows",
                    "[{\"workspace_id\":\"%s\",\"id\":\"%s\",\"version\":1,\"before\":%s,\"after\":%s}]"
                        .formatted(installation.process().workspace(), id, before, after)));
    new Statements(Path.of("config", "sql"), new Bell(), new Bell()).bind(exchange);
    try (Connection store = installation.store().connect(installation.database());
        PreparedStatement sql =
            store.prepareStatement(exchange.getMessage().getBody(String.class))) {
      sql.setQueryTimeout(5);
      sql.setObject(
          1, exchange.getMessage().getHeader(JdbcConstants.JDBC_PARAMETERS, Map.class).get(0));
      int rows = 0;
      try (ResultSet changed = sql.executeQuery()) {
        while (changed.next()) {
          rows++;
        }
      }
      return rows;
    }
  }
}
