package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Step;
import io.sluice.servers.DriverJar;
import io.sluice.servers.MuteServer;
import io.sluice.servers.RogueServer;
import io.sluice.servers.TestCa;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the failures of a driver mean of which nothing is known but its errors. */
class RelayDiagnosisTest {
  private static final TestCa CA = TestCa.create("Relay diagnosis");

  @TempDir static Path folder;
  private static Prober prober;

  /**
   * A driver that does as the user name says: {@code <way> <SQLState> <code>}. It says a byte,
   * takes one or all that comes, and fails.
   */
  @BeforeAll
  static void write() throws IOException {
    for (String id : new String[] {"binary", "web"}) {
      Files.writeString(
          folder.resolve(id + ".yaml"),
          """
          id: %s
          title: A test's database
          driverClass: Example
          artifact: g:a:1
          bundled: false
          family: relay
          tls: implicit
          url: jdbc:test:{port}
          defaultPort: 1
          greeting: '%s'
          errors:
            - {vendorCode: 1045, step: login, reason: AUTH_FAILED}
            - {sqlState: '28', step: login, reason: AUTH_FAILED}
          validationQuery: SELECT 1
          verified: unverified
          """
              .formatted(id, id.equals("web") ? "^48545450" : "^01"));
      DriverJar.write(
          folder.resolve(id).resolve("example.jar"),
          "Example",
          DriverJar.driver(
              "Example",
              "",
              """
              String[] asked = p.getProperty("user").split(" ");
              int code = asked.length > 2 ? Integer.parseInt(asked[2]) : 0;
              int port = Integer.parseInt(url.substring("jdbc:test:".length()));
              if (asked[0].equals("unasked")) {
                throw new SQLException("I do not like this.");
              }
              try (java.net.Socket socket = new java.net.Socket("127.0.0.1", port)) {
                socket.getOutputStream().write(1);
                if (asked[0].equals("timer")) {
                  socket.setSoTimeout(1000);
                  socket.getInputStream().read();
                } else if (asked[0].equals("all")) {
                  socket.getInputStream().readAllBytes();
                  throw new java.io.EOFException();
                } else {
                  socket.getInputStream().read();
                }
              } catch (java.net.SocketTimeoutException e) {
                throw new SQLException("too slow");
              } catch (java.io.IOException e) {
                throw new SQLException("cut", null, e);
              }
              throw new SQLException("no", asked.length > 1 ? asked[1] : null, code);
              """));
    }
    prober =
        new Prober(DriverCatalogue.load(folder, folder), Probe.LOOPBACK, ProbeSettings.defaults());
  }

  @AfterAll
  static void close() {
    prober.close();
  }

  private static Probe.Target target(String driver, int port, String way) {
    return Probe.target(driver, "127.0.0.1", port)
        .login(way, "pw-" + UUID.randomUUID())
        .database(null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one HY000 4711", "one 42000 0", "one 08004 18456", "one"})
  void aRefusalThatNoRuleKnowsIsNoRefusedPasswordAndMayBeTriedAgain(String way) {
    try (MuteServer server = MuteServer.greeting(new byte[] {1})) {
      Probe.Target target = target("binary", server.port(), way);

      for (int time = 0; time < 2; time++) {
        Step login = Probe.step(prober.test(target.build()), Name.LOGIN);
        assertThat(login.reason()).isEqualTo(Reason.PROTOCOL_MISMATCH);
        assertThat(login.hint()).containsPattern("log ?in");
      }
      assertThat(server.connections()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"one HY000 1045", "one 28P01 0"})
  void aRefusalThatARuleKnowsIsTriedOnce(String way) {
    try (MuteServer server = MuteServer.greeting(new byte[] {1})) {
      Probe.Target target = target("binary", server.port(), way);

      assertThat(Probe.steps(prober.test(target.build()))).contains("login AUTH_FAILED");
      assertThat(Probe.steps(prober.test(target.build()))).contains("login LOCKOUT_GUARD");
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "binary, HTTP/1.1 200 OK, login PROTOCOL_MISMATCH",
    "binary, SSH-2.0-OpenSSH_9.2p1, login PROTOCOL_MISMATCH",
    "web, SSH-2.0-OpenSSH_9.2p1, login PROTOCOL_MISMATCH",
    "web, HTTP/1.1 200 OK, login PROTOCOL_MISMATCH",
    "web, HTTP/1.1 401 Unauthorized, login PROTOCOL_MISMATCH",
    "web, HTTP/1.1 502 Bad Gateway, login UNREACHABLE",
    "web, HTTP/1.0 503 Not Now, login UNREACHABLE"
  })
  void whatAnswersInTheDatabasesPlaceIsToldByItsFirstWords(
      String driver, String words, String step) {
    for (boolean tls : new boolean[] {false, true}) {
      try (RogueServer server =
          RogueServer.playing(
              client -> {
                if (tls) {
                  client.startTls(CA.server("127.0.0.1"));
                }
                client.read(1);
                client.write(RogueServer.latin(words + "\r\n\r\nhello"));
                client.close();
              })) {
        Probe.Target target = target(driver, server.port(), "all");

        Tested tested = prober.test(tls ? target.tls(CA.certificatePem()).build() : target.build());

        assertThat(Probe.steps(tested)).as("TLS: " + tls).contains(step);
        if (step.endsWith("UNREACHABLE")) {
          assertThat(Probe.step(tested, Name.LOGIN).hint())
              .contains("HTTP status " + words.substring(9, 12));
        }
      }
    }
  }

  @Test
  void aDriversOwnTimerIsATimeoutAndNoMismatch() {
    try (MuteServer mute = MuteServer.start()) {
      Tested tested = prober.test(target("binary", mute.port(), "timer").build());

      assertThat(Probe.steps(tested)).contains("login TIMEOUT");
      assertThat(Probe.step(tested, Name.LOGIN).hint()).contains("The server sent nothing");
    }
  }

  @Test
  void aDriverThatGivesUpBeforeItAsksIsNotBlamedOnTheServer() {
    try (MuteServer server = MuteServer.greeting(new byte[] {1})) {
      Tested tested = prober.test(target("binary", server.port(), "unasked").build());

      assertThat(Probe.steps(tested)).contains("login DRIVER_UNSUPPORTED");
    }
  }

  @Test
  void noShippedDriverTakesAnotherServersFirstWordsForItsDatabases() {
    for (String words :
        new String[] {"SSH-2.0-OpenSSH", "220 mail.example ESMTP", "HTTP/1.1 200 OK"}) {
      assertThat(Probe.DRIVERS.all())
          .filteredOn(
              driver -> driver.relayed() && !driver.greeting().pattern().contains("48545450"))
          .isNotEmpty()
          .noneMatch(
              driver ->
                  driver
                      .greeting()
                      .matcher(java.util.HexFormat.of().formatHex(RogueServer.latin(words), 0, 15))
                      .lookingAt());
    }
  }
}
