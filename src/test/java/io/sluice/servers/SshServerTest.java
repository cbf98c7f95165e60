package io.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.channel.ChannelDirectTcpip;
import org.apache.sshd.client.config.hosts.HostConfigEntryResolver;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.config.keys.FilePasswordProvider;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.keyprovider.KeyIdentityProvider;
import org.apache.sshd.common.util.net.SshdSocketAddress;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.bouncycastle.openssl.PEMParser;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class SshServerTest {
  private static final Duration LIMIT = Duration.ofSeconds(5);

  private final AtomicReference<String> seen = new AtomicReference<>();
  private SshClient client;

  @BeforeEach
  void startClient() {
    client = SshClient.setUpDefaultClient();
    client.setHostConfigEntryResolver(HostConfigEntryResolver.EMPTY);
    client.setKeyIdentityProvider(KeyIdentityProvider.EMPTY_KEYS_PROVIDER);
    client.setServerKeyVerifier(
        (session, address, key) -> {
          seen.set(KeyUtils.getFingerPrint(key));
          return true;
        });
    client.start();
  }

  @AfterEach
  void stopClient() {
    client.stop();
  }

  @Test
  void a_password_and_a_key_log_in_and_wrong_ones_do_not() throws IOException {
    SshKey hostKey = SshKey.ecdsa();
    SshKey key = SshKey.ed25519();
    try (SshServer server =
        SshServer.setup().hostKey(hostKey).user("tunnel", "right").user("keyed", key).start()) {
      connect(server.host(), server.port(), "tunnel", "right", null).close();
      assertThat(seen).hasValue(hostKey.fingerprint());
      connect(server.host(), server.port(), "keyed", null, key.keyPair()).close();
      assertThatThrownBy(() -> connect(server.host(), server.port(), "tunnel", "wrong", null))
          .isInstanceOf(SshException.class);
      assertThatThrownBy(
              () -> connect(server.host(), server.port(), "keyed", null, SshKey.rsa().keyPair()))
          .isInstanceOf(SshException.class);
      assertThat(server.logins())
          .contains(
              "password tunnel accepted",
              "publickey keyed accepted",
              "password tunnel refused",
              "publickey keyed refused");
    }
  }

  @Test
  void forwarding_is_granted_or_refused_as_set_up() throws IOException {
    try (MuteServer target = MuteServer.greeting("hi".getBytes(StandardCharsets.US_ASCII));
        SshServer open = SshServer.setup().user("tunnel", "right").start();
        SshServer closed = SshServer.setup().user("tunnel", "right").refuseForwarding().start()) {
      assertThat(forwarded(open.host(), open.port(), target)).isEqualTo("hi");
      assertThat(open.forwards()).containsExactly("127.0.0.1:" + target.port());
      assertThatThrownBy(() -> forwarded(closed.host(), closed.port(), target))
          .isInstanceOf(IOException.class);
      assertThat(target.connections()).isEqualTo(1);
    }
  }

  @Test
  void commands_run_when_the_server_allows_them() throws IOException {
    try (SshServer server = SshServer.setup().user("tunnel", "right").commands().start();
        ClientSession session = connect(server.host(), server.port(), "tunnel", "right", null)) {
      assertThat(session.executeRemoteCommand("echo hello")).isEqualToIgnoringNewLines("hello");
      assertThat(server.commands()).containsExactly("echo hello");
    }
  }

  @Test
  void keys_are_written_in_the_forms_that_senders_have() throws Exception {
    SshKey key = SshKey.ed25519();
    for (String text : new String[] {key.privateOpenSsh(), key.privateOpenSsh("secret")}) {
      Iterable<KeyPair> read =
          SecurityUtils.loadKeyPairIdentities(
              null,
              () -> "key",
              new ByteArrayInputStream(text.getBytes(StandardCharsets.US_ASCII)),
              FilePasswordProvider.of("secret"));
      assertThat(KeyUtils.getFingerPrint(read.iterator().next().getPublic()))
          .isEqualTo(key.fingerprint());
    }
    assertThat(SshKey.rsa().privateTraditional()).startsWith("-----BEGIN RSA PRIVATE KEY-----");
    TestCa.Issued issued = TestCa.create("Test CA", TestCa.KeyKind.RSA).client("alice");
    for (String text :
        new String[] {
          issued.keyPem(),
          issued.keyTraditionalPem(),
          issued.keyEncryptedPem("secret"),
          issued.keyTraditionalEncryptedPem("secret")
        }) {
      try (PEMParser parser = new PEMParser(new StringReader(text))) {
        assertThat(parser.readObject()).isNotNull();
      }
    }
  }

  @Test
  void the_debian_server_takes_a_key_and_a_password_and_forwards() throws IOException {
    assumeTrue(OpenSshServer.installed(), "/usr/sbin/sshd is not installed");
    try (OpenSshServer server = OpenSshServer.setup().start();
        MuteServer target = MuteServer.greeting("hi".getBytes(StandardCharsets.US_ASCII))) {
      try (ClientSession session =
          connect(server.host(), server.port(), server.user(), null, server.userKey().keyPair())) {
        assertThat(seen).hasValue(server.hostKey().fingerprint());
        assertThat(greetingThrough(session, target)).isEqualTo("hi");
        assertThat(session.executeRemoteCommand("echo hello")).isEqualToIgnoringNewLines("hello");
      }
      if (server.passwordUser().isPresent()) {
        OpenSshServer.PasswordUser user = server.passwordUser().get();
        connect(server.host(), server.port(), user.name(), user.password(), null).close();
        assertThatThrownBy(() -> connect(server.host(), server.port(), user.name(), "wrong", null))
            .isInstanceOf(SshException.class);
      }
    }
  }

  private String forwarded(String host, int port, MuteServer target) throws IOException {
    try (ClientSession session = connect(host, port, "tunnel", "right", null)) {
      return greetingThrough(session, target);
    }
  }

  private static String greetingThrough(ClientSession session, MuteServer target)
      throws IOException {
    try (ChannelDirectTcpip channel =
        session.createDirectTcpipChannel(
            new SshdSocketAddress("127.0.0.1", 0),
            new SshdSocketAddress(target.host(), target.port()))) {
      channel.open().verify(LIMIT);
      return new String(channel.getInvertedOut().readNBytes(2), StandardCharsets.US_ASCII);
    }
  }

  private ClientSession connect(String host, int port, String user, String password, KeyPair key)
      throws IOException {
    ClientSession session = client.connect(user, host, port).verify(LIMIT).getSession();
    if (password != null) {
      session.addPasswordIdentity(password);
    }
    if (key != null) {
      session.addPublicKeyIdentity(key);
    }
    session.auth().verify(LIMIT);
    return session;
  }
}
