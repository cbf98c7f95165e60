package io.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class PostgresServerTest {
  @TempDir Path directory;

  @Test
  void commits_reach_the_disk_and_logins_need_the_password() throws SQLException {
    PostgresServer server = PostgresServer.shared();
    assertThat(server.query("show fsync")).isEqualTo("on");
    assertThat(server.query("show synchronous_commit")).isEqualTo("on");
    assertThat(server.query("show full_page_writes")).isEqualTo("on");
    server.createUser("reader", "right");
    try (Connection connection = server.connect("postgres", "reader", "right")) {
      assertThat(connection.isValid(1)).isTrue();
    }
    assertThatThrownBy(() -> server.connect("postgres", "reader", "wrong"))
        .isInstanceOfSatisfying(
            SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("28P01"));
    assertThatThrownBy(() -> server.connect("postgres", PostgresServer.SUPERUSER, "wrong").close())
        .isInstanceOf(SQLException.class);
    assertThat(server.query("select rolpassword from pg_authid where rolname = 'reader'"))
        .startsWith("SCRAM-SHA-256$");
  }

  @Test
  void a_committed_row_outlives_a_kill() {
    try (PostgresServer server = PostgresServer.setup().start()) {
      server.execute("create table kept (n int)");
      server.execute("insert into kept values (7)");
      server.kill();
      assertThatThrownBy(() -> server.connect("postgres")).isInstanceOf(SQLException.class);
      server.start();
      assertThat(server.query("select n from kept")).isEqualTo("7");
    }
  }

  @Test
  void tls_verifies_the_server_and_a_client_certificate_logs_in() throws Exception {
    TestCa ca = TestCa.create("Test CA");
    TestCa.Issued alice = ca.client("alice");
    try (PostgresServer server =
        PostgresServer.setup()
            .tls(ca.server("localhost", "127.0.0.1"))
            .clientCa(ca)
            .hba("hostssl all alice 127.0.0.1/32 cert")
            .setting("ssl_min_protocol_version", "TLSv1.3")
            .start()) {
      server.createUser("alice", "unused");
      Properties login = new Properties();
      login.setProperty("user", "alice");
      login.setProperty("sslmode", "verify-full");
      login.setProperty("sslrootcert", file("ca.pem", ca.certificatePem()));
      login.setProperty("sslcert", file("alice.pem", alice.certificatePem()));
      login.setProperty("sslkey", keyInDer(alice));
      try (Connection connection = DriverManager.getConnection(server.jdbcUrl("postgres"), login);
          var rows =
              connection
                  .createStatement()
                  .executeQuery("select version from pg_stat_ssl where pid = pg_backend_pid()")) {
        assertThat(rows.next()).isTrue();
        assertThat(rows.getString(1)).isEqualTo("TLSv1.3");
      }
      login.setProperty("sslrootcert", file("other.pem", TestCa.create("Other").certificatePem()));
      assertThatThrownBy(() -> DriverManager.getConnection(server.jdbcUrl("postgres"), login))
          .hasStackTraceContaining("unable to find valid certification path");
    }
  }

  private String file(String name, String text) throws Exception {
    return Files.writeString(directory.resolve(name), text).toString();
  }

  /** pgjdbc takes a key file in DER under the suffix {@code .pk8} that only its owner reads. */
  private String keyInDer(TestCa.Issued issued) throws Exception {
    Path key = Scratch.ownerOnly(directory.resolve("key.pk8"), "");
    return Files.write(key, issued.key().getEncoded()).toString();
  }
}
