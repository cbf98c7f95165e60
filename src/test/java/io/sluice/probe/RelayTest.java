package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.contract.DriversPage;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.servers.DriverJar;
import io.sluice.servers.H2Server;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SshServer;
import io.sluice.servers.TestCa;
import io.sluice.servers.ToxicProxy;
import io.sluice.servers.ToxicProxy.Direction;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A database that a person has added by one file, and drivers that take no hooks. */
class RelayTest {
  private static final TestCa CA = TestCa.create("Relay CA");
  private static final String USER = "ALICE";
  private static final String PASSWORD = "pw-" + UUID.randomUUID();

  @TempDir static Path folder;
  private static H2Server plain;
  private static H2Server secured;
  private static Prober prober;

  @BeforeAll
  static void start() throws IOException {
    plain = H2Server.plain("shop", USER, PASSWORD);
    secured = H2Server.tls("shop", USER, PASSWORD, CA.server("127.0.0.1"));
    DriversPage.writeExample(folder);
    prober = prober(Path.of("target/test-drivers"), ProbeSettings.defaults());
    plain.await();
    secured.await();
  }

  @AfterAll
  static void close() {
    prober.close();
    plain.close();
    secured.close();
  }

  private static Prober prober(Path jars, ProbeSettings settings) throws IOException {
    return new Prober(DriverCatalogue.load(folder, jars), Probe.LOOPBACK, settings);
  }

  private static Probe.Target at(H2Server server) {
    return at(server.port());
  }

  private static Probe.Target at(int port) {
    return Probe.target("h2", "127.0.0.1", port).login(USER, PASSWORD).database("shop");
  }

  @Test
  void aDatabaseThatIsOneFilePassesEveryStep() {
    Tested tested = prober.test(at(plain).build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(tested.report().target()).isEqualTo("h2://127.0.0.1:" + plain.port() + "/shop");
  }

  @Test
  void itsErrorsHaveTheReasonsThatItsFileNames() {
    assertThat(Probe.steps(prober.test(at(plain).login(USER, "wrong").build())))
        .endsWith("login AUTH_FAILED", "database skipped", "query skipped");
    assertThat(Probe.steps(prober.test(at(plain).database("lost").build())))
        .endsWith("login passed", "database DATABASE_NOT_FOUND", "query skipped");
  }

  @Test
  void withoutItsJarItSaysWhichCommandBringsIt() throws IOException {
    try (Prober without = prober(folder.resolve("none"), ProbeSettings.defaults())) {
      Tested tested = without.test(at(plain).build());

      assertThat(tested.report().reason()).isEqualTo(Reason.DRIVER_UNSUPPORTED);
      assertThat(Probe.step(tested, Name.POLICY).hint())
          .contains("mvn -q ")
          .contains("-Dartifact=com.h2database:h2:");
    }
  }

  @Test
  void itsTlsIsVerifiedAlsoThroughABastion() {
    try (SshServer bastion = SshServer.setup().user("hop", "hop").start()) {
      Tested direct = prober.test(at(secured).tls(CA.certificatePem()).build());
      Tested tunneled =
          prober.test(
              at(secured)
                  .tls(CA.certificatePem())
                  .via(bastion.host(), bastion.port(), "hop", "hop", null, null, true)
                  .build());

      assertThat(Probe.steps(direct))
          .endsWith("tcp passed", "tls passed", "login passed", "database passed", "query passed");
      assertThat(Probe.step(direct, Name.TLS).detail()).startsWith("TLSv1.3, certificate valid 36");
      assertThat(Probe.steps(tunneled))
          .endsWith(
              "ssh.forward passed",
              "tls passed",
              "login passed",
              "database passed",
              "query passed");
      assertThat(bastion.forwards()).containsExactly("127.0.0.1:" + secured.port());
    }
  }

  @Test
  void aCertificateThatIsNotTheServersGetsNoLogin() {
    TestCa other = TestCa.create("Other CA");
    try (ToxicProxy recorder = ToxicProxy.to("127.0.0.1", plain.port())) {
      assertThat(prober.test(at(secured).tls(other.certificatePem()).build()).report().reason())
          .isEqualTo(Reason.TLS_UNTRUSTED);
      Tested renamed =
          prober.test(
              Probe.target("h2", "localhost", secured.port())
                  .login(USER, PASSWORD)
                  .database("shop")
                  .tls(CA.certificatePem())
                  .build());
      assertThat(renamed.report().reason()).isEqualTo(Reason.TLS_HOSTNAME_MISMATCH);
      Tested without = prober.test(at(recorder.port()).tls(CA.certificatePem()).build());
      assertThat(without.report().reason()).isEqualTo(Reason.TLS_NOT_OFFERED);
      assertThat(
              new String(recorder.recorded(Direction.TO_SERVER), StandardCharsets.UTF_16BE)
                  + new String(recorder.recorded(Direction.TO_SERVER), StandardCharsets.UTF_8))
          .doesNotContain(USER);
    }
  }

  @Test
  void aServerThatNeverAnswersEndsAtTheDeadlineAndLeavesNothing() throws Exception {
    try (MuteServer mute = MuteServer.start();
        ToxicProxy half =
            ToxicProxy.to("127.0.0.1", plain.port()).muteAfter(Direction.TO_CLIENT, 12);
        Prober impatient =
            prober(
                Path.of("target/test-drivers"),
                Probe.impatient(Duration.ofMillis(600), Duration.ofSeconds(3)))) {
      // The first use loads the driver, which is no part of a test.
      impatient.test(at(plain).build());
      long started = System.nanoTime();
      assertThat(Probe.steps(impatient.test(at(mute.port()).build()))).contains("login TIMEOUT");
      assertThat(Probe.steps(impatient.test(at(mute.port()).tls(CA.certificatePem()).build())))
          .contains("tls TIMEOUT");
      assertThat(Probe.steps(impatient.test(at(half.port()).build()))).contains("login TIMEOUT");
      assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(5));
    }
    Awaitility.await()
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(thread -> thread.getName().startsWith("relay-")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "shop;INIT=RUNSCRIPT FROM 'http://127.0.0.1/x'",
        "shop?x=y",
        "../shop",
        "shop/x",
        "shop%3Bx",
        "{port}",
        "{relay}",
        "a b",
        "shop\n",
        ""
      })
  void noDatabaseNameGetsAMeaningInTheUrl(String name) {
    assertThatThrownBy(() -> prober.test(at(plain).database(name).build()))
        .isInstanceOf(Refusal.class)
        .satisfies(e -> assertThat(((Refusal) e).errors().get(0).field()).isEqualTo("database"));
  }

  /** Writes a catalogue of one driver whose {@code connect} is given, and tests with it. */
  private static Tested withDriver(
      Path at, String tls, String members, String connect, Probe.Target target) throws IOException {
    return withDriver(at, "relay", tls, members, connect, target);
  }

  private static Tested withDriver(
      Path at, String family, String tls, String members, String connect, Probe.Target target)
      throws IOException {
    Files.writeString(
        at.resolve("stray.yaml"),
        """
        id: stray
        title: A driver of a test
        driverClass: Example
        artifact: g:a:1
        bundled: false
        family: %s
        tls: %s
        url: jdbc:test:{port}
        defaultPort: 1
        greeting: '^'
        errors:
          - {sqlState: 'X0001', step: login, reason: TOO_MANY_CONNECTIONS}
        validationQuery: SELECT 1
        verified: unverified
        """
            .formatted(family, tls));
    DriverJar.write(
        at.resolve("stray/stray.jar"), "Example", DriverJar.driver("Example", members, connect));
    try (Prober prober =
        new Prober(
            DriverCatalogue.load(at, at),
            Probe.LOOPBACK,
            Probe.impatient(Duration.ofSeconds(2), Duration.ofSeconds(4)))) {
      return prober.test(target.build());
    }
  }

  private static Probe.Target stray(int port) {
    return Probe.target("stray", "127.0.0.1", port).database(null);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "new java.net.Socket(\"127.0.0.1\", Integer.getInteger(\"sluice.test.elsewhere\"))",
        "new java.net.Socket().connect(new java.net.InetSocketAddress(\"localhost\","
            + " Integer.getInteger(\"sluice.test.elsewhere\")))",
        "new java.net.URL(\"http://127.0.0.1:\" + Integer.getInteger(\"sluice.test.elsewhere\"))"
            + ".openStream()",
        "Thread t = new Thread(() -> { try { new java.net.Socket(\"127.0.0.1\","
            + " Integer.getInteger(\"sluice.test.elsewhere\")); } catch (java.io.IOException e) { }"
            + " }); t.start(); t.join()"
      })
  void aDriverThatWantsToGoElsewhereGetsNowhere(String way, @TempDir Path at) throws Exception {
    try (MuteServer server = MuteServer.start();
        MuteServer elsewhere = MuteServer.start()) {
      System.setProperty("sluice.test.elsewhere", Integer.toString(elsewhere.port()));
      Tested tested =
          withDriver(
              at,
              "none",
              "",
              "try { "
                  + way
                  + "; } catch (Exception e) { throw new SQLException(e); } return null;",
              stray(server.port()));

      assertThat(tested.report().passed()).isFalse();
      if (!way.startsWith("Thread")) {
        assertThat(tested.report().reason()).isEqualTo(Reason.REDIRECT_REFUSED);
      }
      assertThat(elsewhere.connections()).isZero();
    } finally {
      System.clearProperty("sluice.test.elsewhere");
    }
  }

  @Test
  void theRelayTakesOneConnection(@TempDir Path at) throws Exception {
    try (MuteServer server = MuteServer.greeting(new byte[] {1})) {
      Tested tested =
          withDriver(
              at,
              "none",
              "",
              """
              int port = Integer.parseInt(url.substring("jdbc:test:".length()));
              try (java.net.Socket one = new java.net.Socket("127.0.0.1", port)) {
                if (one.getInputStream().read() == 1) {
                  try (java.net.Socket two = new java.net.Socket("127.0.0.1", port)) {
                    if (two.getInputStream().read() < 0) {
                      throw new SQLException("closed at once", "X0001");
                    }
                  }
                }
              } catch (java.io.IOException e) {
                throw new SQLException(e);
              }
              return null;
              """,
              stray(server.port()));

      assertThat(tested.report().reason()).isEqualTo(Reason.TOO_MANY_CONNECTIONS);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @Test
  void aRedirectOfAnOracleListenerDoesNotReachTheDriver(@TempDir Path at) throws Exception {
    // A packet that asks to send again, of eight bytes, then a redirect of ten.
    byte[] answers = {0, 8, 0, 0, 11, 0, 0, 0, 0, 10, 0, 0, 5, 0, 0, 0, 0, 55};
    try (MuteServer server = MuteServer.greeting(answers);
        ToxicProxy sliced =
            ToxicProxy.to("127.0.0.1", server.port())
                .slice(Direction.TO_CLIENT, 3, Duration.ofMillis(5))) {
      Tested tested =
          withDriver(
              at,
              "oracle",
              "none",
              "",
              """
              int port = Integer.parseInt(url.substring("jdbc:test:".length()));
              try (java.net.Socket socket = new java.net.Socket("127.0.0.1", port)) {
                System.setProperty(
                    "sluice.test.read",
                    Integer.toString(socket.getInputStream().readAllBytes().length));
              } catch (java.io.IOException e) {
                throw new SQLException(e);
              }
              throw new SQLException("nothing more to read");
              """,
              stray(sliced.port()));

      assertThat(tested.report().reason()).isEqualTo(Reason.REDIRECT_REFUSED);
      assertThat(System.getProperty("sluice.test.read")).isEqualTo("8");
    } finally {
      System.clearProperty("sluice.test.read");
    }
  }

  @Test
  void whatAnOracleServerSaysOtherwiseArrivesUnchanged(@TempDir Path at) throws Exception {
    // An accept whose rest looks like a redirect.
    byte[] answers = {0, 10, 0, 0, 2, 0, 0, 0, 9, 9, 0, 10, 0, 0, 5, 0, 0, 0, 0, 55};
    try (MuteServer server = MuteServer.greeting(answers)) {
      Tested tested =
          withDriver(
              at,
              "oracle",
              "none",
              "",
              """
              int port = Integer.parseInt(url.substring("jdbc:test:".length()));
              try (java.net.Socket socket = new java.net.Socket("127.0.0.1", port)) {
                System.setProperty(
                    "sluice.test.read",
                    HexFormat.of().formatHex(socket.getInputStream().readNBytes(20)));
              } catch (java.io.IOException e) {
                throw new SQLException(e);
              }
              throw new SQLException("enough", "X0001");
              """,
              stray(server.port()));

      assertThat(tested.report().reason()).isEqualTo(Reason.TOO_MANY_CONNECTIONS);
      assertThat(System.getProperty("sluice.test.read"))
          .isEqualTo(HexFormat.of().formatHex(answers));
    } finally {
      System.clearProperty("sluice.test.read");
    }
  }

  @Test
  void tlsThatCannotBeVerifiedIsRefusedAndNotLeftOut(@TempDir Path at) {
    try (MuteServer server = MuteServer.start()) {
      assertThatThrownBy(
              () ->
                  withDriver(
                      at,
                      "none",
                      "",
                      "return null;",
                      stray(server.port()).tls(CA.certificatePem())))
          .isInstanceOf(Refusal.class)
          .satisfies(e -> assertThat(((Refusal) e).errors().get(0).field()).isEqualTo("ssl"));
      assertThat(server.connections()).isZero();
    }
  }

  @Test
  void anotherUserOfTheMachineIsNotTheDriver() throws Exception {
    Assumptions.assumeTrue(
        Files.isExecutable(Path.of("/usr/bin/setpriv"))
            && "root".equals(System.getProperty("user.name")),
        "Only root can take another user's place.");
    try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        Socket own = new Socket(InetAddress.getLoopbackAddress(), listener.getLocalPort());
        Socket acceptedOwn = listener.accept()) {
      Process other =
          new ProcessBuilder(
                  List.of(
                      "setpriv",
                      "--reuid=65534",
                      "bash",
                      "-c",
                      "exec 3<>/dev/tcp/127.0.0.1/" + listener.getLocalPort() + "; cat <&3"))
              .start();
      try (Socket acceptedOther = listener.accept()) {
        assertThat(LoopbackPeer.isThisUser(acceptedOwn)).isTrue();
        assertThat(LoopbackPeer.isThisUser(acceptedOther)).isFalse();
        assertThat(own.isConnected()).isTrue();
      } finally {
        other.destroyForcibly().waitFor(5, TimeUnit.SECONDS);
      }
    }
  }
}
