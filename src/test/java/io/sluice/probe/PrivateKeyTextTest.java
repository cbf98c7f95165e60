package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.model.Secret;
import io.sluice.model.Settings;
import io.sluice.probe.Prober.Extent;
import io.sluice.servers.MuteServer;
import io.sluice.servers.OpenSshServer;
import io.sluice.servers.SshKey;
import io.sluice.servers.SshServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Keys of senders, in every form in which one is written down, at both kinds of server. */
class PrivateKeyTextTest {
  private static final String PHRASE = "phrase " + UUID.randomUUID();
  private static final Map<String, SshKey> KEYS = new LinkedHashMap<>();

  private static MuteServer database;
  private static SshServer mina;
  private static OpenSshServer openSsh;
  private static Prober prober;

  static {
    KEYS.put("RSA", SshKey.rsa());
    KEYS.put("ECDSA-256", SshKey.ecdsa(256));
    KEYS.put("ECDSA-384", SshKey.ecdsa(384));
    KEYS.put("ECDSA-521", SshKey.ecdsa(521));
    KEYS.put("Ed25519", SshKey.ed25519());
  }

  @BeforeAll
  static void start() {
    database = MuteServer.start();
    SshServer.Setup setup = SshServer.setup();
    OpenSshServer.Setup openSetup = OpenSshServer.setup();
    KEYS.forEach(setup::user);
    KEYS.values().forEach(openSetup::authorize);
    mina = setup.start();
    openSsh = OpenSshServer.installed() ? openSetup.start() : null;
    prober = Probe.prober();
  }

  @AfterAll
  static void stop() {
    prober.close();
    if (openSsh != null) {
      openSsh.close();
    }
    mina.close();
    database.close();
  }

  /** {@code passphrase} is null for a plain text. */
  private record Form(String key, String name, String text, String passphrase) {
    @Override
    public String toString() {
      return key + " " + name + (passphrase == null ? "" : " under a passphrase");
    }
  }

  static List<Form> forms() {
    List<Form> forms = new ArrayList<>();
    KEYS.forEach(
        (name, key) -> {
          forms.add(new Form(name, "OpenSSH", key.privateOpenSsh(), null));
          if (name.equals("Ed25519") || name.equals("ECDSA-384")) {
            // Deriving this cipher's key takes a second, whatever the kind of the key.
            forms.add(new Form(name, "OpenSSH", key.privateOpenSsh(PHRASE), PHRASE));
          }
          forms.add(new Form(name, "PKCS#8", key.privatePkcs8(), null));
          forms.add(new Form(name, "PKCS#8", key.privatePkcs8(PHRASE), PHRASE));
          if (!name.equals("Ed25519")) {
            forms.add(new Form(name, "traditional", key.privateTraditional(), null));
            forms.add(new Form(name, "traditional", key.privateTraditional(PHRASE), PHRASE));
          }
        });
    return forms;
  }

  private static Tested tunnel(int port, String user, String text, String passphrase) {
    return prober.test(
        Probe.target("mariadb", database.host(), database.port())
            .via("127.0.0.1", port, user, passphrase, text, null, true)
            .build(),
        Extent.TUNNEL,
        false);
  }

  @ParameterizedTest
  @MethodSource("forms")
  void aKeyLogsIn(Form form) {
    assertThat(tunnel(mina.port(), form.key(), form.text(), form.passphrase()).report().steps())
        .as("Apache MINA")
        .filteredOn(step -> step.reason() != null)
        .isEmpty();
    if (openSsh != null) {
      assertThat(
              tunnel(openSsh.port(), openSsh.user(), form.text(), form.passphrase())
                  .report()
                  .steps())
          .as("OpenSSH")
          .filteredOn(step -> step.reason() != null)
          .isEmpty();
    }
  }

  static List<Form> encryptedForms() {
    SshKey key = KEYS.get("ECDSA-256");
    return List.of(
        new Form("ECDSA-256", "OpenSSH", key.privateOpenSsh(PHRASE), PHRASE),
        new Form("ECDSA-256", "PKCS#8", key.privatePkcs8(PHRASE), PHRASE),
        new Form("ECDSA-256", "traditional", key.privateTraditional(PHRASE), PHRASE));
  }

  @ParameterizedTest
  @MethodSource("encryptedForms")
  void aWrongOrMissingPassphraseIsTheField(Form form) {
    int logins = mina.logins().size();
    for (String passphrase : new String[] {null, "wrong"}) {
      Tested tested = tunnel(mina.port(), form.key(), form.text(), passphrase);
      assertThat(Probe.steps(tested)).contains("ssh.auth SSH_AUTH_FAILED", "ssh.forward skipped");
      assertThat(Probe.step(tested, Name.SSH_AUTH).field()).isEqualTo("sshPassword");
      assertThat(Probe.step(tested, Name.SSH_AUTH).hint()).contains("passphrase");
    }
    assertThat(mina.logins()).hasSize(logins);
  }

  /** What the tool that everybody uses writes, where it is installed. */
  @ParameterizedTest
  @MethodSource("generated")
  void theKeysOfSshKeygenAreRead(String type, String bits, String format, @TempDir Path directory)
      throws IOException, InterruptedException, PrivateKeyText.Unusable {
    Path file = directory.resolve("key");
    assumeTrue(OpenSshServer.installed(), "ssh-keygen comes with sshd.");
    for (String phrase : type.equals("rsa") ? List.of("", PHRASE) : List.of("")) {
      Files.deleteIfExists(file);
      Process process =
          new ProcessBuilder(
                  "ssh-keygen",
                  "-q",
                  "-t",
                  type,
                  "-b",
                  bits,
                  "-m",
                  format,
                  "-N",
                  phrase,
                  "-f",
                  file.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      assertThat(process.waitFor()).isZero();
      Secret text = Secret.of(Files.readString(file));
      assertThat(
              HostKeyPin.knownHostsKey(
                  PrivateKeyText.keyPair(text, phrase.isEmpty() ? null : Secret.of(phrase))
                      .getPublic()))
          .isEqualTo(String.join(" ", publicWords(file)));
    }
  }

  private static List<String> publicWords(Path file) throws IOException {
    return List.of(Files.readString(file.resolveSibling("key.pub")).split(" ")).subList(0, 2);
  }

  static List<Arguments> generated() {
    List<Arguments> all = new ArrayList<>();
    for (String format : List.of("RFC4716", "PEM", "PKCS8")) {
      for (String[] type :
          new String[][] {
            {"rsa", "2048"},
            {"ecdsa", "256"},
            {"ecdsa", "384"},
            {"ecdsa", "521"},
            {"ed25519", "256"}
          }) {
        all.add(Arguments.of(type[0], type[1], format));
      }
    }
    return all;
  }

  @Test
  void aShortRsaKeyIsRefusedAsAField() {
    SshKey small = SshKey.rsa(1024);
    assertThat(
            KeyMaterial.problems(
                new Settings(
                    Map.of(),
                    Map.of(Field.SSH_IDENTITY, Secret.of(small.privateOpenSsh())),
                    new TreeMap<>())))
        .singleElement()
        .satisfies(
            problem -> {
              assertThat(problem.field()).isEqualTo("sshIdentity");
              assertThat(problem.message()).contains("2048");
            });
    // Encrypted, it shows only when it is used.
    Tested tested = tunnel(mina.port(), "RSA", small.privateOpenSsh(PHRASE), PHRASE);
    assertThat(Probe.step(tested, Name.SSH_AUTH).reason()).isEqualTo(Reason.SSH_AUTH_FAILED);
    assertThat(Probe.step(tested, Name.SSH_AUTH).field()).isEqualTo("sshIdentity");
  }

  @Test
  void aKeyThatWouldTakeTooMuchWorkToDecryptIsRefusedUnread() {
    // Any number can be written into the text; nobody has spent the time that it asks for.
    Secret text = Secret.of(SshKey.ed25519().privatePkcs8(PHRASE, Integer.MAX_VALUE));
    assertThat(
            KeyMaterial.problems(
                new Settings(Map.of(), Map.of(Field.SSH_IDENTITY, text), new TreeMap<>())))
        .singleElement()
        .satisfies(problem -> assertThat(problem.message()).contains("iterations"));
  }
}
