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
import java.util.Optional;
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
  private final Map<String, Unusable> unusable = new ConcurrentHashMap<>();

  /** Jars that were found useless, as they were then, and why. */
  private record Unusable(String state, String problem) {}

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

  /**
   * Why a driver cannot be used now, and what to do about it; empty when it can. A driver whose jar
   * is there is loaded to find out.
   */
  public Optional<String> problem(Driver driver) {
    if (driver.family() == Driver.Family.NONE) {
      return Optional.of("Sluice has no way to connect to this database; its note says why.");
    }
    if (driver.jar().bundled()) {
      return Optional.empty();
    }
    try {
      load(driver);
      return Optional.empty();
    } catch (DriverUnavailable e) {
      return Optional.of(e.getMessage());
    }
  }

  /**
   * The driver's one instance. Jars that could not be used are not tried again until they change.
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
    if (driver.jar().bundled()) {
      try {
        known = make(driver, DriverJars.class.getClassLoader());
      } catch (ReflectiveOperationException | LinkageError e) {
        throw new IllegalStateException(driver.driverClass() + " is not on the class path.", e);
      }
    } else {
      known = installed(driver);
    }
    loaded.put(driver.id(), known);
    return known;
  }

  private java.sql.Driver installed(Driver driver) throws DriverUnavailable {
    List<Path> jars = jars(driver);
    if (jars.isEmpty()) {
      throw new DriverUnavailable(
          "The driver's jar is not installed. Run: " + fetchCommand(driver), null);
    }
    String state = state(jars);
    Unusable before = unusable.get(driver.id());
    if (before != null && before.state().equals(state)) {
      throw new DriverUnavailable(before.problem(), null);
    }
    String problem;
    Throwable cause = null;
    try {
      if (isExpected(driver, jars)) {
        return isolated(driver, jars);
      }
      problem =
          "The installed jar is not "
              + driver.jar().artifact()
              + ", or has another SHA-256 than the catalogue names.";
    } catch (ReflectiveOperationException | IOException | LinkageError | ClassCastException e) {
      problem = "The installed jar holds no usable " + driver.driverClass() + ".";
      cause = e;
    }
    problem +=
        " Remove it from " + folder.resolve(driver.id()) + " and run: " + fetchCommand(driver);
    LOG.atWarn()
        .addKeyValue("driver", driver.id())
        .addKeyValue("exception", cause == null ? null : cause.getClass().getName())
        .log("Driver jar cannot be used.");
    unusable.put(driver.id(), new Unusable(state, problem));
    throw new DriverUnavailable(problem, cause);
  }

  /** What changes when a jar is replaced. */
  private static String state(List<Path> jars) {
    StringBuilder state = new StringBuilder();
    for (Path jar : jars) {
      state.append(jar.getFileName()).append(' ');
      try {
        state.append(Files.size(jar)).append(' ').append(Files.getLastModifiedTime(jar));
      } catch (IOException e) {
        state.append("unreadable");
      }
      state.append('\n');
    }
    return state.toString();
  }

  private static java.sql.Driver isolated(Driver driver, List<Path> jars)
      throws ReflectiveOperationException, IOException {
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
  private static boolean isExpected(Driver driver, List<Path> jars) throws IOException {
    String expected = driver.jar().sha256();
    for (Path jar : jars) {
      if (expected != null && !expected.equals(sha256(jar))) {
        return false;
      }
    }
    return true;
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
