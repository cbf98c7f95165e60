package io.sluice.bench;

import io.sluice.servers.Installation;
import io.sluice.servers.PostgresServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A database that connections are tested with: what the bare driver needs, and the same settings as
 * Sluice gets them.
 *
 * @param ids of the data sources, one for each client
 */
record Target(
    String driver,
    String url,
    String user,
    String password,
    Map<String, Object> settings,
    List<String> ids) {

  static Target mariadb(Installation installation, int clients) {
    Map<String, Object> settings = installation.settings();
    return of(
        installation,
        settings,
        "jdbc:mariadb://%s:%s/%s"
            .formatted(settings.get("host"), settings.get("port"), settings.get("database")),
        clients);
  }

  static Target postgresql(Installation installation, PostgresServer server, int clients) {
    Map<String, Object> settings = new LinkedHashMap<>();
    server.createUser("bench", installation.password().reveal());
    server.createDatabase("bench", "bench");
    settings.put("driver", "postgresql");
    settings.put("host", server.host());
    settings.put("port", server.port());
    settings.put("database", "bench");
    settings.put("username", "bench");
    settings.put("password", installation.password().reveal());
    return of(installation, settings, server.jdbcUrl("bench"), clients);
  }

  private static Target of(
      Installation installation, Map<String, Object> settings, String url, int clients) {
    List<String> ids =
        IntStream.range(0, clients).mapToObj(i -> installation.create(settings)).toList();
    return new Target(
        (String) settings.get("driver"),
        url,
        (String) settings.get("username"),
        (String) settings.get("password"),
        settings,
        ids);
  }

  /** What a test does and no more: connect, log in, ask for one row, close. */
  void connect() throws SQLException {
    try (Connection connection = DriverManager.getConnection(url, user, password);
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT 1")) {
      if (!row.next()) {
        throw new SQLException("The database has no row.");
      }
    }
  }

  /** The body of an update. */
  String json() {
    return Installation.text(Installation.json(settings));
  }
}
