package io.sluice.probe;

import java.io.IOException;
import java.net.SocketAddress;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.sshd.client.ClientBuilder;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.auth.keyboard.UserAuthKeyboardInteractiveFactory;
import org.apache.sshd.client.auth.password.PasswordIdentityProvider;
import org.apache.sshd.client.auth.password.UserAuthPasswordFactory;
import org.apache.sshd.client.auth.pubkey.UserAuthPublicKeyFactory;
import org.apache.sshd.client.config.hosts.HostConfigEntry;
import org.apache.sshd.client.config.hosts.HostConfigEntryResolver;
import org.apache.sshd.client.future.ConnectFuture;
import org.apache.sshd.client.future.DefaultConnectFuture;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.client.session.ClientSessionImpl;
import org.apache.sshd.client.session.SessionFactory;
import org.apache.sshd.common.AttributeRepository;
import org.apache.sshd.common.AttributeRepository.AttributeKey;
import org.apache.sshd.common.FactoryManager;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.OptionalFeature;
import org.apache.sshd.common.channel.RequestHandler;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.compression.BuiltinCompressions;
import org.apache.sshd.common.config.keys.FilePasswordProvider;
import org.apache.sshd.common.io.IoServiceFactory;
import org.apache.sshd.common.io.IoSession;
import org.apache.sshd.common.io.nio2.Nio2ServiceFactory;
import org.apache.sshd.common.io.nio2.Nio2ServiceFactoryFactory;
import org.apache.sshd.common.kex.BuiltinDHFactories;
import org.apache.sshd.common.kex.KexProposalOption;
import org.apache.sshd.common.keyprovider.KeyIdentityProvider;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.util.net.SshdSocketAddress;
import org.apache.sshd.common.util.threads.ThreadUtils;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.forward.RejectAllForwardingFilter;

/**
 * The SSH client with everything explicit: no configuration file, no identity file, no agent, no
 * known_hosts of this machine, no forwarding from the server back, and modern algorithms only. It
 * connects over TCP, or through the session of the hop before.
 */
final class BastionClient extends SshClient {
  /** In the context of a connection that goes through another session. */
  static final AttributeKey<Via> VIA = new AttributeKey<>();

  /** The originator is for the bastion's log; nothing about this machine is told. */
  static final SshdSocketAddress ORIGINATOR = new SshdSocketAddress("127.0.0.1", 0);

  /** A server behind another one. */
  record Via(ClientSession session, SshdSocketAddress to) {}

  /**
   * The library waits for each connection on a thread of a pool as small as that of its I/O
   * threads: as many bastions that do not answer would hold up all others.
   */
  private static final class OwnThreadPerConnect extends Nio2ServiceFactoryFactory {
    @Override
    public IoServiceFactory create(FactoryManager manager) {
      return new Nio2ServiceFactory(
          manager, null, ThreadUtils.newCachedThreadPool(manager + "-connect"));
    }
  }

  private BastionClient() {
    setSessionFactory(
        new SessionFactory(this) {
          @Override
          protected ClientSessionImpl doCreateSession(IoSession connection) throws Exception {
            return new BastionSession(getClient(), connection);
          }
        });
  }

  /** A client that runs until it is stopped. */
  static BastionClient started() {
    BastionClient client =
        (BastionClient) ClientBuilder.builder().factory(BastionClient::new).build();
    client.setHostConfigEntryResolver(HostConfigEntryResolver.EMPTY);
    client.setKeyIdentityProvider(KeyIdentityProvider.EMPTY_KEYS_PROVIDER);
    client.setPasswordIdentityProvider(PasswordIdentityProvider.EMPTY_PASSWORDS_PROVIDER);
    client.setFilePasswordProvider(FilePasswordProvider.EMPTY);
    client.setAgentFactory(null);
    client.setUserInteraction(null);
    client.setForwardingFilter(RejectAllForwardingFilter.INSTANCE);
    client.setChannelFactories(List.of());
    // Whatever the server asks for, be it a forwarding: no. Keepalives count any answer as one.
    client.setGlobalRequestHandlers(
        List.of(
            (service, request, wantReply, buffer) ->
                wantReply ? RequestHandler.Result.ReplyFailure : RequestHandler.Result.Replied));
    client.setServerKeyVerifier((session, address, key) -> accept(Handshake.of(session), key));
    client.addSessionListener(new Listener());
    algorithms(client);
    client.setUserAuthFactories(
        List.of(
            UserAuthPublicKeyFactory.INSTANCE,
            UserAuthPasswordFactory.INSTANCE,
            UserAuthKeyboardInteractiveFactory.INSTANCE));
    CoreModuleProperties.NIO_WORKERS.set(client, 2);
    client.setIoServiceFactoryFactory(new OwnThreadPerConnect());
    // A server that runs no commands says so instead of leaving the channel open.
    CoreModuleProperties.REQUEST_EXEC_REPLY.set(client, true);
    CoreModuleProperties.CLIENT_IDENTIFICATION.set(client, "SLUICE");
    // One password is tried once, whatever the server prompts for.
    CoreModuleProperties.PASSWORD_PROMPTS.set(client, 1);
    client.start();
    return client;
  }

  private static boolean accept(Handshake handshake, PublicKey key) {
    return handshake != null && handshake.accept(key);
  }

  private static void algorithms(SshClient client) {
    client.setKeyExchangeFactories(
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
    client.setSignatureFactories(
        new ArrayList<>(
            supported(
                List.of(
                    BuiltinSignatures.ed25519,
                    BuiltinSignatures.nistp256,
                    BuiltinSignatures.nistp384,
                    BuiltinSignatures.nistp521,
                    BuiltinSignatures.rsaSHA512,
                    BuiltinSignatures.rsaSHA256))));
    client.setCipherFactories(
        new ArrayList<>(
            supported(
                List.of(
                    BuiltinCiphers.cc20p1305_openssh,
                    BuiltinCiphers.aes256gcm,
                    BuiltinCiphers.aes128gcm,
                    BuiltinCiphers.aes256ctr,
                    BuiltinCiphers.aes192ctr,
                    BuiltinCiphers.aes128ctr))));
    client.setMacFactories(
        new ArrayList<>(
            supported(
                List.of(
                    BuiltinMacs.hmacsha256etm,
                    BuiltinMacs.hmacsha512etm,
                    BuiltinMacs.hmacsha256,
                    BuiltinMacs.hmacsha512))));
    client.setCompressionFactories(List.of(BuiltinCompressions.none));
  }

  private static <F extends NamedResource & OptionalFeature> List<F> supported(List<F> factories) {
    return NamedFactory.setUpBuiltinFactories(true, factories);
  }

  @Override
  protected ConnectFuture doConnect(
      String username,
      SocketAddress targetAddress,
      AttributeRepository context,
      SocketAddress localAddress,
      KeyIdentityProvider identities,
      HostConfigEntry hostConfig)
      throws IOException {
    Via via = context == null ? null : context.getAttribute(VIA);
    if (via == null) {
      return super.doConnect(
          username, targetAddress, context, localAddress, identities, hostConfig);
    }
    ConnectFuture future = new DefaultConnectFuture(via.to(), null);
    HopChannel.open(via.session(), ORIGINATOR, via.to(), getSessionFactory(), context)
        .addListener(
            createConnectCompletionListener(
                future, username, targetAddress, identities, hostConfig));
    return future;
  }

  /** Takes down what a session shows. */
  private static final class Listener implements SessionListener {
    @Override
    public void sessionPeerIdentificationReceived(
        Session session, String version, List<String> extraLines) {
      Handshake handshake = Handshake.of(session);
      if (handshake != null) {
        handshake.identified();
      }
    }

    @Override
    public void sessionNegotiationEnd(
        Session session,
        Map<KexProposalOption, String> clientProposal,
        Map<KexProposalOption, String> serverProposal,
        Map<KexProposalOption, String> negotiatedOptions,
        Throwable reason) {
      Handshake handshake = Handshake.of(session);
      if (handshake != null) {
        handshake.negotiated(reason == null);
      }
    }

    @Override
    public void sessionEvent(Session session, Event event) {
      Handshake handshake = Handshake.of(session);
      if (handshake != null && event == Event.Authenticated) {
        handshake.loggedIn();
      }
    }
  }
}
