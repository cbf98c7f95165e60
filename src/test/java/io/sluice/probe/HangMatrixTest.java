package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Status;
import io.sluice.model.Report.Step;
import io.sluice.servers.BlackHole;
import io.sluice.servers.SshServer;
import io.sluice.servers.ToxicProxy;
import io.sluice.servers.ToxicProxy.Fault;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * Every way in which a peer can leave a test hanging, at every step, with every driver and behind a
 * bastion: the test ends in time, names the step and the reason, and leaves nothing behind. The
 * measured times go to {@code target/hang-matrix.md}.
 *
 * <p>The limits are two fifths of the product's, and so is the pause of a dripping peer. A step
 * that shares its exchange with another cannot hang by itself: {@code ssh.hostkey} is answered by
 * the key exchange ({@code ssh.connect}), {@code database} by the login.
 */
class HangMatrixTest {
  private static final List<String> DRIVERS = List.of("mariadb", "mysql", "postgresql");
  private static final Duration STEP = Duration.ofSeconds(2);
  private static final Duration TOTAL = Duration.ofSeconds(6);
  private static final Duration DRIP = Duration.ofMillis(400);
  private static final String LOGIN_IN_TLS = "login in TLS";
  private static final int AT_ONCE = 24;
  private static final Path TABLE = Path.of("target", "hang-matrix.md");

  private final CountDownLatch resolverWakes = new CountDownLatch(1);
  private final Map<String, Runnable> atTheBastion = new ConcurrentHashMap<>();
  private int strangers;
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<Cell> cells = new ArrayList<>();

  /** The ports that the product's own connections lead to. */
  private final Set<Integer> peers = new HashSet<>();

  /** What is expected of one cell; reason null: the test passes. */
  private record Cell(
      String path,
      String driver,
      String phase,
      Fault fault,
      Name step,
      Set<Name> orSteps,
      Set<Reason> reasons,
      Probe.Target target,
      ToxicProxy gone) {}

  private record Measured(Cell cell, long millis, Tested tested) {
    String reason() {
      return tested.report().passed() ? "passed" : tested.report().reason().name();
    }
  }

  private InetAddress[] lookUp(String name) throws UnknownHostException {
    if (name.startsWith("missing")) {
      throw new UnknownHostException(name);
    }
    while (resolverWakes.getCount() > 0) {
      try {
        resolverWakes.await();
      } catch (InterruptedException e) {
        // As deaf as the system's resolver.
      }
    }
    throw new UnknownHostException(name);
  }

  private Prober prober(ProbeSettings settings) {
    return new Prober(Probe.DRIVERS, Probe.LOOPBACK, settings, Clock.systemUTC(), this::lookUp);
  }

  private static ProbeSettings settings() {
    return new ProbeSettings(
        STEP,
        STEP,
        STEP,
        STEP,
        STEP,
        STEP,
        TOTAL,
        false,
        4 * AT_ONCE,
        4 * AT_ONCE,
        Duration.ZERO,
        Duration.ofMillis(500));
  }

  /** A login that no other cell tries: equal ones are let through one by one. */
  private Probe.Target stranger(String driver, String host, int port) {
    return Targets.at(driver, host, port).login("stranger" + strangers++, Targets.PASSWORD);
  }

  private static boolean waits(Fault fault) {
    return switch (fault) {
      case MUTE, DRIP, BLACK_HOLE -> true;
      case RESET, CLOSE -> false;
    };
  }

  private static Set<Reason> timeoutOr(Fault fault, Reason otherwise) {
    return Set.of(waits(fault) ? Reason.TIMEOUT : otherwise);
  }

  private ToxicProxy proxy(int port) {
    ToxicProxy proxy = ToxicProxy.to(Targets.HOST, port);
    open.add(proxy);
    peers.add(proxy.port());
    return proxy;
  }

  private void names(SshServer bastion) {
    for (Fault fault : Fault.values()) {
      String name =
          (waits(fault) ? "silent-" : "missing-")
              + fault.name().toLowerCase(Locale.ROOT).replace("_", "")
              + ".example";
      Set<Reason> reasons = timeoutOr(fault, Reason.UNKNOWN_HOST);
      for (String driver : DRIVERS) {
        Probe.Target target = stranger(driver, name, 1);
        cells.add(
            new Cell("direct", driver, "lookup", fault, Name.DNS, Set.of(), reasons, target, null));
      }
      Probe.Target target =
          stranger("mariadb", Targets.HOST, 1)
              .via(name, bastion.port(), "hop", "hop", null, null, true);
      cells.add(
          new Cell(
              "bastion", "mariadb", "lookup", fault, Name.DNS, Set.of(), reasons, target, null));
    }
  }

  /** A connection that is accepted has passed this step: only these two can befall it. */
  private void connections() throws IOException {
    BlackHole hole = BlackHole.open();
    open.add(hole);
    peers.add(hole.port());
    // What the bastion itself connects to is not among the product's peers.
    BlackHole hiddenHole = BlackHole.open();
    open.add(hiddenHole);
    // One whose own connections hang has no thread left for the other cells.
    SshServer bastion = SshServer.setup().user("hop", "hop").start();
    open.add(bastion);
    peers.add(bastion.port());
    int closed;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      closed = socket.getLocalPort();
    }
    Set<Reason> timeout = Set.of(Reason.TIMEOUT);
    Set<Reason> refused = Set.of(Reason.CONNECTION_REFUSED);
    for (String driver : DRIVERS) {
      Probe.Target silent = stranger(driver, hole.host(), hole.port());
      cells.add(
          new Cell(
              "direct",
              driver,
              "SYN",
              Fault.BLACK_HOLE,
              Name.TCP,
              Set.of(),
              timeout,
              silent,
              null));
      Probe.Target nobody = stranger(driver, Targets.HOST, closed);
      cells.add(
          new Cell(
              "direct", driver, "SYN", Fault.RESET, Name.TCP, Set.of(), refused, nobody, null));
      Probe.Target behind = via(stranger(driver, hiddenHole.host(), hiddenHole.port()), bastion);
      cells.add(
          new Cell(
              "bastion",
              driver,
              "SYN to the database",
              Fault.BLACK_HOLE,
              Name.SSH_FORWARD,
              Set.of(),
              timeout,
              behind,
              null));
    }
    Probe.Target silent =
        stranger("mariadb", Targets.HOST, 1)
            .via(hole.host(), hole.port(), "hop", "hop", null, null, true);
    cells.add(
        new Cell(
            "bastion",
            "mariadb",
            "SYN",
            Fault.BLACK_HOLE,
            Name.TCP,
            Set.of(),
            timeout,
            silent,
            null));
  }

  private static Probe.Target via(Probe.Target target, SshServer bastion) {
    return target.via(bastion.host(), bastion.port(), "hop", "hop", null, null, true);
  }

  private void bastionSteps(SshServer bastion) {
    for (Fault fault : Fault.values()) {
      Set<Reason> reasons = timeoutOr(fault, Reason.SSH_UNREACHABLE);
      ToxicProxy banner = proxy(bastion.port()).strikeAtTurn(fault, 0, DRIP);
      bastionCell("identification", fault, Name.SSH_CONNECT, reasons, banner, "hop");
      ToxicProxy exchange = proxy(bastion.port()).strikeAfter(fault, 100, DRIP);
      bastionCell("key exchange", fault, Name.SSH_CONNECT, reasons, exchange, "hop");

      ToxicProxy login = proxy(bastion.port());
      atTheBastion.put("login login-" + fault, () -> login.strikeNow(fault, DRIP));
      bastionCell("login", fault, Name.SSH_AUTH, reasons, login, "login-" + fault);
      ToxicProxy forward = proxy(bastion.port());
      atTheBastion.put("forward forward-" + fault, () -> forward.strikeNow(fault, DRIP));
      bastionCell("channel", fault, Name.SSH_FORWARD, reasons, forward, "forward-" + fault);
    }
  }

  private void bastionCell(
      String phase, Fault fault, Name step, Set<Reason> reasons, ToxicProxy proxy, String user) {
    Probe.Target target =
        stranger("mariadb", Targets.HOST, Targets.port("mariadb"))
            .via(proxy.host(), proxy.port(), user, "hop", null, null, true);
    cells.add(new Cell("bastion", "mariadb", phase, fault, step, Set.of(), reasons, target, proxy));
  }

  /** A good run through a proxy shows which turn of the client's begins which phase. */
  private int queryTurn(Prober prober, String driver) {
    try (ToxicProxy good = ToxicProxy.to(Targets.HOST, Targets.port(driver))) {
      Tested tested = prober.test(Targets.at(driver, good.host(), good.port()).build());
      assertThat(tested.report().passed()).as("%s", tested).isTrue();
      Awaitility.await().until(() -> good.open() == 0);
      List<byte[]> turns = good.turns();
      String query = Probe.DRIVERS.named(driver).orElseThrow().validationQuery();
      for (int i = 0; i < turns.size(); i++) {
        if (new String(turns.get(i), StandardCharsets.ISO_8859_1).contains(query)) {
          // The last turn is the goodbye.
          assertThat(turns).as(driver).hasSize(i + 2);
          return i + 1;
        }
      }
      throw new AssertionError("The validation query was not seen.");
    }
  }

  private void databaseSteps(SshServer bastion, String driver, int queryTurn) {
    // PostgreSQL's server does not speak first, and answers the request for TLS by itself.
    boolean postgres = driver.equals("postgresql");
    for (Fault fault : Fault.values()) {
      for (SshServer hop : new SshServer[] {null, bastion}) {
        Set<Reason> reasons = timeoutOr(fault, Reason.UNREACHABLE);
        turn(hop, driver, "greeting", fault, Name.TLS, reasons, true, 0);
        if (postgres && fault != Fault.DRIP) {
          // This answer is a single byte, too short to drip.
          turn(hop, driver, "answer to STARTTLS", fault, Name.TLS, reasons, true, 1);
        }
        turn(hop, driver, "handshake", fault, Name.TLS, reasons, true, postgres ? 2 : 1);
        turn(hop, driver, "greeting", fault, Name.LOGIN, reasons, false, 0);
        turn(hop, driver, "authentication", fault, Name.LOGIN, reasons, false, 1);
        turn(hop, driver, LOGIN_IN_TLS, fault, Name.LOGIN, reasons, true, postgres ? 3 : 2);
        turn(hop, driver, "session", fault, Name.LOGIN, reasons, false, queryTurn - 1);
        turn(hop, driver, "row", fault, Name.QUERY, reasons, false, queryTurn);
        turn(hop, driver, "goodbye", fault, null, Set.of(), false, queryTurn + 1);
      }
    }
  }

  private void turn(
      SshServer hop,
      String driver,
      String phase,
      Fault fault,
      Name step,
      Set<Reason> reasons,
      boolean tls,
      int turn) {
    ToxicProxy proxy = proxy(Targets.port(driver)).strikeAtTurn(fault, turn, DRIP);
    Probe.Target target = Targets.at(driver, proxy.host(), proxy.port());
    if (tls) {
      target.tls(Targets.CA.certificatePem());
    }
    if (hop != null) {
      via(target, hop);
    }
    String path = hop == null ? "direct" : "bastion";
    Set<Name> orSteps = Set.of();
    // Whoever hangs up on a client that spoke first, without a byte, is no PostgreSQL server.
    boolean unanswered = driver.equals("postgresql") && turn <= 1 && !waits(fault);
    Set<Reason> orReasons = new HashSet<>(unanswered ? Set.of(Reason.PROTOCOL_MISMATCH) : reasons);
    if (phase.equals(LOGIN_IN_TLS)) {
      // The end of the handshake and the login leave together: either may be cut.
      orSteps = Set.of(Name.TLS);
    } else if (hop != null && turn == 0 && !waits(fault)) {
      // The bastion may see this one before it has answered that it is connected.
      orSteps = Set.of(Name.SSH_FORWARD);
      orReasons.add(Reason.SSH_FORWARD_REFUSED);
    }
    cells.add(new Cell(path, driver, phase, fault, step, orSteps, orReasons, target, proxy));
  }

  @Test
  void noPeerHoldsATestBeyondItsDeadlineAtAnyStep() throws Exception {
    SshServer.Setup setup =
        SshServer.setup()
            .user("hop", "hop")
            .watcher(event -> atTheBastion.getOrDefault(event, () -> {}).run());
    for (Fault fault : Fault.values()) {
      setup.user("login-" + fault, "hop").user("forward-" + fault, "hop");
    }
    List<Measured> measured = new ArrayList<>();
    try (SshServer bastion = setup.start()) {
      Map<String, Integer> queryTurns = new HashMap<>();
      try (Prober warm = prober(ProbeSettings.defaults())) {
        for (String driver : DRIVERS) {
          queryTurns.put(driver, queryTurn(warm, driver));
          Probe.Target target = via(Targets.good(driver).tls(Targets.CA.certificatePem()), bastion);
          Tested tested = warm.test(target.build());
          assertThat(tested.report().passed()).as("%s", tested).isTrue();
        }
      }
      Awaitility.await().until(() -> productThreads().isEmpty());
      int unconnected = OpenSockets.withoutAddress();

      peers.add(bastion.port());
      names(bastion);
      connections();
      bastionSteps(bastion);
      queryTurns.forEach((driver, turn) -> databaseSteps(bastion, driver, turn));
      try (Prober prober = prober(settings())) {
        measured.addAll(run(prober));
        write(measured);
        check(measured);
        // The places of all tests are free again, and nothing is left open.
        Awaitility.await()
            .atMost(Duration.ofSeconds(5))
            .untilAsserted(() -> assertThat(busy()).isEmpty());
        Awaitility.await()
            .atMost(Duration.ofSeconds(5))
            .untilAsserted(() -> assertThat(stillOpen()).isEmpty());
      } finally {
        resolverWakes.countDown();
        for (AutoCloseable each : open) {
          each.close();
        }
      }
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(productThreads()).isEmpty());
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(bastion.open()).isZero());
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThat(OpenSockets.to(peers)).isEmpty());
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(
              () -> assertThat(OpenSockets.withoutAddress()).isLessThanOrEqualTo(unconnected + 3));
    }
  }

  private static List<String> busy() {
    return Thread.getAllStackTraces().values().stream()
        .filter(
            stack ->
                Stream.of(stack)
                    .anyMatch(
                        frame -> frame.getClassName().equals(Prober.class.getName() + "$Work")))
        .map(stack -> List.of(stack).toString())
        .toList();
  }

  /** Those behind a black hole are left out: they cannot see that the product has gone. */
  private List<String> stillOpen() {
    return cells.stream()
        .filter(cell -> cell.gone() != null && cell.fault() != Fault.BLACK_HOLE)
        .filter(cell -> cell.gone().open() > 0)
        .map(HangMatrixTest::name)
        .toList();
  }

  private List<Measured> run(Prober prober) {
    AtomicInteger number = new AtomicInteger();
    ExecutorService callers =
        Executors.newFixedThreadPool(
            AT_ONCE, task -> new Thread(task, "matrix-" + number.incrementAndGet()));
    try {
      return cells.stream()
          .map(
              cell ->
                  CompletableFuture.supplyAsync(
                      () -> {
                        long started = System.nanoTime();
                        Tested tested = prober.test(cell.target().build());
                        long nanos = System.nanoTime() - started;
                        return new Measured(cell, Duration.ofNanos(nanos).toMillis(), tested);
                      },
                      callers))
          .toList()
          .stream()
          .map(CompletableFuture::join)
          .toList();
    } finally {
      callers.shutdownNow();
    }
  }

  private static void check(List<Measured> measured) {
    SoftAssertions softly = new SoftAssertions();
    for (Measured each : measured) {
      Cell cell = each.cell();
      String as = name(cell) + ": " + each.tested();
      softly.assertThat(each.millis()).as(as).isLessThan(TOTAL.plusSeconds(1).toMillis());
      List<Step> failed =
          each.tested().report().steps().stream()
              .filter(step -> step.status() == Status.FAILED)
              .toList();
      if (cell.step() == null) {
        softly.assertThat(failed).as(as).isEmpty();
      } else {
        Set<Name> expected = new HashSet<>(cell.orSteps());
        expected.add(cell.step());
        softly.assertThat(failed).as(as).hasSize(1);
        softly.assertThat(failed).as(as).extracting(Step::step).allMatch(expected::contains);
        softly.assertThat(each.tested().report().reason()).as(as).isIn(cell.reasons());
      }
    }
    softly.assertAll();
  }

  private static String name(Cell cell) {
    return cell.path()
        + " "
        + cell.driver()
        + " "
        + step(cell)
        + " "
        + cell.phase()
        + " "
        + fault(cell);
  }

  private static String step(Cell cell) {
    return cell.step() == null ? "close" : cell.step().wireName();
  }

  private static String fault(Cell cell) {
    return cell.fault().name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }

  private static void write(List<Measured> measured) throws IOException {
    StringBuilder text =
        new StringBuilder(
            "Limits: "
                + STEP.toMillis()
                + " ms a step, "
                + TOTAL.toMillis()
                + " ms in total; drip: a byte every "
                + DRIP.toMillis()
                + " ms.\n\n| path | driver | step | phase | behaviour | ms | reason |\n"
                + "|---|---|---|---|---|---|---|\n");
    measured.stream()
        .sorted(
            Comparator.comparing((Measured each) -> each.cell().path())
                .reversed()
                .thenComparing(each -> each.cell().driver())
                .thenComparing(
                    each -> each.cell().step(), Comparator.nullsLast(Comparator.naturalOrder())))
        .forEach(
            each ->
                text.append("| ")
                    .append(
                        String.join(
                            " | ",
                            each.cell().path(),
                            each.cell().driver(),
                            step(each.cell()),
                            each.cell().phase(),
                            fault(each.cell()),
                            Long.toString(each.millis()),
                            each.reason()))
                    .append(" |\n"));
    Files.writeString(TABLE, text);
  }

  private static List<String> productThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("probe-") || name.contains("SshClient"))
        .toList();
  }
}
