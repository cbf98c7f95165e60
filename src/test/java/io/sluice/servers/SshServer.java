package io.sluice.servers;

import io.sluice.servers.SshServer.Setup.Outdated;
import io.sluice.servers.SshServer.Setup.Vice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.KeyPair;
import java.security.PublicKey;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.kex.BuiltinDHFactories;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.net.SshdSocketAddress;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.ServerBuilder;
import org.apache.sshd.server.auth.AsyncAuthException;
import org.apache.sshd.server.auth.UserAuthNoneFactory;
import org.apache.sshd.server.forward.ForwardingFilter;
import org.apache.sshd.server.forward.TcpForwardingFilter;
import org.apache.sshd.server.session.ServerSession;
import org.apache.sshd.server.shell.ProcessShellCommandFactory;

/**
 * An SSH bastion inside the test JVM, that says what its clients did: who tried to log in, where
 * they asked to be forwarded to, which commands they ran.
 */
public final class SshServer implements AutoCloseable {
  /** What a server is to be, before it starts. */
  public static final class Setup {
    private final Map<String, String> passwords = new HashMap<>();
    private final Map<String, PublicKey> keys = new HashMap<>();
    private SshKey hostKey;
    private boolean forwarding = true;
    private boolean commands;
    private int port;
    private String banner;
    private Outdated outdated;
    private Vice vice;
    private final List<KeyPair> furtherHostKeys = new ArrayList<>();
    private Consumer<String> watcher = event -> {};

    private Setup() {}

    public Setup user(String name, String password) {
      passwords.put(name, password);
      return this;
    }

    public Setup user(String name, SshKey key) {
      keys.put(name, key.keyPair().getPublic());
      return this;
    }

    /** Without it the server has an Ed25519 key of its own. */
    public Setup hostKey(SshKey key) {
      hostKey = key;
      return this;
    }

    /** Refuses every forwarding, as {@code AllowTcpForwarding no} does. */
    public Setup refuseForwarding() {
      forwarding = false;
      return this;
    }

    /** Runs what clients send as commands of this machine. */
    public Setup commands() {
      commands = true;
      return this;
    }

    /** Listens where an earlier server did, to be the same bastion with another host key. */
    public Setup port(int value) {
      port = value;
      return this;
    }

    /** A further host key, of another type. */
    public Setup alsoHostKey(SshKey key) {
      furtherHostKeys.add(key.keyPair());
      return this;
    }

    /** Something that a server of today no longer offers. */
    public enum Outdated {
      KEY_EXCHANGE,
      HOST_KEY,
      CIPHER,
      MAC
    }

    /** Offers only what is outdated in this respect. */
    public Setup outdated(Outdated respect) {
      outdated = respect;
      return this;
    }

    /** How it misbehaves when it has said who it is. */
    public enum Vice {
      /** Never answers a password. */
      MUTE_LOGIN,
      /** Lets everybody in. */
      OPEN_TO_ALL,
      /** Exchanges keys over and over, once a user is in. */
      ENDLESS_KEY_EXCHANGE,
      /** Asks the client for a forwarding and for its agent, once a user is in. */
      ASKS_BACK,
      /** Hangs up where it should connect to the database. */
      DIES_AT_FORWARD
    }

    public Setup vice(Vice which) {
      vice = which;
      return this;
    }

    /** Text that is sent before authentication. */
    public Setup banner(String text) {
      banner = text;
      return this;
    }

    /**
     * Told before the server answers: {@code login <user>}, {@code forward <user>}. What it does to
     * the connection meanwhile is in time for the answer.
     */
    public Setup watcher(Consumer<String> value) {
      watcher = value;
      return this;
    }

    public SshServer start() {
      return new SshServer(this);
    }
  }

  private final org.apache.sshd.server.SshServer server;
  private final Setup setup;
  private final SshKey hostKey;
  private final List<String> logins = new CopyOnWriteArrayList<>();
  private final List<String> forwards = new CopyOnWriteArrayList<>();
  private final List<String> commands = new CopyOnWriteArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();

  private SshServer(Setup setup) {
    this.setup = setup;
    hostKey = setup.hostKey == null ? SshKey.ed25519() : setup.hostKey;
    server = org.apache.sshd.server.SshServer.setUpDefaultServer();
    server.setHost(Scratch.LOOPBACK);
    server.setPort(setup.port);
    List<KeyPair> hostKeys = new ArrayList<>(setup.furtherHostKeys);
    hostKeys.add(hostKey.keyPair());
    server.setKeyPairProvider(KeyPairProvider.wrap(hostKeys));
    if (setup.outdated != null) {
      offerOutdated(setup.outdated);
    }
    if (setup.vice == Vice.OPEN_TO_ALL) {
      server.setUserAuthFactories(List.of(UserAuthNoneFactory.INSTANCE));
    }
    if (setup.banner != null) {
      CoreModuleProperties.WELCOME_BANNER.set(server, setup.banner);
    }
    server.setPasswordAuthenticator((user, password, session) -> login(user, password));
    server.setPublickeyAuthenticator((user, key, session) -> login(user, key));
    server.setForwardingFilter(ForwardingFilter.asForwardingFilter(null, null, new Forwarding()));
    if (setup.commands) {
      server.setCommandFactory(
          (channel, command) -> {
            commands.add(command);
            return ProcessShellCommandFactory.INSTANCE.createCommand(channel, command);
          });
    }
    server.addSessionListener(
        new SessionListener() {
          @Override
          public void sessionCreated(Session session) {
            connections.incrementAndGet();
          }

          @Override
          public void sessionEvent(Session session, Event event) {
            if (event == Event.Authenticated
                && (setup.vice == Vice.ENDLESS_KEY_EXCHANGE || setup.vice == Vice.ASKS_BACK)) {
              misbehave((ServerSession) session);
            }
          }
        });
    try {
      server.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Setup setup() {
    return new Setup();
  }

  private void offerOutdated(Outdated respect) {
    switch (respect) {
      case KEY_EXCHANGE ->
          server.setKeyExchangeFactories(
              NamedFactory.setUpTransformedFactories(
                  true,
                  List.of(BuiltinDHFactories.resolveFactory("diffie-hellman-group1-sha1")),
                  ServerBuilder.DH2KEX));
      case HOST_KEY -> server.setSignatureFactories(List.of(BuiltinSignatures.rsa));
      case CIPHER -> server.setCipherFactories(List.of(BuiltinCiphers.aes128cbc));
      case MAC -> {
        server.setCipherFactories(List.of(BuiltinCiphers.aes128ctr));
        server.setMacFactories(List.of(BuiltinMacs.resolveFactory("hmac-md5")));
      }
    }
  }

  private void misbehave(ServerSession session) {
    Thread thread =
        new Thread(
            () -> {
              try {
                while (session.isOpen()) {
                  if (setup.vice == Vice.ENDLESS_KEY_EXCHANGE) {
                    session.reExchangeKeys().verify();
                  } else {
                    askBack(session);
                    return;
                  }
                }
              } catch (IOException | RuntimeException e) {
                // The client has gone.
              }
            },
            "ssh-vice");
    thread.setDaemon(true);
    thread.start();
  }

  private void askBack(ServerSession session) throws IOException {
    Buffer request = session.createBuffer(SshConstants.SSH_MSG_GLOBAL_REQUEST);
    request.putString("tcpip-forward");
    request.putBoolean(true);
    request.putString("127.0.0.1");
    request.putUInt(0);
    Buffer answer = session.request("tcpip-forward", request, Duration.ofSeconds(2));
    forwards.add("tcpip-forward " + (answer == null ? "refused" : "granted"));
    for (String type : List.of("auth-agent@openssh.com", "x11", "forwarded-tcpip")) {
      Buffer open = session.createBuffer(SshConstants.SSH_MSG_CHANNEL_OPEN);
      open.putString(type);
      open.putUInt(77);
      open.putUInt(1024);
      open.putUInt(1024);
      session.writePacket(open);
    }
  }

  private boolean login(String user, String password) {
    if (setup.vice == Vice.MUTE_LOGIN) {
      throw new AsyncAuthException();
    }
    setup.watcher.accept("login " + user);
    boolean accepted = password.equals(setup.passwords.get(user));
    logins.add("password " + user + (accepted ? " accepted" : " refused"));
    return accepted;
  }

  /** Called twice for one login: when the key is offered, and when its signature has come. */
  private boolean login(String user, PublicKey key) {
    boolean accepted = KeyUtils.compareKeys(key, setup.keys.get(user));
    logins.add("publickey " + user + (accepted ? " accepted" : " refused"));
    return accepted;
  }

  private final class Forwarding implements TcpForwardingFilter {
    @Override
    public boolean canListen(SshdSocketAddress address, Session session) {
      forwards.add("listen " + address.getHostName() + ":" + address.getPort());
      return false;
    }

    @Override
    public boolean canConnect(Type type, SshdSocketAddress address, Session session) {
      forwards.add(address.getHostName() + ":" + address.getPort());
      if (setup.vice == Vice.DIES_AT_FORWARD) {
        session.close(true);
      }
      setup.watcher.accept("forward " + session.getUsername());
      return setup.forwarding;
    }
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return server.getPort();
  }

  public SshKey hostKey() {
    return hostKey;
  }

  /** Every attempt so far, {@code method user accepted|refused}. */
  public List<String> logins() {
    return List.copyOf(logins);
  }

  /** Every {@code host:port} that a client asked for, granted or not. */
  public List<String> forwards() {
    return List.copyOf(forwards);
  }

  /** Every command so far; empty unless the server runs commands. */
  public List<String> commands() {
    return List.copyOf(commands);
  }

  /** How many connections were accepted so far. */
  public int connections() {
    return connections.get();
  }

  /** How many sessions are open now. */
  public int open() {
    return server.getActiveSessions().size();
  }

  @Override
  public void close() {
    try {
      server.stop(true);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
