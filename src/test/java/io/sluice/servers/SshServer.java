package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.PublicKey;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.session.SessionListener;
import org.apache.sshd.common.util.net.SshdSocketAddress;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.forward.ForwardingFilter;
import org.apache.sshd.server.forward.TcpForwardingFilter;
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

    /** Text that is sent before authentication. */
    public Setup banner(String text) {
      banner = text;
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
    server.setKeyPairProvider(KeyPairProvider.wrap(hostKey.keyPair()));
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

  private boolean login(String user, String password) {
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
