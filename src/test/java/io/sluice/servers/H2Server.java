package io.sluice.servers;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/**
 * An H2 server in a process of its own, with one database and one user beside its owner. It creates
 * no database on request. Its jar is in {@code target/test-drivers/h2} and on no class path.
 */
public final class H2Server implements AutoCloseable {
  private static final Path JARS = Path.of("target/test-drivers/h2");
  private static final String KEY_STORE_PASSWORD = "keystore";

  private final Path directory = Scratch.directory("h2");
  private final int port = Scratch.freePort();
  private final Process process;

  private H2Server(String database, String user, String password, TestCa.Issued identity) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    if (identity != null) {
      command.add("-Djavax.net.ssl.keyStore=" + keyStore(identity));
      command.add("-Djavax.net.ssl.keyStorePassword=" + KEY_STORE_PASSWORD);
    }
    command.addAll(List.of("-cp", jar().toString(), "org.h2.tools.Server", "-tcp", "-tcpPort"));
    command.addAll(List.of(Integer.toString(port), "-baseDir", directory.toString()));
    if (identity != null) {
      command.add("-tcpSSL");
    }
    create(database, user, password);
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(directory.resolve("server.log").toFile())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts a server without TLS; {@link #await} before its first use. */
  public static H2Server plain(String database, String user, String password) {
    return new H2Server(database, user, password, null);
  }

  /** Starts a server that speaks nothing but TLS. */
  public static H2Server tls(
      String database, String user, String password, TestCa.Issued identity) {
    return new H2Server(database, user, password, identity);
  }

  public H2Server await() {
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .pollInterval(Duration.ofMillis(50))
        .ignoreExceptionsInstanceOf(IOException.class)
        .until(
            () -> {
              try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1000);
                return true;
              }
            });
    return this;
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return port;
  }

  private static Path jar() {
    try (Stream<Path> jars = Files.list(JARS)) {
      return jars.findFirst().orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void create(String database, String user, String password) {
    Properties owner = new Properties();
    owner.setProperty("user", "owner");
    owner.setProperty("password", "owner");
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar().toUri().toURL()})) {
      Driver driver =
          (Driver) loader.loadClass("org.h2.Driver").getDeclaredConstructor().newInstance();
      try (Connection connection = driver.connect("jdbc:h2:" + directory.resolve(database), owner);
          Statement statement = connection.createStatement()) {
        statement.execute("create user " + user + " password '" + password + "'");
      }
    } catch (IOException | SQLException | ReflectiveOperationException e) {
      throw new IllegalStateException("No H2 database could be made.", e);
    }
  }

  private Path keyStore(TestCa.Issued identity) {
    Path file = directory.resolve("server.p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setKeyEntry(
          "server",
          identity.key(),
          KEY_STORE_PASSWORD.toCharArray(),
          new java.security.cert.Certificate[] {identity.certificate()});
      store.store(out, KEY_STORE_PASSWORD.toCharArray());
      return file;
    } catch (IOException | GeneralSecurityException e) {
      throw new IllegalStateException("No key store could be made.", e);
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Scratch.delete(directory);
  }
}
