package io.sluice.drivers;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The code of the drivers: from the class path where it is part of the distribution, else from the
 * jars in {@code <folder>/<driver's id>/}, which are looked for again at each use until they are
 * there. A driver is loaded once and never through {@link java.sql.DriverManager}, which would
 * choose by URL. Thread-safe.
 */
public final class DriverJars {
  private static final Logger LOG = LoggerFactory.getLogger(DriverJars.class);

  /** Spelled out, so that it needs no project and means the same in a year. */
  private static final String FETCH =
      "mvn -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy -Dartifact=%s"
          + " -DoutputDirectory=%s";

  private final Path folder;
  private final Map<String, java.sql.Driver> loaded = new ConcurrentHashMap<>();

  public DriverJars(Path folder) {
    this.folder = folder;
  }

  /** Whether a class comes from a jar of this folder, or of another one like it. */
  public static boolean isolates(ClassLoader loader) {
    return loader instanceof DriverLoader;
  }

  /** The command that brings a driver's jar here; null where none is missing or none exists. */
  public String fetchCommand(Driver driver) {
    Driver.Jar jar = driver.jar();
    return jar == null || jar.bundled()
        ? null
        : FETCH.formatted(jar.copyArgument(), folder.resolve(driver.id()));
  }

  /** Whether a driver can be used, as far as that shows without loading it. */
  public boolean available(Driver driver) {
    if (driver.family() == Driver.Family.NONE) {
      return false;
    }
    return driver.jar() == null
        || driver.jar().bundled()
        || loaded.containsKey(driver.id())
        || !jars(driver).isEmpty();
  }

  /**
   * The driver's one instance.
   *
   * @throws DriverUnavailable with what to do about it
   */
  public java.sql.Driver load(Driver driver) throws DriverUnavailable {
    java.sql.Driver known = loaded.get(driver.id());
    return known == null ? first(driver) : known;
  }

  private synchronized java.sql.Driver first(Driver driver) throws DriverUnavailable {
    java.sql.Driver known = loaded.get(driver.id());
    if (known != null) {
      return known;
    }
    try {
      java.sql.Driver made =
          driver.jar().bundled()
              ? make(driver, DriverJars.class.getClassLoader())
              : isolated(driver);
      loaded.put(driver.id(), made);
      return made;
    } catch (ReflectiveOperationException | IOException | LinkageError | ClassCastException e) {
      LOG.atWarn()
          .addKeyValue("driver", driver.id())
          .addKeyValue("exception", e.getClass().getName())
          .log("Driver class cannot be loaded.");
      throw new DriverUnavailable(
          "The installed jar holds no usable " + driver.driverClass() + ".", e);
    }
  }

  private java.sql.Driver isolated(Driver driver)
      throws DriverUnavailable, ReflectiveOperationException, IOException {
    List<Path> jars = jars(driver);
    if (jars.isEmpty()) {
      throw new DriverUnavailable(
          "The driver's jar is not installed. Run: " + fetchCommand(driver), null);
    }
    verify(driver, jars);
    List<URL> urls = new ArrayList<>();
    for (Path jar : jars) {
      urls.add(url(jar));
    }
    DriverLoader loader = new DriverLoader(driver.id(), urls.toArray(URL[]::new));
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(loader);
    try {
      return make(driver, loader);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private static java.sql.Driver make(Driver driver, ClassLoader loader)
      throws ReflectiveOperationException {
    return Class.forName(driver.driverClass(), true, loader)
        .asSubclass(java.sql.Driver.class)
        .getDeclaredConstructor()
        .newInstance();
  }

  /** A driver sees passwords: where its digest is known, no other jar takes its place. */
  private static void verify(Driver driver, List<Path> jars) throws DriverUnavailable, IOException {
    String expected = driver.jar().sha256();
    if (expected == null) {
      return;
    }
    for (Path jar : jars) {
      if (!expected.equals(sha256(jar))) {
        LOG.atWarn()
            .addKeyValue("driver", driver.id())
            .addKeyValue("jar", jar.getFileName())
            .log("Driver jar is not the one that its file in the catalogue names.");
        throw new DriverUnavailable(
            "The installed jar is not "
                + driver.jar().artifact()
                + ", or has another SHA-256 than the catalogue names. Remove it and fetch it again.",
            null);
      }
    }
  }

  private static String sha256(Path jar) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of().formatHex(digest.digest(Files.readAllBytes(jar)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every JVM has SHA-256.", e);
    }
  }

  private static URL url(Path jar) throws MalformedURLException {
    return jar.toUri().toURL();
  }

  private List<Path> jars(Driver driver) {
    Path own = folder.resolve(driver.id());
    if (!Files.isDirectory(own)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(own)) {
      return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("driver", driver.id()).log("Driver folder cannot be read.");
      return List.of();
    }
  }
}
