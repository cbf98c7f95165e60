package io.sluice.start.embedded;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Secret;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class EmbeddedStoreTest {
  /** Unpacked once for all tests; each would spend seconds on it. */
  @TempDir static Path binaries;

  @TempDir Path data;

  @BeforeEach
  void shareBinaries() throws IOException {
    Files.createDirectories(data.resolve("postgres"));
    Files.createSymbolicLink(data.resolve("postgres/binaries"), binaries);
  }

  @Test
  void what_was_committed_is_there_on_the_next_start_on_the_same_port_under_the_same_password()
      throws SQLException {
    String url;
    Secret password;
    try (EmbeddedStore store = Embedded.store(data, 0)) {
      url = store.url();
      password = store.password();
      execute(store, "create table kept (n int)");
      execute(store, "insert into kept values (7)");
      assertThat(query(store, "show fsync")).isEqualTo("on");
      assertThat(query(store, "show synchronous_commit")).isEqualTo("on");
      assertThat(query(store, "show listen_addresses")).isEqualTo("127.0.0.1");
    }
    assertThatThrownBy(() -> DriverManager.getConnection(url, "sluice", password.reveal()))
        .isInstanceOf(SQLException.class);
    try (EmbeddedStore store = Embedded.store(data, 0)) {
      assertThat(store.url()).isEqualTo(url);
      assertThat(store.password()).isEqualTo(password);
      assertThat(query(store, "select n from kept")).isEqualTo("7");
    }
  }

  @Test
  void each_user_needs_the_password_and_sees_its_own_database_only() throws SQLException {
    try (EmbeddedStore store = Embedded.store(data, 0)) {
      EmbeddedStore.Target target = store.target();
      String targetUrl =
          "jdbc:postgresql://" + target.host() + ":" + target.port() + "/" + target.database();
      try (Connection connection =
          DriverManager.getConnection(targetUrl, target.user(), target.password().reveal())) {
        assertThat(connection.isValid(1)).isTrue();
      }
      assertState(targetUrl, target.user(), "wrong", "28P01");
      assertState(store.url(), "postgres", "", null);
      assertState(store.url(), target.user(), target.password().reveal(), "42501");
      assertState(targetUrl, store.user(), store.password().reveal(), "42501");
    }
  }

  @Test
  void a_killed_run_leaves_a_server_that_the_next_start_ends_and_no_commit_is_lost()
      throws Exception {
    Process run =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Run.class.getName(),
                data.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader output = run.inputReader(UTF_8);
    String line = output.readLine();
    while (line != null && !line.startsWith("committed ")) {
      line = output.readLine();
    }
    assertThat(line).startsWith("committed ");
    ProcessHandle stray = postmaster();
    run.destroyForcibly().waitFor();
    assertThat(stray.isAlive()).isTrue();

    try (EmbeddedStore store = Embedded.store(data, 0)) {
      assertThat(stray.isAlive()).isFalse();
      assertThat("committed " + store.url()).isEqualTo(line);
      assertThat(query(store, "select n from kept")).isEqualTo("7");
    }
  }

  @Test
  void a_killed_server_recovers_and_a_stale_pid_file_of_another_program_is_no_obstacle()
      throws Exception {
    try (EmbeddedStore store = Embedded.store(data, 0)) {
      execute(store, "create table kept as select 7 as n");
      ProcessHandle server = postmaster();
      server.destroyForcibly();
      server.onExit().join();
    }
    Path pidFile = data.resolve("postgres/cluster/postmaster.pid");
    Files.writeString(
        pidFile,
        Files.readString(pidFile).replaceFirst("\\d+", "" + ProcessHandle.current().pid()));
    try (EmbeddedStore store = Embedded.store(data, 0)) {
      assertThat(query(store, "select n from kept")).isEqualTo("7");
    }
  }

  @Test
  void a_start_that_was_cut_off_is_done_again() throws Exception {
    Files.createDirectories(data.resolve("postgres/cluster/base"));
    try (EmbeddedStore store = Embedded.store(data, 0)) {
      assertThat(query(store, "select 1")).isEqualTo("1");
      assertThat(PosixFilePermissions.toString(permissions("passwords"))).isEqualTo("rw-------");
      assertThat(PosixFilePermissions.toString(permissions("."))).isEqualTo("rwx------");
      assertThat(data.resolve("postgres/initdb.password")).doesNotExist();

      assertThatThrownBy(() -> Embedded.store(data, 0))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("Another Sluice uses")
          .hasMessageContaining("SLUICE_DATA");
      assertThat(query(store, "select 1")).isEqualTo("1");
    }
  }

  @Test
  void a_taken_port_is_named_with_the_setting_to_change() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertThatThrownBy(() -> Embedded.store(data, taken.getLocalPort()))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(Integer.toString(taken.getLocalPort()))
          .hasMessageContaining("STORE_URL");
    }
  }

  /** A run that commits and then waits to be killed. */
  static final class Run {
    private Run() {}

    public static void main(String[] arguments) throws Exception {
      EmbeddedStore store = Embedded.store(Path.of(arguments[0]), 0);
      execute(store, "create table kept as select 7 as n");
      System.out.println("committed " + store.url());
      System.out.flush();
      Thread.currentThread().join();
    }
  }

  private ProcessHandle postmaster() throws IOException {
    Path file = data.resolve("postgres/cluster/postmaster.pid");
    return ProcessHandle.of(Long.parseLong(Files.readAllLines(file).get(0).strip())).orElseThrow();
  }

  private Set<PosixFilePermission> permissions(String name) throws IOException {
    return Files.getPosixFilePermissions(data.resolve("postgres").resolve(name));
  }

  private static void assertState(String url, String user, String password, String state) {
    assertThatThrownBy(() -> DriverManager.getConnection(url, user, password).close())
        .isInstanceOfSatisfying(
            SQLException.class,
            e -> {
              if (state != null) {
                assertThat(e.getSQLState()).isEqualTo(state);
              }
            });
  }

  private static Connection connect(EmbeddedStore store) throws SQLException {
    return DriverManager.getConnection(store.url(), store.user(), store.password().reveal());
  }

  private static void execute(EmbeddedStore store, String sql) throws SQLException {
    try (Connection connection = connect(store);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static String query(EmbeddedStore store, String sql) throws SQLException {
    try (Connection connection = connect(store);
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      assertThat(rows.next()).isTrue();
      return rows.getString(1);
    }
  }
}
