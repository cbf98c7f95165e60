package io.sluice.drivers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.probe.HandedSocketFactory;
import io.sluice.secrets.LogRouting;
import io.sluice.servers.DriverJar;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;

class DriverJarsTest {
  // In every local repository that has built this project, so that no network is needed.
  private static final String SMALL = "org.slf4j:slf4j-api:2.0.17";

  @TempDir Path folder;

  private Driver driver(String id, String artifact, String sha256) throws IOException {
    Path file = folder.resolve(id + ".yaml");
    Files.writeString(
        file,
        """
        id: %s
        title: A test
        driverClass: Example
        artifact: %s
        bundled: false
        %s
        family: relay
        tls: none
        url: jdbc:test://{host}:{port}/{database}
        defaultPort: 1
        greeting: '^'
        validationQuery: SELECT 1
        verified: unverified
        """
            .formatted(id, artifact, sha256 == null ? "" : "sha256: " + sha256));
    return DriverCatalogue.load(folder, folder).named(id).orElseThrow();
  }

  private Path install(String id, String members) {
    return DriverJar.write(
        folder.resolve(id).resolve(id + ".jar"),
        "Example",
        DriverJar.driver("Example", members, "return null;"));
  }

  private static Object call(Object driver, String method) throws ReflectiveOperationException {
    return driver.getClass().getMethod(method).invoke(driver);
  }

  @Test
  void aJarIsUsedFromWhenItIsThereOn() throws Exception {
    Driver driver = driver("late", "g:a:1", null);
    DriverJars jars = new DriverJars(folder);

    assertThat(jars.problem(driver)).isPresent();
    assertThatThrownBy(() -> jars.load(driver))
        .isInstanceOf(DriverUnavailable.class)
        .hasMessageContaining("Run: mvn -q ")
        .hasMessageContaining("-Dartifact=g:a:1 -DoutputDirectory=" + folder.resolve("late"));

    install("late", "");
    assertThat(jars.problem(driver)).isEmpty();
    assertThat(jars.load(driver).acceptsURL("jdbc:test:x")).isTrue();
    assertThat(jars.load(driver)).isSameAs(jars.load(driver));
  }

  @Test
  void theCommandOfTheHintBringsTheJar() throws Exception {
    Driver driver = driver("fetched", SMALL, null);
    DriverJars jars = new DriverJars(folder);

    Process maven =
        new ProcessBuilder("sh", "-c", jars.fetchCommand(driver))
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(new File("target/fetch-command.log"))
            .start();

    assertThat(maven.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(maven.exitValue()).isZero();
    assertThat(folder.resolve("fetched/slf4j-api-2.0.17.jar")).exists();
    // It is no driver, which is told apart from one that is not there.
    assertThatThrownBy(() -> jars.load(driver)).hasMessageContaining("no usable Example");
  }

  @Test
  void aClassifierStandsWhereMavenWantsIt() throws IOException {
    assertThat(new DriverJars(folder).fetchCommand(driver("all", "g:a:1:all", null)))
        .contains("-Dartifact=g:a:1:jar:all ");
  }

  @Test
  void driversDoNotSeeEachOtherButTheHooks() throws Exception {
    install("one", "public String name() { return \"one\"; }");
    install("two", "public String name() { return \"two\"; }");
    DriverJars jars = new DriverJars(folder);
    java.sql.Driver one = jars.load(driver("one", "g:a:1", null));
    java.sql.Driver two = jars.load(driver("two", "g:a:1", null));

    assertThat(call(one, "name")).isEqualTo("one");
    assertThat(call(two, "name")).isEqualTo("two");
    assertThat(one.getClass().getClassLoader().loadClass(HandedSocketFactory.class.getName()))
        .isSameAs(HandedSocketFactory.class);
  }

  @Test
  void aDriverThatRegistersItselfIsOfferedToNobodyElseAndNotEnded() throws Exception {
    install(
        "eager",
        """
        static boolean ended;
        static {
          try {
            DriverManager.registerDriver(new Example(), () -> ended = true);
          } catch (SQLException e) {
            throw new IllegalStateException(e);
          }
        }
        public boolean ended() { return ended; }
        """);

    Object driver = new DriverJars(folder).load(driver("eager", "g:a:1", null));

    assertThat(DriverManager.drivers())
        .noneMatch(each -> DriverJars.isolates(each.getClass().getClassLoader()));
    assertThatThrownBy(() -> DriverManager.getDriver("jdbc:test:x"))
        .isInstanceOf(SQLException.class);
    // Oracle's driver stops its timers when it is withdrawn, and then connects no more.
    assertThat(call(driver, "ended")).isEqualTo(false);
  }

  @Test
  void aJarWithAnotherDigestThanTheCatalogueNamesIsNotLoaded() throws Exception {
    byte[] jar = Files.readAllBytes(install("pinned", ""));
    String digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(jar));

    assertThat(new DriverJars(folder).load(driver("pinned", "g:a:1", digest))).isNotNull();

    install("pinned", "static { System.setProperty(\"sluice.test.stranger\", \"ran\"); }");
    assertThatThrownBy(() -> new DriverJars(folder).load(driver("pinned", "g:a:1", digest)))
        .isInstanceOf(DriverUnavailable.class)
        .hasMessageContaining("SHA-256");
    assertThat(System.getProperty("sluice.test.stranger")).isNull();
  }

  @Test
  void aBrokenJarIsNotAvailableSaysHowToMendItAndIsLoggedOnce() throws Exception {
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    Logger logger = (Logger) LoggerFactory.getLogger(DriverJars.class);
    logger.addAppender(logged);
    logged.start();
    try {
      Driver driver = driver("broken", "g:a:1", null);
      Path jar = folder.resolve("broken/broken.jar");
      Files.createDirectories(jar.getParent());
      Files.writeString(jar, "no jar");
      DriverJars jars = new DriverJars(folder);

      for (int time = 0; time < 3; time++) {
        assertThat(jars.problem(driver).orElseThrow())
            .contains("no usable Example", "Remove it from " + jar.getParent(), "run: mvn -q ");
        assertThatThrownBy(() -> jars.load(driver)).hasMessageContaining("run: mvn -q ");
      }
      assertThat(logged.list).hasSize(1);

      install("broken", "");
      assertThat(jars.problem(driver)).isEmpty();
    } finally {
      logger.detachAppender(logged);
    }
  }

  @Test
  void aDatabaseThatIsNeverConnectedToIsNotAvailable() throws IOException {
    DriverCatalogue shipped = DriverCatalogue.load(Path.of("config/drivers"), folder);

    assertThat(shipped.jars().problem(shipped.named("denodo").orElseThrow())).isPresent();
    assertThat(shipped.jars().problem(shipped.named("mysql").orElseThrow())).isEmpty();
    assertThat(shipped.jars().problem(shipped.named("athena").orElseThrow())).isEmpty();
  }

  @Test
  void whateverADriverLogsOrPrintsIsHeardByNobody() throws Exception {
    install(
        "loud",
        """
        public void speak(String word) throws Exception {
          say(word);
          Thread own = new Thread(() -> say(word));
          own.start();
          own.join();
        }
        private static void say(String word) {
          System.out.println(word);
          System.err.printf("%s%n", word);
          java.util.logging.Logger.getLogger("loud").severe(word);
          System.getLogger("loud").log(System.Logger.Level.ERROR, word);
          org.slf4j.LoggerFactory.getLogger("loud").error(word);
        }
        """);
    java.sql.Driver loud = new DriverJars(folder).load(driver("loud", "g:a:1", null));
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    PrintStream out = System.out;
    PrintStream err = System.err;
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    root.addAppender(logged);
    logged.start();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    System.setErr(System.out);
    try {
      LogRouting.install();
      DriverSilence.install();
      System.out.println("before");
      thread.setContextClassLoader(loud.getClass().getClassLoader());
      loud.getClass().getMethod("speak", String.class).invoke(loud, "pw-canary-7");
      thread.setContextClassLoader(before);
      System.err.println("after");
      root.info("Heard.");

      assertThat(printed.toString(StandardCharsets.UTF_8).lines())
          .contains("before", "after")
          .noneMatch(line -> line.contains("pw-canary-7"));
      assertThat(logged.list)
          .extracting(ILoggingEvent::getFormattedMessage)
          .contains("Heard.")
          .noneMatch(message -> message.contains("pw-canary-7"));
    } finally {
      thread.setContextClassLoader(before);
      System.setOut(out);
      System.setErr(err);
      root.detachAppender(logged);
      SLF4JBridgeHandler.uninstall();
      Thread.setDefaultUncaughtExceptionHandler(null);
    }
  }

  @Test
  void theBundledDriversAreTheOnesThatTheCatalogueNames() throws Exception {
    for (Driver driver :
        DriverCatalogue.load(Path.of("config/drivers"), folder).all().stream()
            .filter(d -> d.jar() != null && d.jar().bundled())
            // What this product speaks by itself has its own version.
            .filter(d -> !d.jar().artifact().startsWith("io.sluice:"))
            .toList()) {
      String[] coordinates = driver.jar().artifact().split(":", -1);
      assertThat(
              Class.forName(driver.driverClass())
                  .getProtectionDomain()
                  .getCodeSource()
                  .getLocation()
                  .getPath())
          .as(driver.id())
          .endsWith("/" + coordinates[1] + "-" + coordinates[2] + ".jar");
    }
  }
}
