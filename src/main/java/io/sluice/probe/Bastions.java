package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.security.KeyPair;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.apache.camel.CamelContext;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.sshd.client.channel.ChannelDirectTcpip;
import org.apache.sshd.client.config.hosts.HostConfigEntry;
import org.apache.sshd.client.future.AuthFuture;
import org.apache.sshd.client.future.ConnectFuture;
import org.apache.sshd.client.session.ClientSession.ClientSessionEvent;
import org.apache.sshd.common.AttributeRepository;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.channel.exception.SshChannelOpenException;
import org.apache.sshd.common.session.helpers.MissingAttachedSessionException;
import org.apache.sshd.common.util.net.SshdSocketAddress;

/**
 * The SSH hops (RFC 4251 to 4254): connects to one bastion after the other, compares each host key
 * with the approved one, logs in, and opens a direct-tcpip channel to the database, or has the last
 * bastion say whether the database answers there.
 *
 * <p>The session of a hop runs in a channel of the one before, and the channel to the database
 * stands behind the driver's socket; no local port is opened. Each of the four SSH steps covers all
 * hops: it has passed when it has passed at each, and its limit holds for each.
 */
final class Bastions implements AutoCloseable {
  private static final String COMMANDED =
      " A command was tried there before, which the bastion did not run.";

  private final boolean strict;
  private BastionClient client;
  private CamelContext camel;

  Bastions(boolean strict) {
    this.strict = strict;
  }

  /** Starts the client, which takes a moment, before any deadline runs. */
  synchronized void start() {
    if (client == null) {
      client = BastionClient.started();
      camel = new DefaultCamelContext();
    }
  }

  private synchronized BastionClient client() {
    start();
    return client;
  }

  /** What camel-ssh's exchange needs to exist. Never started: nothing of it is used. */
  synchronized CamelContext camel() {
    start();
    return camel;
  }

  /** Runs something later, on a thread of the client's. */
  Future<?> later(Duration delay, Runnable task) {
    return client()
        .getScheduledExecutorService()
        .schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /**
   * What is known of logins at hops.
   *
   * @param attempts one at a time for each login that no hop has let in yet
   * @param forced whether a login is tried that a hop has refused lately
   */
  record Logins(LockoutGuard guard, Turnstile attempts, boolean forced) {}

  /**
   * One way through bastions, for one test.
   *
   * @param hops at least one
   * @param addresses the checked addresses of the first hop
   * @param permitted whether the egress policy lets a later hop be gone to
   * @param onward whether it lets the database be gone to
   * @param logins what is known of the hops' logins
   */
  record Way(
      TestRun run,
      List<Hop> hops,
      List<InetAddress> addresses,
      Predicate<Hop> permitted,
      boolean onward,
      Logins logins) {
    Hop target() {
      return hops.get(hops.size() - 1);
    }

    Connection.Bastion credentials() {
      return run.connection().bastion();
    }
  }

  /**
   * Takes the steps from the TCP connection to the channel.
   *
   * @return the channel, as a socket that is connected to the database
   */
  Socket tunnel(Way way) throws TestEnded, IOException {
    return forward(way, arrive(way, way.hops()), false);
  }

  /** Takes the same steps, and lets the last bastion try the database's port. */
  void probe(Way way) throws TestEnded, IOException {
    if (!way.onward()) {
      forward(way, arrive(way, way.hops()), false).close();
      return;
    }
    BastionSession before = arrive(way, way.hops().subList(0, way.hops().size() - 1));
    if (!new BastionCommand(this, way).passes(before)) {
      // It runs no commands, or has nothing to try a port with: try it over a channel. What the
      // command took counts as the step's.
      way.run().pass(null);
      forward(way, arrive(way, way.hops()), true).close();
    }
  }

  /** Logs in at each of the hops; null where there are none. */
  private BastionSession arrive(Way way, List<Hop> hops) throws TestEnded, IOException {
    BastionSession session = null;
    for (Hop hop : hops) {
      Handshake handshake = handshake(hop, () -> {});
      session = connect(way, hop, session, handshake);
      exchangeKeys(way, hop, session, handshake);
      logIn(way, hop, session);
    }
    return session;
  }

  Handshake handshake(Hop hop, Runnable loggedIn) {
    return new Handshake(hop.pin(), strict, loggedIn);
  }

  /**
   * @param before the session of the hop before; null for the first
   */
  BastionSession connect(Way way, Hop hop, BastionSession before, Handshake handshake)
      throws TestEnded, IOException {
    TestRun run = way.run();
    boolean overTcp = hop.first() && run.tunneled() && run.journal().current() == Name.DNS;
    run.blame(
        () ->
            new TestRun.Blame(
                hop.field(Field.SSH_HOST), hop.hint(Reason.TIMEOUT, handshake.obstacle())));
    run.begin(overTcp ? Name.TCP : Name.SSH_CONNECT);
    if (!hop.first() && !way.permitted().test(hop)) {
      throw run.fail(
          Reason.POLICY_DENIED,
          hop.field(Field.SSH_HOST),
          hop.hint(Reason.POLICY_DENIED, before(hop, way.hops()) + PolicyDisguise.NO_WAY));
    }
    Throwable failure = null;
    boolean silent = false;
    List<InetAddress> addresses =
        hop.first() ? way.addresses() : List.of(InetAddress.getLoopbackAddress());
    int left = addresses.size();
    for (InetAddress address : addresses) {
      Duration share = run.remaining().dividedBy(left--);
      ConnectFuture connecting =
          client().connect(entry(hop, address), context(hop, before, handshake), null);
      try {
        silent = !connecting.await(share);
        if (silent) {
          connecting.cancel();
          failure = null;
        } else if (connecting.isConnected()) {
          BastionSession session = (BastionSession) connecting.getSession();
          run.own(() -> session.close(true));
          if (overTcp) {
            run.pass(null);
            run.begin(Name.SSH_CONNECT);
          }
          return session;
        } else {
          failure = connecting.getException();
        }
      } catch (IOException e) {
        connecting.cancel();
        failure = e;
      }
    }
    if (overTcp && takenBack(failure)) {
      run.pass(null);
      run.begin(Name.SSH_CONNECT);
    }
    throw silent
        ? run.fail(Reason.TIMEOUT, hop.field(Field.SSH_HOST), hop.hint(Reason.TIMEOUT, null))
        : unreachable(run, hop, way.hops(), failure);
  }

  /**
   * Whether there was a connection that the bastion took back before the library had a session on
   * it. A port without a listener refuses; for a reset the JDK has no type, only the words.
   */
  private static boolean takenBack(Throwable failure) {
    SocketException broken = cause(failure, SocketException.class);
    return cause(failure, MissingAttachedSessionException.class) != null
        || (broken != null
            && broken.getMessage() != null
            && broken.getMessage().startsWith("Connection reset"));
  }

  /** Behind a bastion the address is not used: what counts there is the name in {@code VIA}. */
  private static HostConfigEntry entry(Hop hop, InetAddress address) {
    HostConfigEntry entry =
        new HostConfigEntry("", address.getHostAddress(), hop.port(), hop.username(), null);
    entry.setIdentitiesOnly(true);
    return entry;
  }

  private static AttributeRepository context(Hop hop, BastionSession before, Handshake handshake) {
    if (before == null) {
      return AttributeRepository.ofKeyValuePair(Handshake.KEY, handshake);
    }
    SshdSocketAddress to = new SshdSocketAddress(hop.host().text(), hop.port());
    return AttributeRepository.ofAttributesMap(
        Map.of(Handshake.KEY, handshake, BastionClient.VIA, new BastionClient.Via(before, to)));
  }

  private static TestEnded unreachable(TestRun run, Hop hop, List<Hop> hops, Throwable failure) {
    SshChannelOpenException refusal = cause(failure, SshChannelOpenException.class);
    String hint = null;
    Field field = Field.SSH_HOST;
    boolean lasting = false;
    if (refusal != null) {
      Refused why = Refused.of(refusal);
      lasting = why == Refused.PROHIBITED;
      String before = before(hop, hops);
      hint =
          switch (why) {
            case PROHIBITED ->
                before + " forbids forwarding to it (AllowTcpForwarding, PermitOpen).";
            case UNKNOWN_NAME -> before + PolicyDisguise.NO_NAME;
            case NOTHING_LISTENS ->
                "Seen from hop " + (hop.position() - 1) + ", nothing listens there.";
            case OTHER -> before + " does not reach it.";
          };
    } else if (cause(failure, ConnectException.class) != null) {
      hint = "Its host answers, but nothing listens on the port.";
      field = Field.SSH_PORT;
    }
    Failure why =
        new Failure(
            Reason.SSH_UNREACHABLE, hop.field(field), hop.hint(Reason.SSH_UNREACHABLE, hint));
    return run.fail(lasting ? why.lasting() : why);
  }

  private static String before(Hop hop, List<Hop> hops) {
    return "Hop " + (hop.position() - 1) + " (" + hops.get(hop.position() - 2).destination() + ")";
  }

  void exchangeKeys(Way way, Hop hop, BastionSession session, Handshake handshake)
      throws TestEnded {
    TestRun run = way.run();
    Set<ClientSessionEvent> events =
        session.waitFor(
            EnumSet.of(ClientSessionEvent.WAIT_AUTH, ClientSessionEvent.CLOSED), run.remaining());
    if (handshake.shown() == null) {
      Reason reason =
          events.contains(ClientSessionEvent.TIMEOUT) ? Reason.TIMEOUT : Reason.SSH_UNREACHABLE;
      String obstacle = handshake.obstacle();
      Failure why = new Failure(reason, hop.field(Field.SSH_HOST), hop.hint(reason, obstacle));
      throw run.fail(reason == Reason.TIMEOUT || obstacle == null ? why : why.lasting());
    }
    run.observed(hop, HostKeyPin.knownHostsKey(handshake.shown()));
    String fingerprint = HostKeyPin.fingerprint(handshake.shown());
    run.pass(hop.detail(null));
    run.begin(Name.SSH_HOSTKEY);
    Field field = hop.field(Field.SSH_HOST_KEY);
    if (handshake.unapproved()) {
      throw run.fail(
          Reason.SSH_HOST_KEY_UNKNOWN,
          field,
          hop.hint(
              Reason.SSH_HOST_KEY_UNKNOWN,
              "The bastion shows "
                  + fingerprint
                  + ". Compare it with the server's and send it "
                  + approval(hop)));
    }
    if (handshake.pin() != null && !handshake.pin().matches(handshake.shown())) {
      throw run.fail(
          Reason.SSH_HOST_KEY_CHANGED,
          field,
          hop.hint(
              Reason.SSH_HOST_KEY_CHANGED,
              "Approved is "
                  + handshake.pin().shownAs()
                  + ", and the bastion shows "
                  + fingerprint
                  + ". An interception looks like this too: ask whoever runs the bastion. If its"
                  + " key was replaced, approve it: send the one that it shows "
                  + approval(hop)));
    }
    if (!events.contains(ClientSessionEvent.WAIT_AUTH)) {
      throw gone(way, hop);
    }
    run.pass(hop.detail(fingerprint));
  }

  private static String approval(Hop hop) {
    return hop.last() ? "as sshHostKey." : "in sshJump, after the hop and a space.";
  }

  private static void logIn(Way way, Hop hop, BastionSession session)
      throws TestEnded, IOException {
    way.run().begin(Name.SSH_AUTH);
    Connection.Bastion credentials = way.credentials();
    if (credentials.identity() != null) {
      // The password is the key's passphrase here; it is never offered as a password.
      session.addPublicKeyIdentity(identity(way.run(), credentials));
    } else if (credentials.password() != null) {
      session.addPasswordIdentity(credentials.password().reveal());
    }
    Turnstile.Pass attempt = attempt(way, hop);
    try {
      if (!session.isOpen()) {
        throw gone(way, hop);
      }
      AuthFuture login = session.auth();
      boolean done = login.await(way.run().remaining());
      if (!done || !login.isSuccess()) {
        throw notLetIn(way, hop, session);
      }
      way.logins().guard().accepted(hop.login());
    } finally {
      if (attempt != null) {
        attempt.leave();
      }
    }
    way.run().pass(hop.detail(null));
  }

  /**
   * Waits while others try the same login: many data sources may get a new password for their
   * bastion at the same time, and not each of them must find out that it is wrong.
   *
   * @return to be left when the login has ended, after the guard was told; null: nobody needs to
   *     wait, as the bastion has let this login in
   */
  static Turnstile.Pass attempt(Way way, Hop hop) throws TestEnded {
    Logins logins = way.logins();
    if (logins.guard().proven(hop.login())) {
      return null;
    }
    Turnstile.Pass pass;
    try {
      pass =
          logins
              .attempts()
              .enter(hop.login(), null, System.nanoTime() + way.run().remaining().toNanos());
    } catch (Refusal e) {
      throw way.run()
          .fail(
              Reason.TIMEOUT,
              hop.field(Field.SSH_HOST),
              hop.hint(Reason.TIMEOUT, "Other tests were trying the same login there."));
    }
    if (logins.guard().proven(hop.login())) {
      pass.leave();
      return null;
    }
    if (!logins.forced() && logins.guard().remembers(hop.login())) {
      pass.leave();
      throw way.run()
          .fail(
              Reason.LOCKOUT_GUARD, proof(way.credentials()), hop.hint(Reason.LOCKOUT_GUARD, null));
    }
    return pass;
  }

  /** The field with which a sender logs in. */
  static Field proof(Connection.Bastion credentials) {
    return credentials.identity() == null ? Field.SSH_PASSWORD : Field.SSH_IDENTITY;
  }

  private static TestEnded gone(Way way, Hop hop) {
    return way.run()
        .fail(
            Reason.SSH_UNREACHABLE,
            hop.field(Field.SSH_HOST),
            hop.hint(Reason.SSH_UNREACHABLE, null));
  }

  /** The private key of the settings. */
  static KeyPair identity(TestRun run, Connection.Bastion bastion) throws TestEnded {
    try {
      return PrivateKeyText.keyPair(bastion.identity(), bastion.password());
    } catch (PrivateKeyText.Unusable e) {
      Failure why =
          switch (e.problem()) {
            case PASSPHRASE_MISSING ->
                new Failure(
                        Reason.SSH_AUTH_FAILED,
                        Field.SSH_PASSWORD,
                        "Send the key's passphrase as sshPassword, or the key without one.")
                    .saying("The key in sshIdentity is encrypted, and sshPassword is not set.");
            case PASSPHRASE_WRONG ->
                new Failure(
                        Reason.SSH_AUTH_FAILED,
                        Field.SSH_PASSWORD,
                        "With sshIdentity, sshPassword is the key's passphrase: send the one that"
                            + " belongs to this key.")
                    .saying("The passphrase in sshPassword does not open the key in sshIdentity.");
            case NO_KEY, UNREADABLE, TOO_COSTLY, RSA_TOO_SHORT ->
                new Failure(Reason.SSH_AUTH_FAILED, Field.SSH_IDENTITY, e.getMessage())
                    .saying("The key in sshIdentity cannot be used.");
          };
      throw run.fail(why);
    }
  }

  /** Says why a login that has begun has not succeeded. */
  static TestEnded notLetIn(Way way, Hop hop, BastionSession session) {
    TestRun run = way.run();
    AuthFuture login = session.login();
    if (login == null || !login.isDone()) {
      return run.fail(Reason.TIMEOUT, hop.field(Field.SSH_HOST), hop.hint(Reason.TIMEOUT, null));
    }
    // A refusal is no exception, or one that the SSH protocol has a number for.
    Throwable why = login.getException();
    boolean answered =
        why == null
            || (why instanceof SshException e && (e.getDisconnectCode() != 0 || session.isOpen()));
    if (!answered) {
      return gone(way, hop);
    }
    BastionSession.Refusal refusal = session.refusal();
    Field field = proof(way.credentials());
    boolean byKey = field == Field.SSH_IDENTITY;
    String hint = hop.last() ? null : "Check its user in sshJump, and sshPassword or sshIdentity.";
    if (refusal != null && refusal.partial()) {
      // What was accepted is not to be guarded against, nor to be replaced.
      return run.fail(
          Reason.SSH_AUTH_FAILED,
          field,
          hop.hint(
              Reason.SSH_AUTH_FAILED,
              "The bastion accepts it and asks for a second proof besides, which is not supported:"
                  + " have it ask this user for one (AuthenticationMethods)."));
    }
    way.logins().guard().refused(hop.login());
    if (refusal != null && byKey && !refusal.takesKeys()) {
      field = Field.SSH_PASSWORD;
      hint = "The bastion takes no keys from this user: send sshPassword, and no sshIdentity.";
    } else if (refusal != null && !byKey && !refusal.takesPasswords()) {
      field = Field.SSH_IDENTITY;
      hint = "The bastion takes no passwords from this user: send sshIdentity.";
    }
    return run.fail(Reason.SSH_AUTH_FAILED, field, hop.hint(Reason.SSH_AUTH_FAILED, hint));
  }

  /**
   * @param commanded whether the bastion was asked to run a command first, and did not
   */
  private static Socket forward(Way way, BastionSession session, boolean commanded)
      throws TestEnded, IOException {
    TestRun run = way.run();
    run.begin(Name.SSH_FORWARD);
    if (!way.onward()) {
      throw run.fail(
          Reason.POLICY_DENIED, Field.HOST, way.target().hint(Reason.POLICY_DENIED, null));
    }
    SshdSocketAddress to = new SshdSocketAddress(run.host().text(), run.connection().port());
    try {
      ChannelDirectTcpip channel = session.createDirectTcpipChannel(BastionClient.ORIGINATOR, to);
      channel.open().verify(run.remaining());
      run.pass(commanded ? "by a channel, as the bastion ran no command" : null);
      return new ChannelSocket(channel, run.traffic());
    } catch (IOException e) {
      SshChannelOpenException refusal = cause(e, SshChannelOpenException.class);
      if (refusal != null) {
        throw Refused.of(refusal).at(run, way.target(), commanded);
      }
      if (session.isOpen()) {
        throw run.fail(
            Reason.TIMEOUT,
            Field.HOST,
            "The bastion has not said in time that it reaches the database: seen from there, a"
                + " firewall may drop packets to its host and port."
                + (commanded ? COMMANDED : ""));
      }
      throw gone(way, way.target());
    }
  }

  /** Why a bastion does not connect to a port. */
  enum Refused {
    PROHIBITED(
        Field.SSH_TUNNELING,
        "The bastion forbids forwarding: check AllowTcpForwarding and PermitOpen there."),
    UNKNOWN_NAME(Field.HOST, PolicyDisguise.NO_DATABASE_NAME),
    NOTHING_LISTENS(Field.PORT, "Seen from the bastion, nothing listens on the database's port."),
    OTHER(Field.HOST, "The bastion does not reach the database's host and port.");

    private final Field field;
    private final String hint;

    Refused(Field field, String hint) {
      this.field = field;
      this.hint = hint;
    }

    /**
     * The protocol has one number for all that goes wrong in connecting (RFC 4254 section 5.1); the
     * servers' words tell the rest, and are used for nothing else.
     */
    static Refused of(SshChannelOpenException refusal) {
      if (refusal.getReasonCode() == SshConstants.SSH_OPEN_ADMINISTRATIVELY_PROHIBITED) {
        return PROHIBITED;
      }
      String words = String.valueOf(refusal.getMessage()).toLowerCase(Locale.ROOT);
      if (words.contains("refused")) {
        return NOTHING_LISTENS;
      }
      return words.contains("not known")
              || words.contains("resol")
              || words.contains("no address")
              || words.contains("unknown host")
          ? UNKNOWN_NAME
          : OTHER;
    }

    /** Ends the test with this between the last bastion and the database. */
    TestEnded at(TestRun run, Hop hop, boolean commanded) {
      String own = commanded ? hint + COMMANDED : hint;
      Failure why =
          new Failure(Reason.SSH_FORWARD_REFUSED, field, hop.hint(Reason.SSH_FORWARD_REFUSED, own));
      return run.fail(this == PROHIBITED ? why.lasting() : why);
    }
  }

  private static <T extends Throwable> T cause(Throwable e, Class<T> type) {
    for (Throwable each = e; each != null; each = each.getCause()) {
      if (type.isInstance(each)) {
        return type.cast(each);
      }
    }
    return null;
  }

  @Override
  public synchronized void close() {
    if (client != null) {
      client.stop();
      client = null;
    }
  }
}
