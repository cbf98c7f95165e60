package io.sluice.probe;

import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.sshd.client.ClientFactoryManager;
import org.apache.sshd.client.auth.keyboard.UserAuthKeyboardInteractiveFactory;
import org.apache.sshd.client.auth.password.PasswordIdentityProvider;
import org.apache.sshd.client.auth.password.UserAuthPasswordFactory;
import org.apache.sshd.client.auth.pubkey.UserAuthPublicKeyFactory;
import org.apache.sshd.client.future.AuthFuture;
import org.apache.sshd.client.session.ClientSessionImpl;
import org.apache.sshd.common.FactoryManager;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.io.IoSession;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.util.Readable;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;

/** A session that offers a password once, and takes no more bytes than a test can need. */
final class BastionSession extends ClientSessionImpl {
  /** Of one SSH server, all channels together; a test through the tunnel needs some tens of KiB. */
  private static final long MAX_RECEIVED_BYTES = 8L * 1024 * 1024;

  private volatile AuthFuture login;
  private volatile Refusal refusal;

  /**
   * What the server said when it did not let the user in (RFC 4252, section 5.1).
   *
   * @param partial whether it accepted what was offered and wants more
   */
  record Refusal(boolean takesKeys, boolean takesPasswords, boolean partial) {}

  BastionSession(ClientFactoryManager client, IoSession connection) throws Exception {
    super(client, connection);
  }

  @Override
  public void messageReceived(Readable buffer) throws Exception {
    Handshake handshake = Handshake.of(this);
    if (handshake != null && handshake.received(buffer.available()) > MAX_RECEIVED_BYTES) {
      throw new SshException(
          SshConstants.SSH2_DISCONNECT_BY_APPLICATION,
          "The server sends more than a connection test can need.");
    }
    super.messageReceived(buffer);
  }

  /**
   * A server has keys of several types; ask for the type that was approved first. The others stay,
   * as a server that has only those shows a changed key, and not that it speaks no common language.
   */
  @Override
  protected String resolveAvailableSignaturesProposal(FactoryManager manager) {
    Handshake handshake = Handshake.of(this);
    String type = handshake == null || handshake.pin() == null ? null : handshake.pin().type();
    String all = super.resolveAvailableSignaturesProposal(manager);
    if (type == null) {
      return all;
    }
    String first = type.equals(KeyPairProvider.SSH_RSA) ? "rsa-sha2-512,rsa-sha2-256" : type;
    return Stream.concat(Stream.of(first.split(",")), Stream.of(all.split(",")))
        .distinct()
        .collect(Collectors.joining(","));
  }

  /**
   * Servers offer a password login as {@code password} and as {@code keyboard-interactive}, and
   * count a refusal for each. The first one that asks gets it.
   *
   * @param password null: none, which camel-ssh gives where there is none
   */
  @Override
  public void addPasswordIdentity(String password) {
    AtomicBoolean offered = new AtomicBoolean(password == null);
    PasswordIdentityProvider once =
        context ->
            () ->
                new Iterator<>() {
                  @Override
                  public boolean hasNext() {
                    return !offered.get();
                  }

                  @Override
                  public String next() {
                    if (offered.getAndSet(true)) {
                      throw new NoSuchElementException();
                    }
                    return password;
                  }
                };
    setPasswordIdentityProvider(once);
  }

  @Override
  protected void doHandleMessage(Buffer buffer) throws Exception {
    if (buffer.available() > 0
        && (buffer.array()[buffer.rpos()] & 0xff) == SshConstants.SSH_MSG_USERAUTH_FAILURE) {
      Buffer copy = new ByteArrayBuffer(buffer.array(), buffer.rpos() + 1, buffer.available() - 1);
      List<String> methods = List.of(copy.getString().split(",", -1));
      refusal =
          new Refusal(
              methods.contains(UserAuthPublicKeyFactory.NAME),
              methods.contains(UserAuthPasswordFactory.NAME)
                  || methods.contains(UserAuthKeyboardInteractiveFactory.NAME),
              copy.getBoolean());
    }
    super.doHandleMessage(buffer);
  }

  /** The server's last word about the login; null when it said none, or yes at once. */
  Refusal refusal() {
    return refusal;
  }

  @Override
  public AuthFuture auth() throws IOException {
    AuthFuture begun = super.auth();
    login = begun;
    return begun;
  }

  /** How the login goes; null before it has begun. */
  AuthFuture login() {
    return login;
  }
}
