package io.sluice.probe;

import io.sluice.drivers.Driver;
import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Warning;
import java.io.Closeable;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * One connection test under way: its journal, its deadline, and the sockets that are closed when
 * the deadline passes.
 *
 * <p>A driver makes its socket factory and TLS hooks by class name and gives them no context that a
 * sender could not also influence. So the run is bound to the worker's thread while a driver works,
 * and the hooks take it from there; without a run they refuse.
 */
final class TestRun {
  private static final Duration FIRST_POLL = Duration.ofMillis(50);
  private static final Duration LAST_POLL = Duration.ofMillis(500);

  private static final ThreadLocal<TestRun> CURRENT = new ThreadLocal<>();

  /** The orderly end of a connection; after it the socket is simply closed. */
  private static final Duration CLOSE = Duration.ofMillis(500);

  private final Connection connection;
  private final Prober.Extent extent;
  private final Driver driver;
  private final HostName host;
  private final Journal journal;
  private final ProbeSettings settings;
  private final long totalDeadlineNanos;
  private final CompletableFuture<Tested> outcome = new CompletableFuture<>();
  private final Traffic traffic;
  private final TlsOutcome tlsOutcome = new TlsOutcome();

  private volatile long deadlineNanos;
  private volatile String observedHostKey;
  private final List<String> observedJumpKeys = new ArrayList<>();
  private volatile Supplier<Blame> blame;
  private volatile Traffic relayed;
  private volatile Socket handed;
  private final List<Closeable> owned = new ArrayList<>();
  private Socket waiting;
  private boolean expired;
  private boolean socketTaken;
  private boolean redirected;

  TestRun(
      Connection connection,
      Prober.Extent extent,
      Driver driver,
      HostName host,
      Journal journal,
      ProbeSettings settings,
      long startedNanos) {
    this.connection = connection;
    this.extent = extent;
    this.driver = driver;
    this.host = host;
    this.traffic = new Traffic(Frames.of(driver.family(), connection.tls() != null));
    this.journal = journal;
    this.settings = settings;
    this.totalDeadlineNanos = startedNanos + settings.total().toNanos();
    this.deadlineNanos = totalDeadlineNanos;
  }

  Connection connection() {
    return connection;
  }

  Prober.Extent extent() {
    return extent;
  }

  Driver driver() {
    return driver;
  }

  HostName host() {
    return host;
  }

  Journal journal() {
    return journal;
  }

  Traffic traffic() {
    return traffic;
  }

  TlsOutcome tlsOutcome() {
    return tlsOutcome;
  }

  CompletableFuture<Tested> outcome() {
    return outcome;
  }

  /** The run that the calling thread works on. */
  static TestRun current() throws IOException {
    TestRun run = CURRENT.get();
    if (run == null) {
      throw new IOException("No connection test runs on this thread.");
    }
    return run;
  }

  void bind() {
    CURRENT.set(this);
  }

  static void unbind() {
    CURRENT.remove();
  }

  /**
   * Starts a step and its deadline.
   *
   * @throws TestEnded when the test has ended meanwhile
   */
  void begin(Name step) throws TestEnded {
    extend(allowance(step));
    if (!journal.begin(step)) {
      throw new TestEnded();
    }
  }

  /** Ends the step that is under way. */
  void pass(String detail) {
    pass(detail, List.of());
  }

  /** Ends the step that is under way, with what will fail soon. */
  void pass(String detail, List<Warning> warnings) {
    journal.pass(detail, warnings);
  }

  /** How long before its end a certificate is worth a warning. */
  Duration warnBefore() {
    return settings.warnBefore();
  }

  /**
   * Ends the test at the current step.
   *
   * @return an exception to leave the worker with
   */
  TestEnded fail(Reason reason, Field field, String hint) {
    return fail(new Failure(reason, field, hint));
  }

  /** As {@link #fail(Reason, Field, String)}. */
  TestEnded fail(Failure why) {
    journal.fail(journal.current(), why);
    return new TestEnded();
  }

  /** What a rule of the driver's descriptor may ask for beside the server's code. */
  Set<Driver.Circumstance> circumstances() {
    Set<Driver.Circumstance> found = EnumSet.noneOf(Driver.Circumstance.class);
    Connection.Tls tls = connection.tls();
    if (tls == null) {
      found.add(Driver.Circumstance.WITHOUT_TLS);
    } else if (tls.certificate() == null) {
      found.add(Driver.Circumstance.WITHOUT_CERTIFICATE);
      if (tlsOutcome.certificateAsked() && !traffic.credentialsAsked()) {
        found.add(Driver.Circumstance.CERTIFICATE_MISSING);
      }
    }
    return found;
  }

  /** The limit of a step. */
  Duration allowance(Name step) {
    return switch (step) {
      case POLICY, DNS -> settings.dns();
      case TCP -> settings.tcp();
      case SSH_CONNECT, SSH_HOSTKEY, SSH_AUTH, SSH_FORWARD -> settings.ssh();
      case TLS -> settings.tls();
      case LOGIN, DATABASE -> settings.login();
      case QUERY -> settings.query();
    };
  }

  private synchronized void extend(Duration allowance) {
    long until = System.nanoTime() + allowance.toNanos();
    deadlineNanos = until - totalDeadlineNanos > 0 ? totalDeadlineNanos : until;
  }

  /** What is left for the current step, at least a millisecond. */
  Duration remaining() {
    long nanos = deadlineNanos - System.nanoTime();
    return Duration.ofNanos(Math.max(nanos, 1_000_000));
  }

  /**
   * How long to wait before a service is asked once more whether it is done.
   *
   * @param asked how often it was asked again
   */
  static Duration pauseBeforeAsking(int asked) {
    Duration doubled = FIRST_POLL.multipliedBy(1L << Math.min(asked, 10));
    return doubled.compareTo(LAST_POLL) > 0 ? LAST_POLL : doubled;
  }

  /**
   * Waits before a service is asked again, at most until the step's deadline.
   *
   * @throws InterruptedIOException when the test has been ended
   */
  void pause(Duration pause) throws InterruptedIOException {
    try {
      Thread.sleep(Math.min(pause.toMillis(), remaining().toMillis()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("The connection test has been ended.");
    }
  }

  long deadlineNanos() {
    return deadlineNanos;
  }

  long totalDeadlineNanos() {
    return totalDeadlineNanos;
  }

  /** Registers the socket to the database; it is closed at once when the test has expired. */
  void own(Socket socket) throws TestEnded {
    synchronized (this) {
      waiting = socket;
      if (!expired) {
        return;
      }
    }
    closeSockets();
    throw new TestEnded();
  }

  /** Registers what else is closed with the test; at once when it has expired. */
  void own(Closeable resource) throws TestEnded {
    synchronized (this) {
      owned.add(resource);
      if (!expired) {
        return;
      }
    }
    closeSockets();
    throw new TestEnded();
  }

  /** What the first bytes on the wire look like. */
  Pattern greeting() {
    return connection.tls() != null && driver.tls() == Driver.Tls.IMPLICIT
        ? Traffic.TLS_RECORD
        : driver.greeting();
  }

  /** Registers what a relay hears: under TLS only that shows which protocol the server speaks. */
  void relayed(Traffic said) {
    relayed = said;
  }

  /** Whether the first bytes that came are not those of a server that this driver is for. */
  boolean hearsAnotherProtocol() {
    Traffic said = relayed;
    return !traffic.looksLike(greeting()) || (said != null && !said.looksLike(driver.greeting()));
  }

  /**
   * Hands the one connected socket to the driver. Asked a second time, the driver wants to go
   * somewhere else: it is refused, and noted.
   */
  Socket takeSocket() throws IOException {
    synchronized (this) {
      if (!socketTaken && waiting != null && !expired) {
        socketTaken = true;
        handed = waiting;
        return waiting;
      }
      redirected = socketTaken && !expired;
    }
    throw new IOException("A connection test opens one connection.");
  }

  /** Notes on the calling thread's run, if it has one, that its driver wants to go elsewhere. */
  static void noteStray() {
    TestRun run = CURRENT.get();
    if (run != null) {
      run.noteRedirect();
    }
  }

  /** Notes that the server wants the driver to go elsewhere. */
  synchronized void noteRedirect() {
    redirected = !expired;
  }

  synchronized boolean redirected() {
    return redirected;
  }

  Socket socket() {
    return handed;
  }

  /**
   * Ends the test as timed out, when its deadline has passed. Called by the watchdog.
   *
   * @return false when there is time left
   */
  boolean expire() {
    synchronized (this) {
      if (deadlineNanos - System.nanoTime() > 0) {
        return false;
      }
      expired = true;
    }
    Name at = journal.current() == null ? Name.POLICY : journal.current();
    boolean mismatch = traffic.received() > 0 && hearsAnotherProtocol();
    boolean ssh = at.compareTo(Name.SSH_CONNECT) >= 0 && at.compareTo(Name.SSH_FORWARD) < 0;
    boolean atBastion = ssh || (tunneled() && at.compareTo(Name.TCP) <= 0);
    if (mismatch && at.compareTo(Name.TLS) >= 0) {
      journal.fail(at, Reason.PROTOCOL_MISMATCH, null, null);
    } else {
      Blame silent = atBastion && blame != null ? blame.get() : null;
      journal.fail(
          at,
          Reason.TIMEOUT,
          silent == null ? (atBastion ? Field.SSH_HOST : null) : silent.field(),
          silent == null ? silence(at) : silent.hint());
    }
    finish();
    closeSockets();
    return true;
  }

  /** A hint for a peer that has not said a word to the driver. */
  String silence(Name at) {
    if (traffic.received() > 0 || at.compareTo(Name.TLS) < 0) {
      return null;
    }
    return driver.family().greets()
        ? "The server sent nothing, and "
            + driver.title()
            + " says the first word. Check that this is its port."
        : "The server sent nothing. Check that this is a port of " + driver.title() + ".";
  }

  /**
   * A connection for which TLS was asked must be at the login: the TLS step ends only in the hook
   * that has seen the verified handshake.
   */
  void requireTls() throws TestEnded {
    if (connection.tls() != null && journal.current() != Name.LOGIN) {
      throw fail(Reason.TLS_NOT_OFFERED, null, null);
    }
  }

  /** Gives the orderly end of the connection its time. */
  void beginClose() {
    extend(CLOSE);
  }

  /** Whether the way to the database leads through the bastion, as far as this test goes. */
  boolean tunneled() {
    return connection.bastion() != null
        && (connection.bastion().tunneling() || extent == Prober.Extent.TUNNEL);
  }

  /** Keeps the host key, as in a known_hosts file, that a hop has shown. */
  synchronized void observed(Hop hop, String hostKey) {
    if (hop.last()) {
      observedHostKey = hostKey;
    } else if (observedJumpKeys.size() < hop.position()) {
      observedJumpKeys.add(hostKey);
    }
  }

  /**
   * What a silence at a bastion is blamed on.
   *
   * @param hint null: the reason's own
   */
  record Blame(Field field, String hint) {}

  /** Says what the steps at a bastion are about from now on, should their deadline pass. */
  void blame(Supplier<Blame> silence) {
    blame = silence;
  }

  private synchronized List<String> jumpKeys() {
    return List.copyOf(observedJumpKeys);
  }

  /** Answers the caller; the first answer counts. A test that nobody has ended has not passed. */
  void finish() {
    // Whoever got here without a judgement was thrown out, by an error of the JVM's for example.
    journal.fail(
        journal.current() == null ? Name.POLICY : journal.current(), Reason.INTERNAL, null, null);
    outcome.complete(new Tested(journal.report(), observedHostKey, jumpKeys()));
  }

  /** Closes the raw sockets, never a TLS or driver object, whose close may itself block. */
  void closeSockets() {
    Socket socket;
    List<Closeable> others;
    synchronized (this) {
      socket = waiting;
      others = List.copyOf(owned);
    }
    closeQuietly(socket);
    others.forEach(TestRun::closeQuietly);
  }

  private static void closeQuietly(Closeable closeable) {
    if (closeable != null) {
      try {
        closeable.close();
      } catch (IOException e) {
        // Closed as far as it goes; the peer's state is of no interest here.
      }
    }
  }
}
