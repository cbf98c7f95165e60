package io.sluice.servers;

import static java.util.stream.Collectors.toMap;
import static org.awaitility.Awaitility.await;

import io.sluice.Sluice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The product in a process of its own, as a user starts it: the compiled classes and everything on
 * the test class path but the tests, in a folder with a copy of {@code routes} and {@code config}.
 * The development profile unless a setting says otherwise, on ports that were free.
 *
 * <p>{@link #stop}, {@link #kill} and {@link #start} work on the same folder and data; the ports of
 * a new start are others.
 */
public final class SluiceProcess implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(90);
  private static final Duration STOP_LIMIT = Duration.ofSeconds(40);
  private static final String GREETING = "Sluice is ready.";
  private static final Pattern API = Pattern.compile("^  API +(\\S+)", Pattern.MULTILINE);
  private static final Pattern HEALTH = Pattern.compile("^  Health +(\\S+)", Pattern.MULTILINE);
  private static final Pattern KAFKA = Pattern.compile("^  Kafka +(\\S+)", Pattern.MULTILINE);
  private static final Pattern WORKSPACE =
      Pattern.compile("^  Workspace +(\\S+) +\\(organization (\\S+)\\)", Pattern.MULTILINE);
  private static final Pattern TOKEN = Pattern.compile("^  Token +(\\S+)$", Pattern.MULTILINE);
  private static final Pattern TARGET =
      Pattern.compile(
          "^  Target +postgresql://([^:/]+):(\\d+)/(\\S+)  user (\\S+)  password (\\S+)$",
          Pattern.MULTILINE);
  private static final Pattern CURL = Pattern.compile("^  (curl .*)$", Pattern.MULTILINE);

  /** Tests start it often and use it briefly. */
  private static final List<String> BRIEF =
      List.of("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private static final ClassArchive ARCHIVE = new ClassArchive("sluice");

  private static final class Shared {
    static final SluiceProcess INSTANCE = setup().start();
  }

  /** The database to play with. */
  public record Target(String host, int port, String database, String user, String password) {}

  /** What a process is to be, before it starts. */
  public static final class Setup {
    private final Map<String, String> environment = new LinkedHashMap<>();
    private List<String> javaOptions = BRIEF;

    private Setup() {
      setting("APP_PROFILE", "dev");
      setting("HTTP_PORT", "0");
      setting("MANAGEMENT_PORT", "0");
      setting("KAFKA_PORT", "0");
      // Tests count connections, events and reports: a check that nobody asked for would disturb.
      setting("SLUICE_MONITOR_ENABLED", "false");
      setting("SLUICE_RETENTION_POLL", "500ms");
    }

    /** An environment variable, for instance {@code SLUICE_PROBE_TOTAL}; null removes it. */
    public Setup setting(String name, String value) {
      environment.put(name, value);
      return this;
    }

    /** What the Java virtual machine is told, in place of what suits a test. */
    public Setup javaOptions(String... options) {
      javaOptions = List.of(options);
      return this;
    }

    /** A store of its own, in place of the embedded one. */
    public Setup store(PostgresServer server, String database) {
      return setting("STORE_URL", server.jdbcUrl(database))
          .setting("STORE_USER", "postgres")
          .setting("STORE_PASSWORD", server.superuserPassword());
    }

    /** A broker of its own, in place of the embedded one. */
    public Setup broker(KafkaServer server) {
      return setting("KAFKA_BROKERS", server.bootstrap());
    }

    /** Starts and waits until the process says that it is ready. */
    public SluiceProcess start() {
      return prepared().start();
    }

    /** The folder only; a test may edit it before it starts the process. */
    public SluiceProcess prepared() {
      return new SluiceProcess(this);
    }
  }

  private final Path directory = Scratch.directory("process");
  private final Map<String, String> environment;
  private final List<String> javaOptions;
  private Process process;
  private String greeting;

  private SluiceProcess(Setup setup) {
    this.environment = new LinkedHashMap<>(setup.environment);
    this.javaOptions = setup.javaOptions;
    environment.putIfAbsent("SLUICE_DATA", data().toString());
    copy(Path.of("routes"));
    copy(Path.of("config"));
    Runtime.getRuntime().addShutdownHook(new Thread(this::close, "close-sluice"));
  }

  private void copy(Path source) {
    try (Stream<Path> all = Files.walk(source)) {
      for (Path path : all.toList()) {
        Files.copy(path, directory.resolve(path));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The process that the tests of this JVM share: all embedded, with its data sources. */
  public static SluiceProcess shared() {
    return Shared.INSTANCE;
  }

  public static Setup setup() {
    return new Setup();
  }

  /** Starts again on the data of before; does nothing when the process runs. */
  public synchronized SluiceProcess start() {
    if (process != null && process.isAlive()) {
      return this;
    }
    launch(ARCHIVE.options());
    try {
      await("Sluice to start")
          .atMost(START_LIMIT)
          .pollInterval(Duration.ofMillis(50))
          .until(() -> !process.isAlive() || ready());
    } catch (RuntimeException e) {
      throw new IllegalStateException("Sluice did not start:\n" + output(), e);
    }
    if (!ready()) {
      throw new IllegalStateException(
          "Sluice ended with " + process.exitValue() + " instead of starting:\n" + output());
    }
    if (javaOptions == BRIEF) {
      ARCHIVE.learn(process);
    }
    return this;
  }

  /** Starts without waiting; for a process that is expected not to become ready. */
  public synchronized SluiceProcess launch() {
    return launch(ARCHIVE.optionsUnseen());
  }

  private SluiceProcess launch(List<String> archive) {
    greeting = null;
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(javaOptions);
    if (javaOptions == BRIEF) {
      command.addAll(archive);
    }
    command.addAll(List.of("-cp", ClassArchive.classPath("test-classes"), Sluice.class.getName()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(SluiceProcess::meansSomething);
    environment.forEach(
        (name, value) -> {
          if (value != null) {
            builder.environment().put(name, value);
          }
        });
    rename(standardOutput(), "stdout.before");
    rename(standardError(), "stderr.before");
    try {
      process =
          builder
              .directory(directory.toFile())
              .redirectOutput(standardOutput().toFile())
              .redirectError(standardError().toFile())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return this;
  }

  /** What was said before a start is kept, for the search for secrets. */
  private void rename(Path file, String name) {
    try {
      if (Files.exists(file)) {
        Files.writeString(
            logs().resolve(name),
            Files.readString(file),
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean meansSomething(String variable) {
    return variable.startsWith("SLUICE_")
        || variable.startsWith("STORE_")
        || variable.startsWith("KAFKA_")
        || variable.startsWith("CAMEL_");
  }

  private boolean ready() {
    String said = read(standardOutput());
    int at = said.indexOf(GREETING);
    if (at < 0 || !HEALTH.matcher(said).find() || !said.endsWith("\n")) {
      return false;
    }
    greeting = said.substring(at);
    return true;
  }

  private String greeted(Pattern pattern, int group) {
    Matcher matcher = pattern.matcher(greeting);
    if (!matcher.find()) {
      throw new IllegalStateException("The greeting lacks " + pattern + ":\n" + greeting);
    }
    return matcher.group(group);
  }

  /** {@code http://localhost:port}, without a slash at its end. */
  public URI api() {
    return URI.create(greeted(API, 1));
  }

  public URI readiness() {
    return URI.create(greeted(HEALTH, 1));
  }

  /** What readiness ({@code "ready"}) or liveness ({@code "live"}) says now: an HTTP status. */
  public int health(String which) {
    try {
      HttpURLConnection connection =
          (HttpURLConnection) readiness().resolve(which).toURL().openConnection();
      try {
        return connection.getResponseCode();
      } finally {
        connection.disconnect();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The brokers as the greeting names them. */
  public String bootstrap() {
    return greeted(KAFKA, 1);
  }

  public String workspace() {
    return greeted(WORKSPACE, 1);
  }

  public String organization() {
    return greeted(WORKSPACE, 2);
  }

  /** The first token. */
  public String token() {
    return greeted(TOKEN, 1);
  }

  public Target target() {
    return new Target(
        greeted(TARGET, 1),
        Integer.parseInt(greeted(TARGET, 2)),
        greeted(TARGET, 3),
        greeted(TARGET, 4),
        greeted(TARGET, 5));
  }

  /** The command that the greeting suggests to try. */
  public String curl() {
    return greeted(CURL, 1);
  }

  /** A connection to the embedded store, as the product's own user; the caller closes it. */
  public Connection store() throws SQLException {
    Properties passwords = new Properties();
    passwords.putAll(
        read(data().resolve("postgres/passwords"))
            .lines()
            .map(line -> line.split("=", 2))
            .collect(toMap(pair -> pair[0], pair -> pair[1])));
    String port = read(data().resolve("postgres/port")).strip();
    return DriverManager.getConnection(
        "jdbc:postgresql://" + Scratch.LOOPBACK + ":" + port + "/sluice",
        "sluice",
        passwords.getProperty("sluice"));
  }

  public Path routes() {
    return directory.resolve("routes");
  }

  public Path config() {
    return directory.resolve("config");
  }

  /** What the process keeps; unless {@code SLUICE_DATA} was set to another folder. */
  public Path data() {
    return directory.resolve("data");
  }

  /** Standard output and error of this start and those before it. */
  public Path logs() {
    try {
      return Files.createDirectories(directory.resolve("logs"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path standardOutput() {
    return logs().resolve("stdout");
  }

  private Path standardError() {
    return logs().resolve("stderr");
  }

  /** What this start wrote so far, to both outputs. */
  public String output() {
    return read(standardOutput()) + read(standardError());
  }

  /** What this start wrote so far but for the greeting, which alone may show secrets. */
  public String logged() {
    String said = read(standardOutput());
    return (greeting == null ? said : said.replace(greeting.substring(0, greetingEnd()), ""))
        + read(standardError());
  }

  private int greetingEnd() {
    Matcher curl = CURL.matcher(greeting);
    return curl.find() ? curl.end() : greeting.length();
  }

  private static String read(Path file) {
    try {
      return Files.exists(file) ? Files.readString(file) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public ProcessHandle handle() {
    return process.toHandle();
  }

  /** Ends the process as an operator would (SIGTERM). The answer is its exit code. */
  public synchronized int stop() {
    process.destroy();
    return awaitExit();
  }

  /** Waits for a process that ends by itself. The answer is its exit code. */
  public int awaitExit() {
    try {
      if (!process.waitFor(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        throw new IllegalStateException("Sluice did not end:\n" + output());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while Sluice ended.", e);
    }
  }

  /** Ends the process at once ({@code kill -9}); an embedded PostgreSQL goes on for a while. */
  public synchronized void kill() {
    if (process == null) {
      return;
    }
    process.destroyForcibly();
    awaitExit();
  }

  /** Freezes the process ({@code kill -STOP}) but not what it started. */
  public void pause() {
    Signals.sendOne("STOP", process.toHandle());
  }

  public void resume() {
    Signals.sendOne("CONT", process.toHandle());
  }

  /** Ends the process at once and what it embeds, and deletes its folder. */
  @Override
  public synchronized void close() {
    kill();
    endEmbeddedStore();
    Scratch.delete(directory);
  }

  /** The PostgreSQL that the product has started; empty when there is none. */
  public Optional<ProcessHandle> embeddedStore() {
    return read(data().resolve("postgres/cluster/postmaster.pid"))
        .lines()
        .findFirst()
        .flatMap(pid -> ProcessHandle.of(Long.parseLong(pid.strip())))
        .filter(process -> process.info().command().orElse("").endsWith("postgres"));
  }

  /** It outlives a process that was killed. Its own end, though immediate, frees what it shares. */
  private void endEmbeddedStore() {
    embeddedStore()
        .ifPresent(
            postmaster -> {
              Signals.sendOne("QUIT", postmaster);
              postmaster.onExit().orTimeout(STOP_LIMIT.toSeconds(), TimeUnit.SECONDS).join();
            });
  }
}
