package io.sluice.servers;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;

/**
 * A PostgreSQL server made of real binaries, that keeps what it commits (fsync and
 * synchronous_commit are on) and asks everybody for a password (scram-sha-256), so that durability
 * and refused logins can be tested on it.
 *
 * <p>{@link #stop}, {@link #kill} and {@link #start()} work on the same port and data.
 */
public final class PostgresServer implements AutoCloseable {
  public static final String SUPERUSER = "postgres";

  private static final Duration START_LIMIT = Duration.ofSeconds(30);
  private static final Duration EXIT_LIMIT = Duration.ofSeconds(10);

  private static final class Shared {
    static final PostgresServer INSTANCE = closedAtExit(setup().start());

    private static PostgresServer closedAtExit(PostgresServer server) {
      Runtime.getRuntime().addShutdownHook(new Thread(server::close, "close-postgres"));
      return server;
    }
  }

  /** What a server is to be, before it starts. */
  public static final class Setup {
    private final Map<String, String> settings = new LinkedHashMap<>();
    private final List<String> hba = new ArrayList<>();
    private TestCa.Issued identity;
    private TestCa clientCa;

    private Setup() {}

    /** One entry of postgresql.conf, for instance {@code max_connections}. */
    public Setup setting(String name, String value) {
      settings.put(name, value);
      return this;
    }

    /** Offers TLS under this certificate; clients without TLS are served too. */
    public Setup tls(TestCa.Issued server) {
      identity = server;
      return this;
    }

    /** Client certificates of this authority are accepted where pg_hba.conf asks for one. */
    public Setup clientCa(TestCa ca) {
      clientCa = ca;
      return this;
    }

    /**
     * A line of pg_hba.conf before the general "password for everyone", for instance {@code hostssl
     * all alice 127.0.0.1/32 cert}.
     */
    public Setup hba(String line) {
      hba.add(line);
      return this;
    }

    public PostgresServer start() {
      return new PostgresServer(this).start();
    }
  }

  private final Setup setup;
  private final Path directory = Scratch.directory("postgres");
  private final int port = Scratch.freePort();
  private final String superuserPassword = "su-" + UUID.randomUUID();
  private EmbeddedPostgres running;

  private PostgresServer(Setup setup) {
    this.setup = setup;
  }

  /** The server that all tests of this JVM share; use databases and users of your own on it. */
  public static PostgresServer shared() {
    return Shared.INSTANCE;
  }

  public static Setup setup() {
    return new Setup();
  }

  /** Starts again on the data and the port of before; does nothing when the server runs. */
  public synchronized PostgresServer start() {
    if (running != null) {
      return this;
    }
    Path passwordFile = Scratch.ownerOnly(directory.resolve("initdb.password"), superuserPassword);
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder()
            .setDataDirectory(dataDirectory())
            .setCleanDataDirectory(false)
            .setRegisterShutdownHook(false)
            .setPort(port)
            .setPGStartupWait(START_LIMIT)
            .setDataDirectoryCustomizer(data -> configure(data.toPath()))
            .setConnectConfig("password", superuserPassword)
            // The library passes -A trust to initdb; the later option wins.
            .setLocaleConfig("auth", "scram-sha-256")
            .setLocaleConfig("pwfile", passwordFile.toString())
            .setServerConfig("listen_addresses", Scratch.LOOPBACK)
            .setServerConfig("unix_socket_directories", "")
            // The library starts the server with -F; the later option wins.
            .setServerConfig("fsync", "on")
            .setServerConfig("synchronous_commit", "on");
    setup.settings.forEach(builder::setServerConfig);
    try {
      running = builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException("PostgreSQL did not start.", e);
    }
    return this;
  }

  private void configure(Path data) {
    List<String> lines = new ArrayList<>(setup.hba);
    lines.add("host all all " + Scratch.LOOPBACK + "/32 scram-sha-256");
    Scratch.write(data.resolve("pg_hba.conf"), String.join("\n", lines) + "\n");
    StringBuilder own = new StringBuilder("# This server's own settings.\n");
    if (setup.identity != null) {
      Scratch.write(data.resolve("server.crt"), setup.identity.certificatePem());
      Scratch.ownerOnly(data.resolve("server.key"), setup.identity.keyPem());
      own.append("ssl = on\n");
    }
    if (setup.clientCa != null) {
      Scratch.write(data.resolve("root.crt"), setup.clientCa.certificatePem());
      own.append("ssl_ca_file = 'root.crt'\n");
    }
    Scratch.write(data.resolve("postgresql.auto.conf"), own.toString());
  }

  /** The files of the cluster, for a search. */
  public Path files() {
    return dataDirectory();
  }

  private Path dataDirectory() {
    return directory.resolve("data");
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return port;
  }

  public String superuserPassword() {
    return superuserPassword;
  }

  public String jdbcUrl(String database) {
    return "jdbc:postgresql://" + host() + ":" + port + "/" + database;
  }

  /** A connection of the superuser; the caller closes it. */
  public Connection connect(String database) throws SQLException {
    return connect(database, SUPERUSER, superuserPassword);
  }

  /** The caller closes the connection. */
  public Connection connect(String database, String user, String password) throws SQLException {
    Properties login = new Properties();
    login.setProperty("user", user);
    login.setProperty("password", password);
    return DriverManager.getConnection(jdbcUrl(database), login);
  }

  /** Runs SQL as the superuser, outside any transaction, in {@code postgres}. */
  public void execute(String sql) {
    executeIn("postgres", sql);
  }

  /** Runs SQL as the superuser in one database. */
  public void executeIn(String database, String sql) {
    try (Connection connection = connect(database);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException("The test's own SQL failed: " + sql, e);
    }
  }

  /** The first column of the first row, as the superuser in {@code postgres}. */
  public String query(String sql) {
    return queryIn("postgres", sql);
  }

  /** The first column of the first row, as the superuser in one database; null without a row. */
  public String queryIn(String database, String sql) {
    try (Connection connection = connect(database);
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? rows.getString(1) : null;
    } catch (SQLException e) {
      throw new IllegalStateException("The test's own SQL failed: " + sql, e);
    }
  }

  /** The name must be a plain identifier. */
  public void createUser(String name, String password) {
    execute("create role \"" + name + "\" login password '" + password.replace("'", "''") + "'");
  }

  /** The names must be plain identifiers. */
  public void createDatabase(String name, String owner) {
    execute("create database \"" + name + "\" owner \"" + owner + "\"");
  }

  /** A database of its own for one test class, with a name that no other has. */
  public String createDatabase() {
    String name = "db_" + UUID.randomUUID().toString().replace("-", "");
    createDatabase(name, SUPERUSER);
    return name;
  }

  /** Shows this certificate to every connection from now on. */
  public void identity(TestCa.Issued identity) {
    String before = query("select pg_conf_load_time()");
    Path data = dataDirectory();
    Scratch.write(data.resolve("server.crt"), identity.certificatePem());
    Scratch.ownerOnly(data.resolve("server.key"), identity.keyPem());
    execute("select pg_reload_conf()");
    Awaitility.await().until(() -> !query("select pg_conf_load_time()").equals(before));
  }

  /** Ends the server as an operator would: connections are closed, data is written. */
  public synchronized void stop() {
    if (running == null) {
      return;
    }
    try {
      running.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      running = null;
    }
  }

  /** Ends the server at once ({@code kill -9}); the next start recovers from its log. */
  public synchronized void kill() {
    ProcessHandle postmaster = postmaster();
    List<ProcessHandle> all = postmaster.descendants().collect(Collectors.toList());
    all.add(0, postmaster);
    all.forEach(ProcessHandle::destroyForcibly);
    // A worker that still holds the shared memory would make the next start fail.
    all.forEach(process -> process.onExit().orTimeout(EXIT_LIMIT.toSeconds(), SECONDS).join());
    stop();
  }

  /** Freezes the server ({@code kill -STOP}): it accepts connections and answers nothing. */
  public void pause() {
    Signals.send("STOP", postmaster());
  }

  public void resume() {
    Signals.send("CONT", postmaster());
  }

  private ProcessHandle postmaster() {
    try {
      String pid =
          Files.readAllLines(dataDirectory().resolve("postmaster.pid"), StandardCharsets.UTF_8)
              .get(0)
              .strip();
      return ProcessHandle.of(Long.parseLong(pid)).orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException("The server does not run.", e);
    }
  }

  @Override
  public synchronized void close() {
    stop();
    Scratch.delete(directory);
  }
}
