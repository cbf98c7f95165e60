package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.model.Secret;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.security.KeyPair;
import java.security.PublicKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.sshd.client.ClientBuilder;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.auth.keyboard.UserAuthKeyboardInteractiveFactory;
import org.apache.sshd.client.auth.password.PasswordIdentityProvider;
import org.apache.sshd.client.auth.password.UserAuthPasswordFactory;
import org.apache.sshd.client.auth.pubkey.UserAuthPublicKeyFactory;
import org.apache.sshd.client.channel.ChannelDirectTcpip;
import org.apache.sshd.client.config.hosts.HostConfigEntry;
import org.apache.sshd.client.config.hosts.HostConfigEntryResolver;
import org.apache.sshd.client.future.AuthFuture;
import org.apache.sshd.client.future.ConnectFuture;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.client.session.ClientSession.ClientSessionEvent;
import org.apache.sshd.common.AttributeRepository;
import org.apache.sshd.common.AttributeRepository.AttributeKey;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.OptionalFeature;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.channel.exception.SshChannelOpenException;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.compression.BuiltinCompressions;
import org.apache.sshd.common.config.keys.FilePasswordProvider;
import org.apache.sshd.common.kex.BuiltinDHFactories;
import org.apache.sshd.common.keyprovider.KeyIdentityProvider;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.util.net.SshdSocketAddress;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.forward.RejectAllForwardingFilter;

/**
 * The SSH hop (RFC 4251 to 4254): connects to a bastion, compares its host key with the approved
 * one, logs in, and opens a direct-tcpip channel to the database.
 *
 * <p>Everything is explicit: no configuration file, no identity file, no agent, no known_hosts of
 * this machine, no forwarding from the bastion back, and modern algorithms only. The channel stands
 * behind the driver's socket; no local port is opened.
 */
final class Bastions implements AutoCloseable {
  private static final AttributeKey<HostKeyCheck> CHECK = new AttributeKey<>();

  private final boolean strict;
  private SshClient client;

  Bastions(boolean strict) {
    this.strict = strict;
  }

  /** What the key exchange showed of the bastion's host key. Written by an I/O thread. */
  private static final class HostKeyCheck {
    private final HostKeyPin pin;
    private final boolean strict;
    private volatile PublicKey shown;

    HostKeyCheck(HostKeyPin pin, boolean strict) {
      this.pin = pin;
      this.strict = strict;
    }

    boolean accept(PublicKey key) {
      shown = key;
      return pin == null ? !strict : pin.matches(key);
    }
  }

  private synchronized SshClient client() {
    if (client == null) {
      SshClient fresh = ClientBuilder.builder().build();
      fresh.setHostConfigEntryResolver(HostConfigEntryResolver.EMPTY);
      fresh.setKeyIdentityProvider(KeyIdentityProvider.EMPTY_KEYS_PROVIDER);
      fresh.setPasswordIdentityProvider(PasswordIdentityProvider.EMPTY_PASSWORDS_PROVIDER);
      fresh.setFilePasswordProvider(FilePasswordProvider.EMPTY);
      fresh.setAgentFactory(null);
      fresh.setUserInteraction(null);
      fresh.setForwardingFilter(RejectAllForwardingFilter.INSTANCE);
      fresh.setChannelFactories(List.of());
      fresh.setGlobalRequestHandlers(List.of());
      fresh.setServerKeyVerifier(
          (session, address, key) -> {
            HostKeyCheck check = check(session);
            return check != null && check.accept(key);
          });
      fresh.addSessionListener(
          new SessionListener() {
            @Override
            public void sessionEstablished(Session session) {
              preferPinnedType((ClientSession) session);
            }
          });
      fresh.setKeyExchangeFactories(
          NamedFactory.setUpTransformedFactories(
              true,
              List.of(
                  BuiltinDHFactories.curve25519,
                  BuiltinDHFactories.curve25519_libssh,
                  BuiltinDHFactories.ecdhp521,
                  BuiltinDHFactories.ecdhp384,
                  BuiltinDHFactories.ecdhp256,
                  BuiltinDHFactories.dhg18_512,
                  BuiltinDHFactories.dhg16_512,
                  BuiltinDHFactories.dhg14_256),
              ClientBuilder.DH2KEX));
      fresh.setSignatureFactories(
          new ArrayList<>(
              supported(
                  List.of(
                      BuiltinSignatures.ed25519,
                      BuiltinSignatures.nistp256,
                      BuiltinSignatures.nistp384,
                      BuiltinSignatures.nistp521,
                      BuiltinSignatures.rsaSHA512,
                      BuiltinSignatures.rsaSHA256))));
      fresh.setCipherFactories(
          new ArrayList<>(
              supported(
                  List.of(
                      BuiltinCiphers.cc20p1305_openssh,
                      BuiltinCiphers.aes256gcm,
                      BuiltinCiphers.aes128gcm,
                      BuiltinCiphers.aes256ctr,
                      BuiltinCiphers.aes192ctr,
                      BuiltinCiphers.aes128ctr))));
      fresh.setMacFactories(
          new ArrayList<>(
              supported(
                  List.of(
                      BuiltinMacs.hmacsha256etm,
                      BuiltinMacs.hmacsha512etm,
                      BuiltinMacs.hmacsha256,
                      BuiltinMacs.hmacsha512))));
      fresh.setCompressionFactories(List.of(BuiltinCompressions.none));
      fresh.setUserAuthFactories(
          List.of(
              UserAuthPublicKeyFactory.INSTANCE,
              UserAuthPasswordFactory.INSTANCE,
              UserAuthKeyboardInteractiveFactory.INSTANCE));
      CoreModuleProperties.NIO_WORKERS.set(fresh, 2);
      CoreModuleProperties.CLIENT_IDENTIFICATION.set(fresh, "SLUICE");
      // One password is tried once, whatever the server prompts for.
      CoreModuleProperties.PASSWORD_PROMPTS.set(fresh, 1);
      fresh.start();
      client = fresh;
    }
    return client;
  }

  private static <F extends NamedResource & OptionalFeature> List<F> supported(List<F> factories) {
    return NamedFactory.setUpBuiltinFactories(true, factories);
  }

  private static HostKeyCheck check(ClientSession session) {
    AttributeRepository context = session.getConnectionContext();
    return context == null ? null : context.getAttribute(CHECK);
  }

  /** A server has keys of several types; ask for the type that was approved. */
  private static void preferPinnedType(ClientSession session) {
    HostKeyCheck check = check(session);
    if (check != null && check.pin != null && check.pin.type() != null) {
      String type = check.pin.type();
      Set<String> names =
          type.equals("ssh-rsa") ? Set.of("rsa-sha2-512", "rsa-sha2-256") : Set.of(type);
      session.setSignatureFactories(
          session.getSignatureFactories().stream()
              .filter(factory -> names.contains(factory.getName()))
              .toList());
    }
  }

  /**
   * Takes the steps from the TCP connection to the channel.
   *
   * @param addresses the checked addresses of the bastion
   * @param refused told when the bastion has refused the login
   * @return the channel, as a socket that is connected to the database
   */
  Socket tunnel(TestRun run, List<InetAddress> addresses, Runnable refused)
      throws TestEnded, IOException {
    Connection.Bastion bastion = run.connection().bastion();
    HostKeyCheck check = new HostKeyCheck(pin(bastion).orElse(null), strict);
    ClientSession session = connect(run, bastion, addresses, check);
    exchangeKeys(run, session, check);
    logIn(run, session, bastion, refused);
    return forward(run, session);
  }

  /**
   * The host key that the settings approve; empty when they name none.
   *
   * @throws Refusal when what they name is no host key
   */
  static Optional<HostKeyPin> pin(Connection.Bastion bastion) {
    if (bastion.hostKey() == null || bastion.hostKey().isBlank()) {
      return Optional.empty();
    }
    Optional<HostKeyPin> pin = HostKeyPin.parse(bastion.hostKey());
    if (pin.isEmpty()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, Field.SSH_HOST_KEY.wireName(), HostKeyPin.EXPECTED);
    }
    return pin;
  }

  private ClientSession connect(
      TestRun run, Connection.Bastion bastion, List<InetAddress> addresses, HostKeyCheck check)
      throws TestEnded, IOException {
    run.begin(run.tunneled() ? Name.TCP : Name.SSH_CONNECT);
    AttributeRepository context = AttributeRepository.ofKeyValuePair(CHECK, check);
    int left = addresses.size();
    for (InetAddress address : addresses) {
      Duration share = run.remaining().dividedBy(left--);
      HostConfigEntry entry =
          new HostConfigEntry(
              "", address.getHostAddress(), bastion.port(), bastion.username(), null);
      entry.setIdentitiesOnly(true);
      ConnectFuture connecting = client().connect(entry, context, null);
      try {
        if (!connecting.await(share)) {
          connecting.cancel();
        } else if (connecting.isConnected()) {
          ClientSession session = connecting.getSession();
          run.own(() -> session.close(true));
          if (run.tunneled()) {
            run.pass(null);
            run.begin(Name.SSH_CONNECT);
          }
          return session;
        }
      } catch (IOException e) {
        connecting.cancel();
      }
    }
    throw run.fail(Reason.SSH_UNREACHABLE, Field.SSH_HOST, null);
  }

  private void exchangeKeys(TestRun run, ClientSession session, HostKeyCheck check)
      throws TestEnded, IOException {
    Set<ClientSessionEvent> events =
        session.waitFor(
            EnumSet.of(ClientSessionEvent.WAIT_AUTH, ClientSessionEvent.CLOSED), run.remaining());
    PublicKey shown = check.shown;
    if (shown == null) {
      throw events.contains(ClientSessionEvent.TIMEOUT)
          ? run.fail(Reason.TIMEOUT, Field.SSH_HOST, null)
          : run.fail(Reason.SSH_UNREACHABLE, Field.SSH_HOST, null);
    }
    run.observed(HostKeyPin.knownHostsKey(shown));
    run.pass(null);
    run.begin(Name.SSH_HOSTKEY);
    if (check.pin == null && strict) {
      throw run.fail(
          Reason.SSH_HOST_KEY_UNKNOWN,
          Field.SSH_HOST_KEY,
          "The bastion shows "
              + HostKeyPin.fingerprint(shown)
              + ". Compare it with the server's and send it as sshHostKey.");
    }
    if (check.pin != null && !check.pin.matches(shown)) {
      throw run.fail(Reason.SSH_HOST_KEY_CHANGED, Field.SSH_HOST_KEY, null);
    }
    if (!events.contains(ClientSessionEvent.WAIT_AUTH)) {
      throw run.fail(Reason.SSH_UNREACHABLE, Field.SSH_HOST, null);
    }
    run.pass(HostKeyPin.fingerprint(shown));
  }

  private void logIn(
      TestRun run, ClientSession session, Connection.Bastion bastion, Runnable refused)
      throws TestEnded, IOException {
    run.begin(Name.SSH_AUTH);
    if (bastion.identity() != null) {
      // The password is the key's passphrase here; it is never offered as a password.
      session.addPublicKeyIdentity(identity(run, bastion));
    } else if (bastion.password() != null) {
      session.setPasswordIdentityProvider(offeredOnce(bastion.password()));
    }
    AuthFuture auth = session.auth();
    if (!auth.await(run.remaining())) {
      throw run.fail(Reason.TIMEOUT, Field.SSH_HOST, null);
    }
    if (!auth.isSuccess()) {
      boolean cut = auth.getException() instanceof SshException e && e.getDisconnectCode() == 0;
      if (cut && !session.isOpen()) {
        throw run.fail(Reason.SSH_UNREACHABLE, Field.SSH_HOST, null);
      }
      refused.run();
      throw run.fail(
          Reason.SSH_AUTH_FAILED,
          bastion.identity() != null ? Field.SSH_IDENTITY : Field.SSH_PASSWORD,
          null);
    }
    run.pass(null);
  }

  /**
   * Servers offer a password login as {@code password} and as {@code keyboard-interactive}, and
   * count a refusal for each. The first one that asks gets it.
   */
  private static PasswordIdentityProvider offeredOnce(Secret password) {
    AtomicBoolean offered = new AtomicBoolean();
    return context ->
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
                return password.reveal();
              }
            };
  }

  private static KeyPair identity(TestRun run, Connection.Bastion bastion) throws TestEnded {
    try {
      return PrivateKeyText.keyPair(bastion.identity(), bastion.password());
    } catch (PrivateKeyText.Unusable e) {
      throw run.fail(
          Reason.SSH_AUTH_FAILED,
          e.problem().ofPassphrase() ? Field.SSH_PASSWORD : Field.SSH_IDENTITY,
          e.problem() == PrivateKeyText.Problem.PASSPHRASE_MISSING
              ? e.getMessage() + " Send it as sshPassword."
              : e.getMessage());
    }
  }

  private static Socket forward(TestRun run, ClientSession session) throws TestEnded, IOException {
    run.begin(Name.SSH_FORWARD);
    SshdSocketAddress to = new SshdSocketAddress(run.host().text(), run.connection().port());
    // The originator is for the bastion's log; nothing about this machine is told.
    SshdSocketAddress from = new SshdSocketAddress("127.0.0.1", 0);
    try {
      ChannelDirectTcpip channel = session.createDirectTcpipChannel(from, to);
      channel.open().verify(run.remaining());
      run.pass(null);
      return new ChannelSocket(channel, run.traffic());
    } catch (SshChannelOpenException e) {
      throw run.fail(Reason.SSH_FORWARD_REFUSED, null, null);
    } catch (IOException e) {
      if (e.getCause() instanceof SshChannelOpenException) {
        throw run.fail(Reason.SSH_FORWARD_REFUSED, null, null);
      }
      throw session.isOpen()
          ? run.fail(Reason.TIMEOUT, Field.SSH_HOST, null)
          : run.fail(Reason.SSH_UNREACHABLE, Field.SSH_HOST, null);
    }
  }

  @Override
  public synchronized void close() {
    if (client != null) {
      client.stop();
      client = null;
    }
  }
}
