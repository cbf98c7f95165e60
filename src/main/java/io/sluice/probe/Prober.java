package io.sluice.probe;

import static java.util.concurrent.CompletableFuture.completedFuture;

import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.drivers.DriverUnavailable;
import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tests connections for real, one step after the other, against servers that may be hostile.
 *
 * <p>One instance serves the whole process; thread-safe. A test runs on a worker thread of this
 * instance, so that no peer, resolver or driver can hold the caller longer than the total deadline.
 */
public final class Prober implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Prober.class);

  // A lookup that hangs outlives its test: the factor is the room for those.
  private static final int LOOKUPS_PER_TEST = 4;

  /** Of the slow tests that end at once as many go on at a time. */
  private static final int ENDS_PER_PROCESSOR = 4;

  private static final Duration LONGEST_END_WAIT = Duration.ofSeconds(1);

  static {
    // Connector/J would start a thread that never ends, for connections that are not closed.
    System.setProperty("com.mysql.cj.disableAbandonedConnectionCleanup", "true");
    DriverSockets.watch();
  }

  private final OAuthClient google;
  private final DriverCatalogue drivers;
  private final EgressPolicy policy;
  private final ProbeSettings settings;
  private final Clock clock;
  private final Turnstile turnstile;

  private final Semaphore slowEnds;

  /** What nobody waits for takes one of a target's places at most; its caller bounds the sum. */
  private final Turnstile background;

  /** Lets logins that no server has accepted yet through one by one, each for itself. */
  private final Turnstile unproven;

  /** The same for logins at bastions, each as long as the bastion takes for it. */
  private final Turnstile hopLogins;

  private final LockoutGuard guard;
  private final Watchdog watchdog;
  private final Bastions bastions;
  private final Lookups lookups;
  private final ExecutorService workers;

  public Prober(DriverCatalogue drivers, EgressPolicy policy, ProbeSettings settings) {
    this(drivers, policy, settings, Clock.systemUTC());
  }

  Prober(DriverCatalogue drivers, EgressPolicy policy, ProbeSettings settings, Clock clock) {
    this(drivers, policy, settings, clock, InetAddress::getAllByName);
  }

  /**
   * @param google for refresh tokens of Google's; null: none
   */
  public Prober(
      DriverCatalogue drivers, EgressPolicy policy, ProbeSettings settings, OAuthClient google) {
    this(drivers, policy, settings, google, Clock.systemUTC(), InetAddress::getAllByName);
  }

  Prober(
      DriverCatalogue drivers,
      EgressPolicy policy,
      ProbeSettings settings,
      Clock clock,
      Resolver resolver) {
    this(drivers, policy, settings, null, clock, resolver);
  }

  Prober(
      DriverCatalogue drivers,
      EgressPolicy policy,
      ProbeSettings settings,
      OAuthClient google,
      Clock clock,
      Resolver resolver) {
    this.google = google;
    this.drivers = drivers;
    this.policy = policy;
    this.settings = settings;
    this.clock = clock;
    this.turnstile =
        new Turnstile(settings.maxTests(), settings.maxSlowTests(), settings.maxTestsPerTarget());
    this.slowEnds =
        new Semaphore(ENDS_PER_PROCESSOR * Runtime.getRuntime().availableProcessors(), true);
    this.background = new Turnstile(0, 0, 1);
    this.unproven = new Turnstile(0, 0, 1);
    this.hopLogins = new Turnstile(0, 0, 1);
    this.guard = new LockoutGuard(settings.lockoutWindow());
    this.watchdog = new Watchdog(settings);
    this.bastions = new Bastions(settings.strictHostKeys());
    this.lookups = new Lookups(resolver, LOOKUPS_PER_TEST * settings.maxTests());
    AtomicInteger number = new AtomicInteger();
    // The turnstile bounds it; idle threads end.
    this.workers =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            30,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            task -> {
              Thread thread = new Thread(task, "probe-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  /** How far a test goes. */
  public enum Extent {
    /** To one row of the database. */
    WHOLE,
    /** To the SSH tunnel: what comes after {@code ssh.forward} is skipped. */
    TUNNEL;

    /** The exchange property with which a route asks for less than the whole. */
    public static final String PROPERTY = "extent";
  }

  /** The exchange property with which a route asks for a test in spite of the lock-out guard. */
  public static final String FORCED = "forced";

  /** The exchange property that says on whose behalf a test is: who has many shares with others. */
  public static final String SENDER = "sender";

  /**
   * The exchange property with which a route tells that nobody waits for the test: it takes none of
   * the places of those that somebody waits for.
   */
  public static final String BACKGROUND = "background";

  /**
   * The exchange property with a {@link Runnable} of whoever counts tests under way: it is run, on
   * any thread, when the test turns out to be slow and so need not be counted any more.
   */
  public static final String ASIDE = "aside";

  /**
   * The exchange property with a {@link Runnable} of whoever counts requests at work: it is run
   * before the test waits for a place, on the thread of the route.
   */
  public static final String BEGINS = "begins";

  /**
   * The exchange property with the time since which somebody has waited, a {@link Long} of {@link
   * System#nanoTime()}: a place is waited for from then on. Without it, from the test's own begin.
   */
  public static final String SINCE = "since";

  /** Tests the whole of a connection, unless the lock-out guard remembers its login. */
  public Tested test(Connection connection) {
    return test(connection, Extent.WHOLE, false);
  }

  /**
   * Tests one connection. Blocks at most the total deadline and a second, whatever the peer does.
   *
   * <p>What a peer does, or fails to do, is in the report and is never thrown. See {@code Journal}
   * for which steps a report lists. With a bastion that tunnels, {@code dns} and {@code tcp} are
   * about the bastion, as it is the bastion that finds the database. With one that does not, they
   * are about the database; {@code ssh.connect} includes the connection to the bastion, and in
   * {@code ssh.forward} the bastion tries the database's port and leaves it at that. A test of the
   * tunnel alone leaves the database to the bastion in both cases. Of several bastions the first is
   * the one to be looked up and connected to.
   *
   * <p>Credentials that a server has refused within the lock-out window are not sent again: the
   * test fails with {@link Reason#LOCKOUT_GUARD} before anything is contacted, unless it is {@code
   * forced}. A forced test that is refused is remembered like any other.
   *
   * @throws Refusal when the settings cannot be tested at all (a field that is missing or that the
   *     driver would read as something else), when a tunnel is to be tested and there is none, or
   *     as {@link Reason#OVERLOADED} when there is no place for the test within the queue's wait
   */
  public Tested test(Connection sent, Extent extent, boolean forced) {
    return begin(sent, extent, forced, "", System.nanoTime(), () -> {}).join();
  }

  /**
   * As {@link #test(Connection, Extent, boolean)}, but blocks no longer than the queue's wait.
   *
   * @param sender on whose behalf the test is; null: nobody waits for it
   * @param since see {@link #SINCE}
   * @param aside see {@link #ASIDE}
   * @return completed on a thread of this instance that may be kept, never with an exception
   */
  CompletableFuture<Tested> begin(
      Connection sent, Extent extent, boolean forced, String sender, long since, Runnable aside) {
    if (extent == Extent.TUNNEL && sent.bastion() == null) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD,
          Field.SSH.wireName(),
          "There is no tunnel to test: send ssh as true, or test without only=tunnel.");
    }
    HostName host = host(sent.host(), Field.HOST);
    Optional<Driver> driver =
        drivers.named(sent.driver()).filter(d -> d.family() != Driver.Family.NONE);
    // The first of its kind loads a library: before the clock starts.
    Optional<CloudService> service = driver.flatMap(d -> CloudService.of(d, google));
    if (sent.bastion() != null) {
      bastions.start();
    }
    long started = System.nanoTime();
    Connection connection = service.isPresent() ? sent.alwaysTls() : sent;
    Journal journal = new Journal(connection, target(connection, host), clock);
    if (driver.isEmpty()) {
      String note = drivers.named(connection.driver()).map(Driver::note).orElse(null);
      return completedFuture(unsupported(journal, note));
    }
    HostName endpoint = host;
    Conversation.Opening opening;
    String realm = "";
    if (service.isPresent()) {
      CloudService cloud = service.get();
      requireFields(driver.get(), connection);
      check(cloud, driver.get(), connection);
      Optional<HostName> meant = cloud.endpoint(connection);
      if (meant.isEmpty()) {
        journal.failAhead(Name.DNS, cloud.unknownHost(), Field.HOST, null);
        return completedFuture(new Tested(journal.report(), null, List.of()));
      }
      endpoint = meant.get();
      opening = (run, path, login) -> new HttpsConversation(run, path, login, cloud);
    } else if (driver.get().family() == Driver.Family.MONGODB) {
      requireFields(driver.get(), connection);
      MongoConversation.check(driver.get(), connection);
      // One name may stand for several users.
      realm = MongoConversation.authSource(connection) + ">";
      opening = (run, path, login) -> new MongoConversation(run, login);
    } else {
      java.sql.Driver jdbc;
      try {
        jdbc = drivers.jars().load(driver.get());
      } catch (DriverUnavailable e) {
        return completedFuture(unsupported(journal, e.getMessage()));
      }
      requireFields(driver.get(), connection);
      JdbcCall call = JdbcCall.of(driver.get(), jdbc, connection, host);
      opening = (run, path, login) -> new JdbcConversation(run, login, jdbc, call);
    }
    List<Hop> hops = Hop.of(connection.bastion(), guard);

    String login =
        guard.fingerprint(
            // A server that admits TLS only refuses the right password without it, and one that
            // another driver is for refuses any.
            driver.get().id() + (connection.tls() == null ? ">" : ">tls>") + realm + Hop.path(hops),
            host.text(),
            connection.port(),
            connection.username(),
            connection.password(),
            connection.tls() == null ? null : connection.tls().key(),
            connection.accessToken(),
            connection.refreshToken());
    // All customers of a cloud service are at one address: there each login is a target.
    String target =
        service.isPresent() ? login : Hop.path(hops) + host.text() + ":" + connection.port();
    Deque<Turnstile.Pass> passes =
        enter(login, target, sender, since + settings.queueWait().toNanos());
    TestRun run =
        new TestRun(connection, extent, driver.get(), endpoint, journal, settings, started);
    Reason unknownHost = service.map(CloudService::unknownHost).orElse(Reason.UNKNOWN_HOST);
    Work work = new Work(run, opening, hops, login, unknownHost, forced);
    CompletableFuture<Tested> answer = new CompletableFuture<>();
    AtomicBoolean slow = new AtomicBoolean();
    // A driver that hangs on without its socket keeps its thread, but not the answer.
    Runnable expired = () -> workers.execute(() -> answer(run, slow.get(), answer));
    Watchdog.Watch watch =
        watchdog.watch(
            run,
            () -> {
              slow.set(true);
              slow(passes, aside);
            },
            expired);
    try {
      workers.execute(
          () -> {
            try {
              work.run();
            } finally {
              watch.stop();
              passes.forEach(Turnstile.Pass::leave);
              answer(run, slow.get(), answer);
            }
          });
    } catch (RuntimeException | OutOfMemoryError e) {
      // The system may have no thread any more: the places are for those that come later.
      watch.stop();
      passes.forEach(Turnstile.Pass::leave);
      throw Refusal.because(Reason.OVERLOADED);
    }
    return answer;
  }

  /**
   * What comes after the test is done on this thread. Many slow tests may end at once: a few of
   * them go on at a time, and none waits for long.
   */
  private void answer(TestRun run, boolean slow, CompletableFuture<Tested> answer) {
    Tested tested = run.outcome().join();
    boolean turn = false;
    try {
      turn =
          slow
              && !answer.isDone()
              && slowEnds.tryAcquire(LONGEST_END_WAIT.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    try {
      answer.complete(tested);
    } finally {
      if (turn) {
        slowEnds.release();
      }
    }
  }

  private static void slow(Deque<Turnstile.Pass> passes, Runnable aside) {
    boolean left = false;
    for (Turnstile.Pass pass : passes) {
      left |= pass.slow();
    }
    if (left) {
      aside.run();
    }
  }

  private static Tested unsupported(Journal journal, String hint) {
    journal.begin(Name.POLICY);
    journal.fail(Name.POLICY, Reason.DRIVER_UNSUPPORTED, null, hint);
    return new Tested(journal.report(), null, List.of());
  }

  /**
   * @param sender null: nobody waits for the test
   */
  private Deque<Turnstile.Pass> enter(
      String login, String target, String sender, long deadlineNanos) {
    Deque<Turnstile.Pass> passes = new ArrayDeque<>();
    try {
      if (!guard.proven(login)) {
        // Two tests with the same new password must not both find out that it is wrong.
        passes.push(unproven.enter(login, null, deadlineNanos));
      }
      if (sender == null) {
        passes.push(background.enter(target, null, deadlineNanos));
      }
      passes.push(turnstile.enter(target, sender, deadlineNanos));
    } catch (Refusal e) {
      passes.forEach(Turnstile.Pass::leave);
      throw e;
    }
    return passes;
  }

  private static HostName host(String text, Field field) {
    return HostName.parse(text)
        .orElseThrow(
            () ->
                Refusal.ofField(
                    Reason.INVALID_FIELD,
                    field.wireName(),
                    "Send one host name, IPv4 or IPv6 address, without a port."));
  }

  private static String target(Connection connection, HostName host) {
    String database = connection.database() == null ? "" : "/" + connection.database();
    return connection.driver() + "://" + host.inUrl() + ":" + connection.port() + database;
  }

  private static void check(CloudService service, Driver driver, Connection connection) {
    if (connection.bastion() != null) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD,
          Field.SSH.wireName(),
          "This service is reached by HTTPS without a bastion: send ssh as false.");
    }
    connection.options().forEach((name, value) -> JdbcCall.allowed(driver, name, value));
    service.check(connection);
  }

  private static void requireFields(Driver driver, Connection connection) {
    List<Refusal.FieldError> missing = new ArrayList<>();
    if (driver.required().contains(Field.USERNAME) && blank(connection.username())) {
      missing.add(missing(Field.USERNAME));
    }
    if (driver.required().contains(Field.PASSWORD) && connection.password() == null) {
      missing.add(missing(Field.PASSWORD));
    }
    if (driver.required().contains(Field.DATABASE) && blank(connection.database())) {
      missing.add(missing(Field.DATABASE));
    }
    if (connection.bastion() != null && blank(connection.bastion().username())) {
      missing.add(missing(Field.SSH_USERNAME));
    }
    if (!missing.isEmpty()) {
      throw Refusal.ofFields(missing);
    }
  }

  private static boolean blank(String text) {
    return text == null || text.isBlank();
  }

  private static Refusal.FieldError missing(Field field) {
    return new Refusal.FieldError(
        field.wireName(), Reason.MISSING_FIELD, "The driver needs this field.");
  }

  /** Ends the tests that run, and all threads. */
  @Override
  public void close() {
    workers.shutdownNow();
    lookups.close();
    watchdog.close();
    bastions.close();
  }

  /** One test, on its worker thread. */
  private final class Work {
    private final TestRun run;
    private final Conversation.Opening opening;
    private final List<Hop> hops;
    private final String login;
    private final Reason unknownHost;
    private final boolean forced;

    Work(
        TestRun run,
        Conversation.Opening opening,
        List<Hop> hops,
        String login,
        Reason unknownHost,
        boolean forced) {
      this.unknownHost = unknownHost;
      this.forced = forced;
      this.run = run;
      this.opening = opening;
      this.hops = hops;
      this.login = login;
    }

    void run() {
      try {
        guardLogins();
        NetworkPath path =
            new NetworkPath(
                run,
                hops,
                policy,
                lookups,
                bastions,
                new Bastions.Logins(guard, hopLogins, forced),
                unknownHost);
        path.walk();
        if (run.extent() == Extent.TUNNEL) {
          run.journal().succeed();
        } else {
          opening.of(run, path, new Conversation.Login(guard, login)).hold();
        }
      } catch (TestEnded e) {
        // The journal knows.
      } catch (IOException | RuntimeException | LinkageError e) {
        Name at = run.journal().current();
        if (run.journal().fail(at == null ? Name.POLICY : at, Reason.INTERNAL, null, null)) {
          LOG.atError()
              .addKeyValue("step", at)
              .addKeyValue("exception", e.getClass().getName())
              .log("Connection test failed by itself.");
        }
      } finally {
        run.finish();
        run.closeSockets();
      }
    }

    private void guardLogins() throws TestEnded {
      run.begin(Name.POLICY);
      if (forced) {
        return;
      }
      for (Hop hop : hops) {
        if (guard.remembers(hop.login())) {
          run.journal()
              .failAhead(
                  Name.SSH_AUTH,
                  Reason.LOCKOUT_GUARD,
                  Bastions.proof(run.connection().bastion()),
                  hop.hint(Reason.LOCKOUT_GUARD, null));
          throw new TestEnded();
        }
      }
      if (run.extent() == Extent.WHOLE && guard.remembers(login)) {
        run.journal().failAhead(Name.LOGIN, Reason.LOCKOUT_GUARD, null, null);
        throw new TestEnded();
      }
    }
  }
}
