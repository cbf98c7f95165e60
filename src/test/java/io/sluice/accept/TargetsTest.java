package io.sluice.accept;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.canary.CanarySearch;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.OpenSshServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SluiceProcess;
import io.sluice.servers.SshKey;
import io.sluice.servers.SshServer;
import io.sluice.servers.TestCa;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections to real databases, with and without TLS and bastions, as a client asks for them. */
class TargetsTest {
  private static final CanarySearch CANARIES = new CanarySearch();
  private static final String PASSWORD = CANARIES.secret("the database's password").reveal();
  private static final String HOP_PASSWORD = CANARIES.secret("the bastion's password").reveal();
  private static final SshKey HOP_KEY = SshKey.ed25519();
  private static final TestCa CA = TestCa.create("Target CA");
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  private static MariaDbServer maria;
  private static PostgresServer postgres;
  private static SshServer bastion;

  @BeforeAll
  static void start() {
    CANARIES.register("the bastion's key", HOP_KEY.privateOpenSsh());
    maria = MariaDbServer.setup().tls(CA.server("127.0.0.1", "localhost")).start();
    maria.createUser("alice", PASSWORD);
    maria.createDatabase("shop", "alice");
    postgres = PostgresServer.setup().tls(CA.server("127.0.0.1", "localhost")).start();
    postgres.createUser("alice", PASSWORD);
    postgres.createDatabase("shop", "alice");
    bastion = SshServer.setup().user("hop", HOP_PASSWORD).user("key", HOP_KEY).start();
  }

  @AfterAll
  static void stop() {
    bastion.close();
    postgres.close();
    maria.close();
    API.assertNoSecretLeaked(CANARIES);
  }

  private static ObjectNode target(String driver) {
    boolean pg = driver.startsWith("postgre");
    return Api.object(
        Map.of(
            "driver",
            driver,
            "host",
            "127.0.0.1",
            "port",
            pg ? postgres.port() : maria.port(),
            "username",
            "alice",
            "password",
            PASSWORD,
            "database",
            "shop"));
  }

  private static ObjectNode through(ObjectNode document, int port, String user) {
    return document
        .put("ssh", true)
        .put("sshHost", "127.0.0.1")
        .put("sshPort", port)
        .put("sshUsername", user)
        .put("sshTunneling", true);
  }

  private static Answer test(JsonNode document) {
    return API.request("POST", "/datasources/test").admin().json(document).send();
  }

  private static Map<String, String> steps(JsonNode report) {
    return StreamSupport.stream(report.path("steps").spliterator(), false)
        .collect(toMap(s -> s.path("step").asText(), s -> s.path("status").asText()));
  }

  private static void passed(Answer answer) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(answer.json().path("status").asText()).isEqualTo("passed");
  }

  private static void failed(Answer answer, String reason, String step) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(422);
    assertThat(answer.reason()).isEqualTo(reason);
    assertThat(steps(answer.json().path("report"))).containsEntry(step, "failed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgre", "postgres", "postgresql"})
  void eachDriverConnects(String driver) {
    passed(test(target(driver)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void tlsIsVerifiedAgainstTheAuthorityThatWasSent(String driver) {
    Answer trusted = test(target(driver).put("ssl", true).put("sslCA", CA.certificatePem()));
    passed(trusted);
    assertThat(steps(trusted.json())).containsEntry("tls", "passed");

    failed(
        test(
            target(driver)
                .put("ssl", true)
                .put("sslCA", TestCa.create("Another CA").certificatePem())),
        "TLS_UNTRUSTED",
        "tls");
    failed(test(target(driver).put("ssl", true)), "TLS_UNTRUSTED", "tls");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void aTunnelCarriesTheDatabaseAndTlsIsVerifiedThroughIt(String driver) {
    int forwards = bastion.forwards().size();
    Answer answer =
        test(
            through(target(driver), bastion.port(), "hop")
                .put("sshPassword", HOP_PASSWORD)
                .put("ssl", true)
                .put("sslCA", CA.certificatePem()));
    passed(answer);
    assertThat(steps(answer.json()))
        .containsEntry("ssh.hostkey", "passed")
        .containsEntry("ssh.auth", "passed")
        .containsEntry("ssh.forward", "passed")
        .containsEntry("tls", "passed");
    assertThat(bastion.forwards()).hasSizeGreaterThan(forwards);
  }

  @Test
  void aBastionTakesAKey() {
    passed(
        test(
            through(target("mariadb"), bastion.port(), "key")
                .put("sshIdentity", HOP_KEY.privateOpenSsh())));
    String passphrase = CANARIES.secret("a passphrase").reveal();
    passed(
        test(
            through(target("mariadb"), bastion.port(), "key")
                .put("sshIdentity", HOP_KEY.privateOpenSsh(passphrase))
                .put("sshPassword", passphrase)));
    failed(
        test(
            through(target("mariadb"), bastion.port(), "key")
                .put("sshIdentity", SshKey.ed25519().privateOpenSsh())),
        "SSH_AUTH_FAILED",
        "ssh.auth");
  }

  @Test
  void aBastionThatIsNotThereIsTold() {
    failed(
        test(through(target("mariadb"), 1, "hop").put("sshPassword", HOP_PASSWORD)),
        "SSH_UNREACHABLE",
        "tcp");
  }

  @Test
  void theFirstHostKeyIsPinnedAndAnotherOneIsRefused() {
    try (SshServer first = SshServer.setup().user("hop", HOP_PASSWORD).start()) {
      ObjectNode document =
          through(target("mariadb"), first.port(), "hop").put("sshPassword", HOP_PASSWORD);
      String id = API.create(document);
      String pinned = API.get("/datasources/" + id).send().json().path("sshHostKey").asText();
      assertThat(pinned).isEqualTo(first.hostKey().publicLine());

      int port = first.port();
      first.close();
      try (SshServer impostor =
          SshServer.setup()
              .user("hop", HOP_PASSWORD)
              .hostKey(SshKey.ed25519())
              .port(port)
              .start()) {
        String before = API.stored(id);
        failed(API.put(id, document), "SSH_HOST_KEY_CHANGED", "ssh.hostkey");
        assertThat(impostor.logins()).isEmpty();
        assertThat(API.stored(id)).isEqualTo(before);

        Answer approved = API.put(id, document.put("sshHostKey", impostor.hostKey().fingerprint()));
        assertThat(approved.status()).as(approved.body()).isEqualTo(200);
      }
    }
  }

  @Test
  void theTunnelIsTestedAlone() {
    ObjectNode document =
        through(target("mariadb"), bastion.port(), "hop").put("sshPassword", HOP_PASSWORD);
    String id = API.create(document);
    // The database's own login is not looked at.
    ObjectNode wrongLogin = document.deepCopy().put("password", "wrong");
    for (Answer answer :
        List.of(
            API.request("POST", "/datasources/test?only=tunnel").admin().json(wrongLogin).send(),
            API.request("POST", "/datasources/" + id + "/test?only=tunnel").admin().send())) {
      passed(answer);
      assertThat(steps(answer.json()))
          .containsEntry("ssh.forward", "passed")
          .containsEntry("login", "skipped")
          .containsEntry("query", "skipped");
    }
    failed(
        API.request("POST", "/datasources/test?only=tunnel")
            .admin()
            .json(document.deepCopy().put("sshPassword", "wrong"))
            .send(),
        "SSH_AUTH_FAILED",
        "ssh.auth");
  }

  @Test
  void aChainOfBastionsIsTestedPinnedAndKept() {
    try (SshServer outer = SshServer.setup().user("hop", HOP_PASSWORD).start();
        SshServer middle = SshServer.setup().user("second", HOP_PASSWORD).start()) {
      String id = API.create(target("mariadb"));
      ObjectNode document =
          through(target("mariadb"), bastion.port(), "hop").put("sshPassword", HOP_PASSWORD);
      String second = "second@127.0.0.1:" + middle.port();
      document.putArray("sshJump").add("127.0.0.1:" + outer.port()).add(second);

      Answer answer = API.put(id, document);

      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      assertThat(outer.forwards()).containsExactly("127.0.0.1:" + middle.port());
      assertThat(middle.forwards()).containsExactly("127.0.0.1:" + bastion.port());
      assertThat(answer.json().path("sshJump"))
          .extracting(JsonNode::asText)
          .containsExactly(
              "127.0.0.1:" + outer.port() + " " + outer.hostKey().publicLine(),
              second + " " + middle.hostKey().publicLine());

      document.putArray("sshJump").add("127.0.0.1:" + outer.port()).add("second@127.0.0.1:x");
      Answer wrong = API.put(id, document);
      assertThat(wrong.status()).isEqualTo(422);
      assertThat(wrong.json().at("/errors/0/field").asText()).isEqualTo("sshJump[1]");
      assertThat(wrong.json().path("message").asText()).startsWith("sshJump[1] must be");

      document
          .putArray("sshJump")
          .add("127.0.0.1:" + outer.port())
          .add(second + " ssh-ed25519 AAAA");
      assertThat(API.put(id, document).json().at("/errors/0/field").asText())
          .isEqualTo("sshJump[1]");

      document
          .putArray("sshJump")
          .add("127.0.0.1:" + outer.port())
          .add(second + " " + SshKey.ed25519().fingerprint());
      Answer changed = API.put(id, document);
      failed(changed, "SSH_HOST_KEY_CHANGED", "ssh.hostkey");
      assertThat(changed.body()).contains("Hop 2 of 3, " + second, middle.hostKey().fingerprint());
    }
  }

  /** A place for a host name in a document; what is there stands as DEST in what is compared. */
  private static Stream<Named<UnaryOperator<ObjectNode>>> places() {
    return Stream.of(
        Named.of("host", d -> d.put("host", "DEST")),
        Named.of(
            "sshHost",
            d -> through(d, 22, "hop").put("sshPassword", HOP_PASSWORD).put("sshHost", "DEST")),
        Named.of(
            "first of sshJump",
            d -> {
              through(d, bastion.port(), "hop").put("sshPassword", HOP_PASSWORD);
              d.putArray("sshJump").add("DEST");
              return d;
            }),
        Named.of(
            "second of sshJump",
            d -> {
              through(d, bastion.port(), "hop").put("sshPassword", HOP_PASSWORD);
              d.putArray("sshJump").add("127.0.0.1:" + bastion.port()).add("DEST");
              return d;
            }),
        Named.of(
            "sshHost behind sshJump",
            d -> {
              through(d, 22, "hop").put("sshPassword", HOP_PASSWORD).put("sshHost", "DEST");
              d.putArray("sshJump").add("127.0.0.1:" + bastion.port());
              return d;
            }),
        Named.of(
            "host behind sshHost",
            d ->
                through(d, bastion.port(), "hop")
                    .put("sshPassword", HOP_PASSWORD)
                    .put("host", "DEST")));
  }

  /** An answer without what no two answers have in common. */
  private static String seen(String body, String destination) {
    return body.replace(destination, "DEST")
        .replaceAll("\"durationMs\":[0-9]+", "\"durationMs\":0")
        .replaceAll("\"(testedAt|at|request_id|update_id)\":\"[^\"]*\"", "\"$1\":\"\"");
  }

  private static ObjectNode at(UnaryOperator<ObjectNode> place, String destination) {
    try {
      return (ObjectNode)
          Api.JSON.readTree(place.apply(target("mariadb")).toString().replace("DEST", destination));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  @ParameterizedTest
  @MethodSource("places")
  void aDestinationThatThePolicyRefusesReadsAsANameThatNobodyKnows(
      UnaryOperator<ObjectNode> place) {
    String refused = "169.254.169.254";
    String unknown = "nowhere.invalid";
    String id = API.create(target("mariadb"));
    String writer = API.token("datasources:write", "datasources:read", "datasources:test");
    List<String> seen = new ArrayList<>();
    for (String destination : List.of(unknown, refused)) {
      ObjectNode document = at(place, destination);
      Answer tried = API.request("POST", "/datasources/test").token(writer).json(document).send();
      Answer put = API.request("PUT", "/datasources/" + id).token(writer).json(document).send();
      assertThat(put.status()).as(put.body()).isEqualTo(422);
      String history =
          API.request("GET", "/datasources/" + id + "/history?_limit=1")
              .token(writer)
              .send()
              .body();
      seen.add(seen(tried.body() + "\n" + put.body() + "\n" + history, destination));
    }
    assertThat(seen.get(1)).isEqualTo(seen.get(0)).doesNotContain("POLICY", "policy refuses");
    assertThat(
            API.request("POST", "/datasources/test")
                .admin()
                .json(at(place, refused))
                .send()
                .reason())
        .isEqualTo("POLICY_DENIED");
  }

  @Test
  void withoutABastionThereIsNoTunnelToTest() {
    String id = API.create(target("mariadb"));
    for (Answer answer :
        List.of(
            API.request("POST", "/datasources/test?only=tunnel")
                .admin()
                .json(target("mariadb"))
                .send(),
            API.request("POST", "/datasources/" + id + "/test?only=tunnel").admin().send())) {
      assertThat(answer.status()).as(answer.body()).isEqualTo(422);
      assertThat(answer.json().path("errors").path(0).path("field").asText()).isEqualTo("ssh");
    }
    Answer other = API.request("POST", "/datasources/" + id + "/test?only=dns").admin().send();
    assertThat(other.status()).isEqualTo(422);
    assertThat(other.json().path("errors").path(0).path("field").asText()).isEqualTo("only");
  }

  @Test
  void anOpenSshServerIsABastionToo() {
    assumeTrue(OpenSshServer.installed(), "There is no sshd on this machine.");
    try (OpenSshServer sshd = OpenSshServer.setup().start()) {
      passed(
          test(
              through(target("postgresql"), sshd.port(), sshd.user())
                  .put("sshIdentity", sshd.userKey().privateOpenSsh())
                  .put("sshHostKey", sshd.hostKey().fingerprint())
                  .put("ssl", true)
                  .put("sslCA", CA.certificatePem())));
    }
  }

  @Test
  void aBastionWithoutTunnelIsCheckedAndTheDatabaseIsReachedDirectly() {
    try (SshServer checked = SshServer.setup().user("hop", HOP_PASSWORD).commands().start()) {
      Answer answer =
          test(
              through(target("mariadb"), checked.port(), "hop")
                  .put("sshPassword", HOP_PASSWORD)
                  .put("sshTunneling", false));
      passed(answer);
      assertThat(checked.logins()).isNotEmpty();
    }
  }

  @Test
  void whoMendedAnAccountNeedNotWaitForTheGuard() {
    String id = API.create(target("mariadb"));
    ObjectNode wrong = target("mariadb").put("password", CANARIES.secret("mistyped").reveal());

    assertThat(API.put(id, wrong).reason()).isEqualTo("AUTH_FAILED");
    assertThat(API.put(id, wrong).reason()).isEqualTo("LOCKOUT_GUARD");
    assertThat(
            API.request("PUT", "/datasources/" + id + "?force=true")
                .admin()
                .json(wrong)
                .send()
                .reason())
        .isEqualTo("AUTH_FAILED");
    assertThat(
            API.request("POST", "/datasources/test?force=true").admin().json(wrong).send().reason())
        .isEqualTo("AUTH_FAILED");
  }
}
