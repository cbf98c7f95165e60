package io.sluice.probe;

import static io.sluice.servers.RogueServer.latin;
import static io.sluice.servers.RogueServer.mysql;
import static io.sluice.servers.RogueServer.mysqlGreeting;
import static io.sluice.servers.RogueServer.number;
import static io.sluice.servers.RogueServer.postgres;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import io.sluice.servers.MuteServer;
import io.sluice.servers.RogueServer;
import io.sluice.servers.RogueServer.Client;
import io.sluice.servers.RogueServer.Script;
import io.sluice.servers.TestCa;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that speak the protocol and abuse it get nothing, and cost next to nothing. */
class HostileServerTest {
  private static final String PASSWORD = "pw-of-the-hostile-server-test";
  private static final Duration TOTAL = Duration.ofSeconds(4);
  private static final long MAX_ALLOCATED_BYTES = 32L * 1024 * 1024;
  private static final Duration MAX_PROCESSOR = Duration.ofSeconds(2);
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final TestCa.Issued IDENTITY = Targets.CA.server(Targets.HOST);
  private static final List<String> MYSQL_DRIVERS = List.of("mariadb", "mysql");

  private final Prober prober =
      new Prober(Probe.DRIVERS, Probe.LOOPBACK, Probe.impatient(Duration.ofSeconds(1), TOTAL));

  /** For handshakes on a busy machine. */
  private final Prober patient = Probe.prober();

  @AfterEach
  void close() {
    prober.close();
    patient.close();
  }

  private static Probe.Target target(String driver, int port) {
    return Probe.target(driver, Targets.HOST, port).login("alice", PASSWORD).database("shop");
  }

  private Tested test(String driver, int port) {
    return prober.test(target(driver, port).build());
  }

  /** The ids of the threads on which this class's prober works. */
  private static long[] workers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("probe-"))
        .mapToLong(Thread::getId)
        .toArray();
  }

  private static long allocated(long... threads) {
    return Arrays.stream(THREADS.getThreadAllocatedBytes(threads)).filter(n -> n > 0).sum();
  }

  private static long processorNanos(long... threads) {
    return Arrays.stream(threads).map(THREADS::getThreadCpuTime).filter(n -> n > 0).sum();
  }

  // PostgreSQL

  /** The length of a MySQL server's first packet may be any of the letters that PostgreSQL uses. */
  @ParameterizedTest
  @ValueSource(chars = {'R', 'E', 'S'})
  void aMySqlServerIsNoPostgresWhateverTheLengthOfItsGreeting(char length) {
    byte[] greeting = Arrays.copyOf(mysqlGreeting(true), length);
    try (RogueServer server = RogueServer.playing(client -> client.write(mysql(0, greeting)))) {
      for (String driver : List.of("postgresql", "redshift")) {
        for (boolean tls : List.of(false, true)) {
          Probe.Target target = target(driver, server.port());
          Report report =
              patient
                  .test((tls ? target.tls(Targets.CA.certificatePem()) : target).build())
                  .report();
          assertThat(report.reason()).as("%s", report).isEqualTo(Reason.PROTOCOL_MISMATCH);
          assertThat(report.steps())
              .filteredOn(step -> step.reason() != null)
              .extracting(Report.Step::field)
              .containsExactly("driver");
        }
      }
    }
  }

  private static final byte[] OK = postgres('R', number(0));
  private static final byte[] READY = postgres('Z', latin("I"));

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }

  private static byte[] parameter(String name, String value) {
    return postgres('S', latin(name + "\0" + value + "\0"));
  }

  private static void letIn(Client client) throws IOException {
    client.readStartup();
    client.write(
        join(
            OK,
            parameter("server_version", "16.0"),
            parameter("client_encoding", "UTF8"),
            parameter("DateStyle", "ISO, MDY"),
            parameter("integer_datetimes", "on"),
            parameter("standard_conforming_strings", "on"),
            postgres('K', join(number(1), number(2))),
            READY));
  }

  private static void readUntilSync(Client client) throws IOException {
    char type;
    do {
      type = client.readPostgres();
    } while (type != 'S' && type != 'Q');
  }

  private static final byte[] ONE_COLUMN =
      postgres(
          'T',
          join(
              new byte[] {0, 1},
              latin("c\0"),
              number(0),
              new byte[] {0, 0},
              number(23),
              new byte[] {0, 4},
              number(-1),
              new byte[] {0, 0}));
  private static final byte[] PARSED = join(postgres('1', new byte[0]), postgres('2', new byte[0]));

  private static Script endless(byte[] before, byte[] message) {
    byte[] many = new byte[message.length * (8192 / message.length + 1)];
    for (int at = 0; at < many.length; at += message.length) {
      System.arraycopy(message, 0, many, at, message.length);
    }
    return client -> {
      client.readStartup();
      client.write(before);
      while (true) {
        client.write(many);
      }
    };
  }

  private static Script says(byte[]... messages) {
    return client -> {
      client.readStartup();
      client.write(join(messages));
    };
  }

  private static Script answersTheQuery(byte[]... messages) {
    return client -> {
      letIn(client);
      readUntilSync(client);
      client.write(join(messages));
    };
  }

  private static Script scram(String iterations, String signature) {
    return client -> {
      client.readStartup();
      client.write(postgres('R', join(number(10), latin("SCRAM-SHA-256\0\0"))));
      byte[] header = client.read(5);
      String first =
          new String(
              client.read(ByteBuffer.wrap(header).getInt(1) - 4), StandardCharsets.ISO_8859_1);
      Matcher nonce = Pattern.compile("r=(.*)").matcher(first);
      nonce.find();
      client.write(
          postgres(
              'R',
              join(
                  number(11),
                  latin("r=" + nonce.group(1) + "x,s=c2FsdHNhbHRzYWx0,i=" + iterations))));
      client.readPostgres();
      client.write(join(postgres('R', join(number(12), latin("v=" + signature))), OK, READY));
    };
  }

  private static Arguments onPostgres(String name, Reason reason, Script script) {
    return Arguments.of("postgresql", name, reason, script);
  }

  static Stream<Arguments> postgresAttacks() {
    byte[] hidden = join(postgres('D', 100, new byte[] {0, 1}), number(0x7fff_fff0), new byte[120]);
    return Stream.of(
        onPostgres("password in clear", Reason.PROTOCOL_MISMATCH, says(postgres('R', number(3)))),
        onPostgres(
            "password as MD5",
            Reason.PROTOCOL_MISMATCH,
            client -> {
              client.readStartup();
              client.write(postgres('R', join(number(5), number(1234))));
              client.readPostgres();
              client.write(join(OK, READY));
            }),
        onPostgres(
            "SCRAM of two thousand million rounds",
            Reason.PROTOCOL_MISMATCH,
            scram("2147483647", "AAAA")),
        onPostgres(
            "SCRAM without proof of the server's",
            Reason.PROTOCOL_MISMATCH,
            scram("4096", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")),
        onPostgres(
            "an error of two gigabytes",
            Reason.PROTOCOL_MISMATCH,
            client -> {
              client.readStartup();
              client.write(postgres('E', Integer.MAX_VALUE, new byte[0]));
              for (int i = 0; i < 30; i++) {
                client.write(latin("S"));
              }
            }),
        onPostgres(
            "an error of many fields",
            Reason.AUTH_FAILED,
            says(postgres('E', latin("SFATAL\0C28000\0" + "Mx\0".repeat(20_000) + "\0")))),
        onPostgres(
            "a negative length", Reason.PROTOCOL_MISMATCH, says(postgres('E', -1, new byte[64]))),
        onPostgres(
            "notices without end",
            Reason.PROTOCOL_MISMATCH,
            endless(OK, postgres('N', latin("SNOTICE\0C00000\0Mx\0\0")))),
        onPostgres(
            "notices without end after the query",
            Reason.PROTOCOL_MISMATCH,
            client -> {
              letIn(client);
              readUntilSync(client);
              while (true) {
                client.write(postgres('N', latin("SNOTICE\0C00000\0Mx\0\0")));
              }
            }),
        onPostgres(
            "parameters without end", Reason.PROTOCOL_MISMATCH, endless(OK, parameter("x", "y"))),
        onPostgres(
            "mechanisms without end",
            Reason.PROTOCOL_MISMATCH,
            endless(postgres('R', 1_000_000_000, number(10)), latin("SCRAM-SHA-256\0"))),
        onPostgres(
            "a version with a million extensions",
            Reason.PROTOCOL_MISMATCH,
            says(postgres('v', join(number(0x0003_0000), number(1_000_000))), new byte[1_000_000])),
        onPostgres(
            "a row of two gigabytes",
            Reason.PROTOCOL_MISMATCH,
            answersTheQuery(
                PARSED, ONE_COLUMN, postgres('D', join(new byte[] {0, 1}, number(0x7fff_fff0))))),
        onPostgres(
            "a row of two gigabytes in another message",
            Reason.PROTOCOL_MISMATCH,
            answersTheQuery(postgres('1', hidden), PARSED)),
        onPostgres(
            "a row with fewer columns than it says",
            Reason.PROTOCOL_MISMATCH,
            answersTheQuery(
                PARSED, ONE_COLUMN, postgres('D', new byte[] {0x7f, (byte) 0xff, 0, 0, 0, 0}))),
        onPostgres(
            "a table of 32767 columns",
            Reason.PROTOCOL_MISMATCH,
            answersTheQuery(PARSED, postgres('T', new byte[] {0x7f, (byte) 0xff, 0, 0}))),
        onPostgres(
            "a copy of our input",
            Reason.TIMEOUT,
            answersTheQuery(PARSED, postgres('G', new byte[] {0, 0, 0}))));
  }

  // MySQL and MariaDB

  private static final byte[] MYSQL_OK = {0, 0, 0, 2, 0, 0, 0};

  private static byte[] switchTo(String plugin) {
    return latin("\u00fe" + plugin + "\0" + "12345678901234567890\0");
  }

  private static Script greeted(Script rest) {
    return client -> {
      client.write(mysql(0, mysqlGreeting(false)));
      rest.play(client);
    };
  }

  /** Answers the login and then everything else with these, the last one again and again. */
  private static Script answers(byte[]... bodies) {
    return greeted(
        client -> {
          for (int i = 0; true; i++) {
            client.answerMysql(bodies[Math.min(i, bodies.length - 1)]);
          }
        });
  }

  private static Arguments onMysql(String driver, String name, Reason reason, Script script) {
    return Arguments.of(driver, name, reason, script);
  }

  static Stream<Arguments> mysqlAttacks() {
    return MYSQL_DRIVERS.stream()
        .flatMap(
            driver ->
                Stream.concat(
                    Stream.of(
                            "mysql_clear_password",
                            "dialog",
                            "mysql_old_password",
                            "sha256_password",
                            "auth_gssapi_client",
                            "authentication_kerberos_client",
                            "authentication_oci_client",
                            "nobody_knows_this")
                        .map(
                            plugin ->
                                onMysql(
                                    driver,
                                    "login by " + plugin,
                                    Reason.PROTOCOL_MISMATCH,
                                    answers(switchTo(plugin), MYSQL_OK))),
                    Stream.of(
                        onMysql(
                            driver,
                            "the password for a key of the server's",
                            Reason.PROTOCOL_MISMATCH,
                            answers(
                                switchTo("caching_sha2_password"), new byte[] {1, 4}, MYSQL_OK)),
                        onMysql(
                            driver,
                            "packets of 16 MB",
                            Reason.PROTOCOL_MISMATCH,
                            greeted(
                                client -> {
                                  client.readMysql();
                                  byte[] giant = new byte[0xff_ffff];
                                  for (int i = 2; true; i++) {
                                    client.write(mysql(i, giant));
                                  }
                                })),
                        onMysql(
                            driver,
                            "a greeting of 16 MB",
                            Reason.PROTOCOL_MISMATCH,
                            client ->
                                client.write(
                                    join(new byte[] {-1, -1, -1, 0}, mysqlGreeting(false)))),
                        onMysql(
                            driver,
                            "more columns than memory",
                            Reason.PROTOCOL_MISMATCH,
                            answers(MYSQL_OK, new byte[] {-2, -16, -1, -1, 0x7f, 0, 0, 0, 0})),
                        onMysql(
                            driver,
                            "sixteen million columns",
                            Reason.PROTOCOL_MISMATCH,
                            answers(MYSQL_OK, new byte[] {-3, -1, -1, -1})),
                        onMysql(
                            driver,
                            "the oldest protocol",
                            Reason.PROTOCOL_MISMATCH,
                            client -> client.write(mysql(0, latin("\t5.0\0abc\0")))),
                        onMysql(
                            driver,
                            "packets without end",
                            Reason.PROTOCOL_MISMATCH,
                            greeted(
                                client -> {
                                  client.answerMysql(MYSQL_OK);
                                  client.readMysql();
                                  client.write(mysql(1, new byte[] {1}));
                                  byte[] column =
                                      latin("\3def\0\0\0\1c\1c\014\41\0\4\0\0\0\3\0\0\0\0\0");
                                  client.write(mysql(2, column));
                                  client.write(mysql(3, new byte[] {-2, 0, 0, 2, 0}));
                                  for (int i = 4; true; i++) {
                                    client.write(mysql(i, latin("\0011")));
                                  }
                                })))));
  }

  static Stream<Arguments> mariadbAttacks() {
    return Stream.of(
        onMysql(
            "mariadb",
            "session state of two gigabytes",
            Reason.PROTOCOL_MISMATCH,
            answers(
                join(
                    new byte[] {0, 0, 0, 2, 0x40, 0, 0, 0, 12, 0, 10},
                    new byte[] {-2, -16, -1, -1, 0x7f, 0, 0, 0, 0},
                    new byte[1]))),
        onMysql(
            "mariadb",
            "PBKDF2 of a thousand million rounds",
            Reason.PROTOCOL_MISMATCH,
            answers(switchTo("parsec"), join(latin("P"), new byte[] {20}, new byte[18]), MYSQL_OK)),
        onMysql(
            "mariadb",
            "login after login",
            Reason.PROTOCOL_MISMATCH,
            answers(switchTo("mysql_native_password"))));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource({"postgresAttacks", "mysqlAttacks", "mariadbAttacks"})
  void anAttackGetsNothingAndCostsLittle(String driver, String name, Reason reason, Script script) {
    try (RogueServer server = RogueServer.playing(script)) {
      long[] before = workers();
      long allocatedBefore = allocated(before);
      long processorBefore = processorNanos(before);
      long started = System.nanoTime();

      Tested tested = test(driver, server.port());

      assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(TOTAL.plusSeconds(1));
      long[] after = workers();
      assertThat(allocated(after) - allocatedBefore).isLessThan(MAX_ALLOCATED_BYTES);
      assertThat(Duration.ofNanos(processorNanos(after) - processorBefore))
          .isLessThan(MAX_PROCESSOR);
      assertThat(tested.report().reason()).as("%s", tested.report()).isEqualTo(reason);
      assertThat(server.received()).doesNotContain(PASSWORD);
      assertThat(server.connections()).isEqualTo(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void noFileIsHandedOut(String driver, @TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("private"), "content-of-a-private-file");
    byte[] infile = latin("\u00fb" + file);
    for (Script script :
        List.of(answers(infile, infile), answers(MYSQL_OK, infile, infile, infile))) {
      try (RogueServer server = RogueServer.playing(script)) {
        Tested tested = test(driver, server.port());

        assertThat(tested.report().passed()).isFalse();
        assertThat(server.received()).contains("alice").doesNotContain("content-of-a-private");
      }
    }
  }

  /** Nothing tells a server that asks for no proof from one that lets everybody in ("trust"). */
  @Test
  void aServerThatAsksForNothingPasses() {
    Script trusting =
        answersTheQuery(
            PARSED,
            ONE_COLUMN,
            postgres('D', join(new byte[] {0, 1}, number(1), latin("1"))),
            postgres('C', latin("SELECT 1\0")),
            READY);
    try (RogueServer server = RogueServer.playing(trusting)) {
      Tested tested = test("postgresql", server.port());

      assertThat(tested.report().passed()).as("%s", tested.report()).isTrue();
      assertThat(server.received()).doesNotContain(PASSWORD);
    }
  }

  @Test
  void bytesBeforeTheHandshakeAreNotTakenForTheServers() {
    byte[] error = postgres('E', latin("SFATAL\0C28P01\0Mx\0\0"));
    try (RogueServer server =
        RogueServer.playing(
            client -> {
              client.readStartup();
              client.write(join(latin("S"), OK, READY, error));
            })) {
      Tested tested =
          prober.test(target("postgresql", server.port()).tls(Targets.CA.certificatePem()).build());

      assertThat(Probe.step(tested, Name.TLS).status()).isEqualTo(Report.Status.FAILED);
      assertThat(server.received()).doesNotContain("alice");
    }
  }

  @Test
  void framesAreReadInsideOfTlsToo() {
    try (RogueServer server =
        RogueServer.playing(
            client -> {
              client.readStartup();
              client.write(latin("S"));
              client.startTls(IDENTITY);
              answersTheQuery(
                      PARSED,
                      ONE_COLUMN,
                      postgres('D', join(new byte[] {0, 1}, number(0x7fff_fff0))))
                  .play(client);
            })) {
      Tested tested =
          patient.test(
              target("postgresql", server.port()).tls(Targets.CA.certificatePem()).build());

      assertThat(Probe.steps(tested)).contains("tls passed", "query PROTOCOL_MISMATCH");
    }
  }

  private static byte[] redirect(int port) {
    String url = "mariadb://alice:" + PASSWORD + "@127.0.0.1:" + port + "/shop";
    byte[] variable =
        join(new byte[] {12}, latin("redirect_url"), new byte[] {(byte) url.length()}, latin(url));
    byte[] state = join(new byte[] {0, (byte) variable.length}, variable);
    return join(new byte[] {0, 0, 0, 2, 0x40, 0, 0, 0}, new byte[] {(byte) state.length}, state);
  }

  @Test
  void aRedirectIsNotFollowedAndToldOverTlsAndWithout() {
    try (MuteServer elsewhere = MuteServer.start();
        RogueServer secured =
            RogueServer.playing(
                client -> {
                  client.write(mysql(0, mysqlGreeting(true)));
                  client.readMysql();
                  client.startTls(IDENTITY);
                  client.answerMysql(redirect(elsewhere.port()));
                  while (true) {
                    client.answerMysql(MYSQL_OK);
                  }
                });
        RogueServer plain = RogueServer.playing(answers(redirect(elsewhere.port()), MYSQL_OK))) {
      Tested overTls =
          patient.test(target("mariadb", secured.port()).tls(Targets.CA.certificatePem()).build());
      assertThat(Probe.steps(overTls)).contains("tls passed", "login REDIRECT_REFUSED");
      assertThat(Probe.steps(test("mariadb", plain.port()))).contains("login REDIRECT_REFUSED");
      assertThat(elsewhere.connections()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void theServersWordsAreNotRepeated(String driver) {
    String words = "words-of-the-server";
    byte[] error =
        driver.equals("postgresql")
            ? postgres('E', latin("SFATAL\0C28P01\0M" + words + "\0\0"))
            : mysql(0, latin("\u00ff\u0015\u0004#28000" + words));
    try (MuteServer server = MuteServer.greeting(error)) {
      Tested tested = test(driver, server.port());

      assertThat(tested.report().status()).isEqualTo(Report.Status.FAILED);
      assertThat(tested.report().toString()).doesNotContain(words).doesNotContain(PASSWORD);
    }
  }
}
