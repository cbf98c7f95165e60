package io.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MariaDbServerTest {
  @TempDir Path directory;

  @Test
  void logins_need_the_password() throws SQLException {
    MariaDbServer server = MariaDbServer.shared();
    server.createUser("reader_of_its_own", "right");
    server.createDatabase("database_of_its_own", "reader_of_its_own");
    try (Connection connection =
        server.connect("database_of_its_own", "reader_of_its_own", "right")) {
      assertThat(connection.isValid(1)).isTrue();
    }
    assertThatThrownBy(
            () -> server.connect("database_of_its_own", "reader_of_its_own", "wrong").close())
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28000"));
    assertThatThrownBy(() -> server.connect("database_of_its_own", "nobody", "").close())
        .isInstanceOf(SQLException.class);
    assertThat(server.query("select @@innodb_flush_log_at_trx_commit")).isEqualTo("1");
    assertThat(server.query("select @@have_ssl")).isEqualTo("DISABLED");
  }

  @Test
  void a_committed_row_outlives_a_kill_and_tls_verifies_the_server() throws Exception {
    TestCa ca = TestCa.create("Test CA");
    try (MariaDbServer server =
        MariaDbServer.setup().tls(ca.server("localhost", "127.0.0.1")).start()) {
      server.execute("create table kept (n int) engine=innodb");
      server.execute("insert into kept values (7)");
      server.kill();
      assertThatThrownBy(() -> server.connect("mysql").close()).isInstanceOf(SQLException.class);
      server.start();
      assertThat(server.query("select n from kept")).isEqualTo("7");

      String trusted = verified(server, ca);
      try (Connection connection = DriverManager.getConnection(trusted);
          var rows = connection.createStatement().executeQuery("show status like 'Ssl_version'")) {
        assertThat(rows.next()).isTrue();
        assertThat(rows.getString(2)).isEqualTo("TLSv1.3");
      }
      String stranger = verified(server, TestCa.create("Other"));
      assertThatThrownBy(() -> DriverManager.getConnection(stranger).close())
          .hasStackTraceContaining("unable to find valid certification path");
    }
  }

  private String verified(MariaDbServer server, TestCa ca) throws Exception {
    Path file = Files.writeString(directory.resolve("ca.pem"), ca.certificatePem());
    return server.jdbcUrl("mysql")
        + "?sslMode=verify-full&serverSslCert="
        + file
        + "&user="
        + MariaDbServer.SUPERUSER
        + "&password="
        + server.superuserPassword();
  }
}
