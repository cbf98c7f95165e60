package io.sluice.start.embedded;

import io.sluice.model.Secret;
import io.sluice.secrets.OwnerOnlyFile;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import io.zonky.test.db.postgres.util.LinuxUtils;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * A PostgreSQL on loopback with two databases: the store, and one to try connections on. Commits
 * reach the disk (fsync, synchronous_commit), and every login needs its password (scram-sha-256).
 *
 * <p>Thread-safe.
 */
public final class EmbeddedStore implements AutoCloseable {
  private static final String SUPERUSER = "postgres";
  private static final String STORE = "sluice";
  private static final String TARGET = "demo";

  private static final String CLUSTER = "cluster";
  private static final String BINARIES = "binaries";
  private static final Duration START_LIMIT = Duration.ofSeconds(60);
  private static final int PASSWORD_BYTES = 24;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** A database to try connections on, with the login of its owner. */
  public record Target(String host, int port, String database, String user, Secret password) {}

  private final DataDirectory directory;
  private final EmbeddedPostgres server;
  private final Properties secrets;

  private EmbeddedStore(DataDirectory directory, EmbeddedPostgres server, Properties secrets) {
    this.directory = directory;
    this.server = server;
    this.secrets = secrets;
  }

  static EmbeddedStore start(Path path, int wantedPort) {
    refuseRootWithoutNamespaces();
    DataDirectory directory = DataDirectory.claim(path);
    try {
      return start(directory, wantedPort);
    } catch (IOException | SQLException | RuntimeException e) {
      new StrayPostgres(directory.resolve(CLUSTER)).end();
      directory.close();
      if (e instanceof IllegalStateException explained) {
        throw explained;
      }
      throw new IllegalStateException(
          "The embedded PostgreSQL did not start; see "
              + directory.resolve("postgresql.log")
              + ", or set STORE_URL to a PostgreSQL of your own.",
          e);
    }
  }

  /** PostgreSQL never runs as root; a user namespace of its own makes it somebody else. */
  private static void refuseRootWithoutNamespaces() {
    if ("root".equals(System.getProperty("user.name")) && !LinuxUtils.isUnshareAvailable()) {
      throw new IllegalStateException(
          "PostgreSQL does not run as root where user namespaces are not allowed; start Sluice as"
              + " another user, or set STORE_URL to a PostgreSQL of your own.");
    }
  }

  private static EmbeddedStore start(DataDirectory directory, int wantedPort)
      throws IOException, SQLException {
    new StrayPostgres(directory.resolve(CLUSTER)).end();
    Properties secrets = secrets(directory);
    Path ready = directory.resolve("ready");
    boolean first = Files.notExists(ready);
    if (first) {
      // What a start left that was cut off before its end has never held an update.
      directory.delete(CLUSTER);
    }
    Files.deleteIfExists(directory.resolve("postgresql.log"));
    int port = port(wantedPort, directory.resolve("port"));
    EmbeddedPostgres server = server(directory, port, secrets.getProperty(SUPERUSER));
    try {
      if (first) {
        createDatabases(server, secrets);
        Files.createFile(ready);
      }
      Files.writeString(directory.resolve("port"), Integer.toString(port));
      return new EmbeddedStore(directory, server, secrets);
    } catch (IOException | SQLException | RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private static EmbeddedPostgres server(DataDirectory directory, int port, String password)
      throws IOException {
    Path log = directory.resolve("postgresql.log");
    Path passwordFile = directory.resolve("initdb.password");
    new OwnerOnlyFile(passwordFile).update(before -> password);
    try {
      return EmbeddedPostgres.builder()
          .setOverrideWorkingDirectory(directory.resolve(BINARIES).toFile())
          .setDataDirectory(directory.resolve(CLUSTER))
          .setDataDirectoryCustomizer(cluster -> allowPasswordsOnly(cluster.toPath()))
          .setCleanDataDirectory(false)
          .setRegisterShutdownHook(false)
          .setPort(port)
          .setPGStartupWait(START_LIMIT)
          .setOutputRedirector(ProcessBuilder.Redirect.appendTo(log.toFile()))
          .setErrorRedirector(ProcessBuilder.Redirect.appendTo(log.toFile()))
          .setConnectConfig("password", password)
          // The library passes -A trust to initdb; the later option wins.
          .setLocaleConfig("auth", "scram-sha-256")
          .setLocaleConfig("pwfile", passwordFile.toString())
          .setServerConfig("listen_addresses", LoopbackPort.HOST)
          .setServerConfig("unix_socket_directories", "")
          // The library starts the server with -F; the later option wins.
          .setServerConfig("fsync", "on")
          .setServerConfig("synchronous_commit", "on")
          // A failed statement may hold a value; the log names the failure only.
          .setServerConfig("log_min_error_statement", "panic")
          .start();
    } finally {
      Files.deleteIfExists(passwordFile);
    }
  }

  private static void allowPasswordsOnly(Path cluster) {
    try {
      Files.writeString(
          cluster.resolve("pg_hba.conf"),
          "host all all " + LoopbackPort.HOST + "/32 scram-sha-256\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void createDatabases(EmbeddedPostgres server, Properties secrets)
      throws SQLException {
    try (Connection connection = server.getPostgresDatabase().getConnection();
        Statement statement = connection.createStatement()) {
      for (String name : List.of(STORE, TARGET)) {
        // The password is base64 of our own making, so it needs no quoting.
        statement.execute(
            "create role " + name + " login password '" + secrets.getProperty(name) + "'");
        statement.execute("create database " + name + " owner " + name);
      }
      for (String database : List.of(STORE, TARGET, SUPERUSER, "template1")) {
        statement.execute("revoke all on database " + database + " from public");
      }
    }
  }

  private static Properties secrets(DataDirectory directory) throws IOException {
    String text =
        new OwnerOnlyFile(directory.resolve("passwords"))
            .update(before -> before == null ? newPasswords() : before);
    Properties secrets = new Properties();
    secrets.load(new StringReader(text));
    return secrets;
  }

  private static String newPasswords() {
    Map<String, String> passwords = new TreeMap<>();
    for (String user : List.of(SUPERUSER, STORE, TARGET)) {
      byte[] bytes = new byte[PASSWORD_BYTES];
      RANDOM.nextBytes(bytes);
      passwords.put(user, Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
    }
    StringBuilder text = new StringBuilder();
    passwords.forEach(
        (user, password) -> text.append(user).append('=').append(password).append('\n'));
    return text.toString();
  }

  /** Data sources that point at the target database stay right when the port does not change. */
  private static int port(int wanted, Path last) throws IOException {
    if (wanted != 0) {
      if (!LoopbackPort.isFree(wanted)) {
        throw new IllegalStateException(
            "Port "
                + wanted
                + " of the embedded PostgreSQL is taken on "
                + LoopbackPort.HOST
                + "; free it, or set STORE_URL to a PostgreSQL of your own.");
      }
      return wanted;
    }
    if (Files.exists(last)) {
      int before = Integer.parseInt(Files.readString(last).strip());
      if (LoopbackPort.isFree(before)) {
        return before;
      }
    }
    return LoopbackPort.free();
  }

  /** The JDBC URL of the store, without a login. */
  public String url() {
    return "jdbc:postgresql://" + LoopbackPort.HOST + ":" + server.getPort() + "/" + STORE;
  }

  public String user() {
    return STORE;
  }

  public Secret password() {
    return Secret.of(secrets.getProperty(STORE));
  }

  public Target target() {
    return new Target(
        LoopbackPort.HOST,
        server.getPort(),
        TARGET,
        TARGET,
        Secret.of(secrets.getProperty(TARGET)));
  }

  /** Ends the server in an orderly way. Open connections are closed. */
  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      directory.close();
    }
  }
}
