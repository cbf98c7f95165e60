package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.servers.MongoStub;
import io.sluice.servers.MongoStub.Fault;
import io.sluice.servers.MuteServer;
import io.sluice.servers.RogueServer;
import io.sluice.servers.SshServer;
import io.sluice.servers.TestCa;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** MongoDB against an emulated server: what each end of a test looks like. */
class MongoConversationTest {
  private static final MongoStub PLAIN = setup().start();
  private static final MongoStub SECURED = setup().tls(Targets.CA.server("127.0.0.1")).start();
  private static final Duration STEP = Duration.ofMillis(600);
  private static final Duration TOTAL = Duration.ofSeconds(2);

  private final Prober prober = Probe.prober();

  private static MongoStub.Setup setup() {
    return MongoStub.setup()
        .user("admin", Targets.USER, Targets.PASSWORD, "shop")
        .user("staff", "é,=x", "pä/ss,=", "shop");
  }

  private static Probe.Target at(MongoStub server) {
    return at(server.port());
  }

  private static Probe.Target at(int port) {
    return Targets.at("mongodb", "127.0.0.1", port);
  }

  private static String ca() {
    return Targets.CA.certificatePem();
  }

  @AfterEach
  void close() {
    prober.close();
  }

  @AfterAll
  static void stop() {
    PLAIN.close();
    SECURED.close();
  }

  @Test
  void aGoodConnectionPassesEveryStepOverOneSocket() {
    int before = PLAIN.connections();
    int said = PLAIN.commands().size();
    Tested tested = prober.test(at(PLAIN).build());

    assertThat(Probe.steps(tested))
        .containsExactly(
            "policy passed",
            "dns passed",
            "tcp passed",
            "login passed",
            "database passed",
            "query passed");
    assertThat(PLAIN.connections()).isEqualTo(before + 1);
    assertThat(PLAIN.commands().subList(said, PLAIN.commands().size()))
        .containsExactly(
            "hello admin",
            "saslStart admin",
            "saslContinue admin",
            "listCollections shop",
            "ping shop");
    assertThat(tested.report().target()).isEqualTo("mongodb://127.0.0.1:" + PLAIN.port() + "/shop");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mongo", "documentdb"})
  void itsOtherNamesAreTestedTheSameWay(String name) {
    assertThat(
            prober
                .test(Targets.at(name, "127.0.0.1", SECURED.port()).tls(ca()).build())
                .report()
                .passed())
        .isTrue();
  }

  @Test
  void aUserOfAnotherDatabaseLogsInThereWithAnyCharacters() {
    Probe.Target target = at(PLAIN).login("é,=x", "pä/ss,=");

    assertThat(Probe.steps(prober.test(target.build()))).contains("login AUTH_FAILED");
    assertThat(Probe.steps(prober.test(target.option("authSource", "staff").build())))
        .endsWith("login passed", "database passed", "query passed");
  }

  @Test
  void withoutADatabaseTheLoginIsEnough() {
    assertThat(Probe.steps(prober.test(at(PLAIN).database(null).build())))
        .endsWith("login passed", "query passed");
  }

  @ParameterizedTest
  @EnumSource(names = {"SHA_1_ONLY", "OLD_NAMES", "EMPTY_EXCHANGE"})
  void aServerThatDoesItDifferentlyPassesToo(Fault fault) {
    try (MongoStub server = setup().fault(fault).start()) {
      assertThat(prober.test(at(server).build()).report().passed()).isTrue();
      Tested wrong = prober.test(at(server).login(Targets.USER, "wrong").build());
      assertThat(Probe.steps(wrong)).contains("login AUTH_FAILED");
    }
  }

  @Test
  void aMechanismThatTheServerLacksIsNotReplacedByAWeakerOne() {
    try (MongoStub server = setup().fault(Fault.SHA_1_ONLY).start()) {
      Tested tested = prober.test(at(server).option("authMechanism", "SCRAM-SHA-256").build());

      assertThat(Probe.steps(tested)).contains("login PROTOCOL_MISMATCH");
      assertThat(Probe.step(tested, Name.LOGIN).hint()).contains("authMechanism");
    }
  }

  @Test
  void aWrongPasswordFailsTheLoginAndIsTriedOnce() {
    int before = PLAIN.connections();
    Tested tested = prober.test(at(PLAIN).login(Targets.USER, "wrong").build());
    Tested again = prober.test(at(PLAIN).login(Targets.USER, "wrong").build());

    assertThat(Probe.steps(tested))
        .endsWith("login AUTH_FAILED", "database skipped", "query skipped");
    assertThat(Probe.step(tested, Name.LOGIN).hint()).contains("authSource");
    assertThat(again.report().reason()).isEqualTo(Reason.LOCKOUT_GUARD);
    assertThat(PLAIN.connections()).isEqualTo(before + 1);
    assertThat(tested.report().toString()).doesNotContain("words-of-the-server");
  }

  @Test
  void anUnknownUserFailsTheLogin() {
    assertThat(Probe.steps(prober.test(at(PLAIN).login("nobody", "pw").build())))
        .endsWith("login AUTH_FAILED", "database skipped", "query skipped");
  }

  @Test
  void aDatabaseWithoutARightFailsAfterTheLogin() {
    Tested tested = prober.test(at(PLAIN).database("secret").build());

    assertThat(Probe.steps(tested))
        .endsWith("login passed", "database PERMISSION_DENIED", "query skipped");
    assertThat(Probe.step(tested, Name.DATABASE).hint()).contains("spelling");
  }

  @Test
  void withoutALoginOnlyAServerWithoutAccessControlPasses() {
    try (MongoStub open = MongoStub.setup().start()) {
      Tested free = prober.test(at(open).login(null, null).build());
      Tested refused = prober.test(at(PLAIN).login(null, null).database(null).build());

      assertThat(free.report().passed()).isTrue();
      assertThat(open.commands()).noneMatch(command -> command.startsWith("sasl"));
      assertThat(Probe.steps(refused)).contains("login AUTH_FAILED");
      assertThat(Probe.step(refused, Name.LOGIN).field()).isEqualTo("username");
    }
    assertThatThrownBy(() -> prober.test(at(PLAIN).login(Targets.USER, null).build()))
        .isInstanceOf(Refusal.class)
        .satisfies(e -> assertThat(((Refusal) e).errors().get(0).field()).isEqualTo("password"));
    assertThatThrownBy(() -> prober.test(at(PLAIN).login(null, "pw").build()))
        .isInstanceOf(Refusal.class)
        .satisfies(e -> assertThat(((Refusal) e).errors().get(0).field()).isEqualTo("username"));
  }

  @ParameterizedTest
  @CsvSource({"authSource, $external", "authSource, a.b", "authMechanism, PLAIN", "hosts, other"})
  void noOptionMeansMoreThanItSays(String name, String value) {
    assertThatThrownBy(() -> prober.test(at(PLAIN).option(name, value).build()))
        .isInstanceOf(Refusal.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a/b", "a.b", "a b", "$a", "a\n", "a\"b"})
  void aNameThatNoDatabaseCanHaveIsRefused(String name) {
    assertThatThrownBy(() -> prober.test(at(PLAIN).database(name).build()))
        .isInstanceOf(Refusal.class)
        .satisfies(e -> assertThat(((Refusal) e).errors().get(0).field()).isEqualTo("database"));
  }

  @Test
  void aPasswordThatNoUserCanHaveIsNotSent() {
    Tested tested = prober.test(at(PLAIN).login(Targets.USER, "a\u0007b").build());

    assertThat(Probe.steps(tested)).contains("login AUTH_FAILED");
    assertThat(Probe.step(tested, Name.LOGIN).field()).isEqualTo("password");
  }

  @Test
  void tlsIsVerifiedAlsoThroughABastion() {
    try (SshServer bastion = SshServer.setup().user("hop", "hop").start()) {
      Tested direct = prober.test(at(SECURED).tls(ca()).build());
      Tested tunneled =
          prober.test(
              at(SECURED)
                  .tls(ca())
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
      assertThat(bastion.forwards()).containsExactly("127.0.0.1:" + SECURED.port());
    }
  }

  @Test
  void aCertificateThatIsNotTheServersGetsNoCommand() {
    int said = SECURED.commands().size();
    TestCa other = TestCa.create("Other CA");

    assertThat(Probe.steps(prober.test(at(SECURED).tls(other.certificatePem()).build())))
        .contains("tls TLS_UNTRUSTED", "login skipped");
    assertThat(
            prober
                .test(Targets.at("mongodb", "localhost", SECURED.port()).tls(ca()).build())
                .report()
                .reason())
        .isEqualTo(Reason.TLS_HOSTNAME_MISMATCH);
    assertThat(SECURED.commands()).hasSize(said);
  }

  @Test
  void aServerWithoutTlsAndOneWithTlsOnlySaySo() {
    int said = PLAIN.commands().size();
    assertThat(Probe.steps(prober.test(at(PLAIN).tls(ca()).build())))
        .contains("tls TLS_NOT_OFFERED");
    assertThat(PLAIN.commands()).hasSize(said);

    Tested plain = prober.test(at(SECURED).build());
    assertThat(Probe.steps(plain)).contains("login PROTOCOL_MISMATCH");
    assertThat(Probe.step(plain, Name.LOGIN).field()).isEqualTo("ssl");
  }

  @Test
  void aServerThatWantsAClientsCertificateSaysSo() {
    TestCa.Issued own = Targets.CA.server("127.0.0.1");
    TestCa.Issued client = Targets.CA.client("client");
    try (MongoStub server = setup().tls(own).clientCertificates().start()) {
      assertThat(Probe.steps(prober.test(at(server).tls(ca()).build())))
          // The alert is lost where the server closes while the first command is being written.
          .containsAnyOf("tls TLS_CLIENT_CERT_REFUSED", "login UNREACHABLE");
      assertThat(
              prober
                  .test(at(server).tls(ca(), client.certificatePem(), client.keyPem()).build())
                  .report()
                  .passed())
          .isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "WRONG_SIGNATURE, login PROTOCOL_MISMATCH",
    "NO_SIGNATURE, login PROTOCOL_MISMATCH",
    "OTHER_NONCE, login PROTOCOL_MISMATCH",
    "MANY_ITERATIONS, login PROTOCOL_MISMATCH",
    "FEW_ITERATIONS, login PROTOCOL_MISMATCH",
    "GIANT_LENGTH, login PROTOCOL_MISMATCH",
    "NEGATIVE_LENGTH, login PROTOCOL_MISMATCH",
    "OTHER_OPCODE, login PROTOCOL_MISMATCH",
    "OTHER_RESPONSE_TO, login PROTOCOL_MISMATCH",
    "OTHER_DOCUMENT_LENGTH, login PROTOCOL_MISMATCH",
    "DEEP, login PROTOCOL_MISMATCH",
    "FULL, login UNREACHABLE",
    "SHUTTING_DOWN, login UNREACHABLE"
  })
  void aServerThatMisbehavesGetsItsReason(Fault fault, String end) {
    try (MongoStub server = setup().fault(fault).start()) {
      long started = System.nanoTime();
      Tested tested = prober.test(at(server).build());

      assertThat(Probe.steps(tested)).contains(end);
      assertThat(Duration.ofNanos(System.nanoTime() - started)).isLessThan(Duration.ofSeconds(4));
      if (fault == Fault.WRONG_SIGNATURE) {
        assertThat(Probe.step(tested, Name.LOGIN).hint()).contains("proof");
      }
      if (fault == Fault.MANY_ITERATIONS) {
        assertThat(Probe.step(tested, Name.LOGIN).hint()).contains("iterations");
        assertThat(server.commands()).noneMatch(each -> each.startsWith("saslContinue"));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "MUTE_AT_HELLO, login TIMEOUT",
    "MUTE_AT_LOGIN, login TIMEOUT",
    "MUTE_AT_PROOF, login TIMEOUT",
    "MUTE_AT_DATABASE, database TIMEOUT",
    "MUTE_AT_QUERY, query TIMEOUT"
  })
  void aServerThatFallsSilentIsFoundAtItsStep(Fault fault, String end) {
    try (MongoStub server = setup().fault(fault).start();
        Prober impatient =
            new Prober(Probe.DRIVERS, Probe.LOOPBACK, Probe.impatient(STEP, TOTAL))) {
      assertThat(Probe.steps(impatient.test(at(server).build()))).contains(end);
    }
  }

  @Test
  void aServerThatNeverSpeaksEndsAtTheDeadline() {
    try (MuteServer mute = MuteServer.start();
        Prober impatient =
            new Prober(Probe.DRIVERS, Probe.LOOPBACK, Probe.impatient(STEP, TOTAL))) {
      Tested tested = impatient.test(at(mute.port()).build());

      assertThat(Probe.steps(tested)).contains("login TIMEOUT");
      assertThat(Probe.step(tested, Name.LOGIN).hint()).contains("MongoDB");
      assertThat(Probe.steps(impatient.test(at(mute.port()).tls(ca()).build())))
          .contains("tls TIMEOUT");
    }
  }

  @Test
  void anotherProtocolIsNoTimeout() {
    List<byte[]> others =
        List.of(
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
                .getBytes(StandardCharsets.US_ASCII),
            RogueServer.mysql(0, RogueServer.mysqlGreeting(true)),
            RogueServer.postgres('E', RogueServer.latin("SFATAL\0C0A000\0Munsupported\0\0")));
    for (byte[] other : others) {
      try (MuteServer server = MuteServer.greeting(other)) {
        Tested tested = prober.test(at(server.port()).build());
        assertThat(Probe.steps(tested)).contains("login PROTOCOL_MISMATCH");
      }
    }
  }

  @Test
  void theServersOfOtherDatabasesAreNotTakenForIt() {
    assertThat(prober.test(at(Targets.maria().port()).build()).report().reason())
        .isEqualTo(Reason.PROTOCOL_MISMATCH);
    // It closes without a word, which MongoDB itself does when it has no free connection.
    Tested postgres = prober.test(at(Targets.postgres().port()).build());
    assertThat(Probe.steps(postgres)).contains("login UNREACHABLE");
    assertThat(Probe.step(postgres, Name.LOGIN).hint()).contains("is no MongoDB");
  }
}
