package io.sluice.bench;

import io.sluice.servers.Installation;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SluiceProcess;
import java.io.PrintStream;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;

/**
 * Updates in a second, over HTTP and over Kafka, against what the bare driver reaches with the same
 * connects in the same run: the slices of the three follow each other in turn, because the machine
 * may be slower one minute than the next. Servers, product and clients share one machine.
 *
 * <p>Settings: {@code -Dsluice.bench.slice} seconds of a slice (3), {@code -Dsluice.bench.rounds}
 * how often each is repeated (3), {@code -Dsluice.bench.warm-up} seconds of each before (10).
 */
public final class Benchmark {
  private static final List<Integer> CLIENTS = List.of(1, 4, 16);
  private static final int MOST_CLIENTS = 16;

  /** Records of one data source that are under way at once, so that it never has to wait. */
  private static final int BACKLOG = 64;

  private static final PrintStream OUT = System.out;

  private final Duration slice = Duration.ofSeconds(Integer.getInteger("sluice.bench.slice", 3));
  private final int rounds = Integer.getInteger("sluice.bench.rounds", 3);
  private final Duration warmUp =
      Duration.ofSeconds(Integer.getInteger("sluice.bench.warm-up", 10));

  private final Usage product;
  private final Follower follower;
  private final Updates updates;

  private Benchmark(Installation installation, Follower follower, Updates updates) {
    this.follower = follower;
    this.product = new Usage(installation.process().handle());
    this.updates = updates;
  }

  public static void main(String[] arguments) {
    Command.run(Benchmark::onServers);
  }

  private static void onServers() throws Exception {
    try (Installation installation = Installation.of(Benchmark::asInProduction);
        PostgresServer postgresql = PostgresServer.setup().start()) {
      long begun = System.nanoTime();
      installation.instance().start();
      OUT.printf(
          Locale.ROOT,
          "%nOn %s, %d processors, Java %s. Ready %.1f s after process start, on an empty store.%n%n",
          LocalDate.now(ZoneOffset.UTC),
          Runtime.getRuntime().availableProcessors(),
          System.getProperty("java.version"),
          (System.nanoTime() - begun) / 1e9);
      try (Follower follower = new Follower(installation);
          Updates updates = new Updates(installation, follower)) {
        Benchmark benchmark = new Benchmark(installation, follower, updates);
        benchmark.compare(
            List.of(
                Target.mariadb(installation, MOST_CLIENTS),
                Target.postgresql(installation, postgresql, MOST_CLIENTS)));
        OUT.printf("%nMost memory resident: %d MiB.%n", benchmark.product.highestResidentMib());
      }
    }
  }

  static void asInProduction(SluiceProcess.Setup setup) {
    setup
        .javaOptions("-Xmx192m", "-XX:+UseSerialGC")
        .setting("SLUICE_PROBE_MAX_TESTS_PER_TARGET", "16");
  }

  private void compare(List<Target> targets) {
    for (Target target : targets) {
      Crowd.run(4, warmUp, product, bare(target));
      Crowd.run(4, warmUp, product, updates.http(target));
      backlog(target, 4, warmUp);
    }
    OUT.println(
        "| driver | clients | bare/s | HTTP/s | ratio | added p50 | added p99 | CPU each |"
            + " Kafka/s | ratio | latency p50 | p99 | CPU each |");
    OUT.println("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (Target target : targets) {
      for (int clients : CLIENTS) {
        row(target, clients);
      }
    }
  }

  private void row(Target target, int clients) {
    Sample bare = new Sample();
    Sample http = new Sample();
    Sample kafka = new Sample();
    Sample single = new Sample();
    for (int round = 0; round < rounds; round++) {
      bare.merge(Crowd.run(clients, slice, product, bare(target)));
      http.merge(Crowd.run(clients, slice, product, updates.http(target)));
      kafka.merge(backlog(target, clients, slice));
      single.merge(Crowd.run(clients, slice, product, updates.oneByOne(target)));
    }
    OUT.printf(
        Locale.ROOT,
        "| %s | %d | %.0f | %.0f | %.2f | %.1f ms | %.1f ms | %.2f ms | %.0f | %.2f | %.1f ms | %.1f ms"
            + " | %.2f ms |%n",
        target.driver(),
        clients,
        bare.perSecond(),
        http.perSecond(),
        http.perSecond() / bare.perSecond(),
        http.millis(0.5) - bare.millis(0.5),
        http.millis(0.99) - bare.millis(0.99),
        http.cpuMillisEach(),
        kafka.perSecond(),
        kafka.perSecond() / bare.perSecond(),
        single.millis(0.5),
        single.millis(0.99),
        kafka.cpuMillisEach());
  }

  private static Crowd.Recruiter bare(Target target) {
    return number -> Updates.client(target::connect);
  }

  /** Each client's data source has records waiting all the time. Not for latencies. */
  private Sample backlog(Target target, int clients, Duration time) {
    return Crowd.run(
        clients,
        time,
        product,
        number -> {
          String id = target.ids().get(number);
          follower.clear(id);
          return new Crowd.Client() {
            private boolean begun;

            /** Nothing is under way before all begin: it would count as done in no time. */
            @Override
            public void act() throws Exception {
              for (int i = begun ? 1 : BACKLOG; i > 0; i--) {
                updates.send(id, target.json());
              }
              begun = true;
              follower.await(id, 1);
            }

            @Override
            public void close() throws Exception {
              follower.await(id, BACKLOG - 1);
            }
          };
        });
  }
}
