package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Field;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.Secret;
import io.sluice.model.Settings;
import io.sluice.servers.SshKey;
import io.sluice.servers.TestCa;
import io.sluice.servers.TestCa.KeyKind;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KeyMaterialTest {
  private static final String FINGERPRINT = SshKey.ed25519().fingerprint();

  private static List<String> problems(Map<Field, Object> values, Map<Field, Secret> secrets) {
    return KeyMaterial.problems(new Settings(values, secrets, new TreeMap<>())).stream()
        .map(FieldError::field)
        .toList();
  }

  private static List<String> identity(String text) {
    return problems(Map.of(), Map.of(Field.SSH_IDENTITY, Secret.of(text)));
  }

  private static List<String> hostKey(String text) {
    return problems(Map.of(Field.SSH_HOST_KEY, text), Map.of());
  }

  @Test
  void sshKeysAreReadInTheirUsualFormsAndEncryptedOnesNeedNoPassphrase() {
    TestCa.Issued rsa = TestCa.create("CA").request("rsa").key(KeyKind.RSA).client();
    TestCa.Issued ec = TestCa.create("CA").client("ec");
    for (String text :
        List.of(
            SshKey.ed25519().privateOpenSsh(),
            SshKey.ed25519().privateOpenSsh("phrase"),
            SshKey.rsa().privateTraditional(),
            ec.keyTraditionalPem(),
            rsa.keyPem(),
            rsa.keyEncryptedPem("phrase"),
            rsa.keyTraditionalEncryptedPem("phrase"))) {
      assertThat(identity(text)).as(text.lines().findFirst().orElseThrow()).isEmpty();
    }
  }

  @Test
  void whatOnlyLooksLikeAnSshKeyIsRefused() {
    String key = SshKey.ed25519().privateOpenSsh();
    for (String text :
        List.of(
            "/root/.ssh/id_ed25519",
            SshKey.ed25519().publicLine(),
            key.substring(0, key.length() / 2),
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
            TestCa.create("CA").certificatePem())) {
      assertThat(identity(text)).as(text).containsExactly("sshIdentity");
    }
  }

  @Test
  void aHostKeyIsAFingerprintOrAKey() {
    String line = SshKey.rsa().publicLine();
    for (String text : List.of(FINGERPRINT, FINGERPRINT + "=", line, "bastion.example " + line)) {
      assertThat(hostKey(text)).as(text).isEmpty();
    }
    for (String text :
        List.of(
            "zz",
            "SHA256:",
            "SHA256:zz",
            FINGERPRINT + "AAAA",
            "MD5:" + "aa:".repeat(15) + "aa",
            "@cert-authority * " + line,
            line.substring(0, 40))) {
      assertThat(hostKey(text)).as(text).containsExactly("sshHostKey");
    }
  }

  @ParameterizedTest
  @EnumSource(KeyKind.class)
  void aCertificateAndItsKeyAreUsable(KeyKind kind) {
    TestCa ca = TestCa.create("CA", kind);
    TestCa.Issued client = ca.request("client").key(kind).client();
    TestCa.Issued other = ca.request("other").key(kind).client();
    Map<Field, Object> certificate = Map.of(Field.CERTIFICATE, client.certificatePem());

    assertThat(problems(certificate, Map.of(Field.KEYFILE, Secret.of(client.keyPem())))).isEmpty();
    assertThat(problems(certificate, Map.of(Field.KEYFILE, Secret.of(other.keyPem()))))
        .containsExactly("keyfile");
    Secret encrypted = Secret.of(client.keyEncryptedPem("phrase"));
    assertThat(problems(certificate, Map.of(Field.KEYFILE, encrypted)))
        .containsExactly("keyfilePassword");
    assertThat(problems(certificate, opened(encrypted, "phrase"))).isEmpty();
    assertThat(problems(certificate, opened(encrypted, "Phrase")))
        .containsExactly("keyfilePassword");
    assertThat(problems(certificate, opened(Secret.of(client.keyPem()), "not needed"))).isEmpty();
  }

  private static Map<Field, Secret> opened(Secret key, String passphrase) {
    return Map.of(Field.KEYFILE, key, Field.KEYFILE_PASSWORD, Secret.of(passphrase));
  }

  /** The passphrase is right: only the cost is not. */
  @Test
  void aKeyThatIsCostlyToDecryptIsRefused() {
    TestCa.Issued client = TestCa.create("CA").client("client");
    Map<Field, Object> certificate = Map.of(Field.CERTIFICATE, client.certificatePem());
    for (String key :
        List.of(
            client.keyPbkdf2Pem("phrase", 1_000_001), client.keyScryptPem("phrase", 131_072, 8))) {
      assertThat(problems(certificate, opened(Secret.of(key), "phrase")))
          .containsExactly("keyfile");
    }
  }

  @Test
  void aBundleOfAuthoritiesIsReadToItsEnd() {
    String one = TestCa.create("One").certificatePem();
    String two = TestCa.create("Two").certificatePem();

    assertThat(problems(Map.of(Field.SSL_CA, one + two), Map.of())).isEmpty();
    assertThat(problems(Map.of(Field.SSL_CA, one + two.replace("MII", "AAA")), Map.of()))
        .containsExactly("sslCA");
    assertThat(problems(Map.of(Field.SSL_CA, "file:///etc/ssl/ca.pem"), Map.of()))
        .containsExactly("sslCA");
  }
}
