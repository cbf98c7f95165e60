package io.sluice.bench;

import static org.awaitility.Awaitility.await;

import io.sluice.servers.Installation;
import io.sluice.servers.SluiceProcess;
import java.io.PrintStream;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * How much longer an update takes while a thousand others are in flight to targets that accept
 * connections and never answer.
 *
 * <p>Settings: {@code -Dsluice.bench.hanging} updates in flight (1000), {@code
 * -Dsluice.bench.slice} seconds of each measurement (20).
 */
public final class Isolation {
  private static final PrintStream OUT = System.out;
  private static final int CLIENTS = 2;
  private static final Duration RAMP = Duration.ofMinutes(2);

  private final int hanging = Integer.getInteger("sluice.bench.hanging", 1_000);
  private final Duration slice = Duration.ofSeconds(Integer.getInteger("sluice.bench.slice", 20));

  private final Installation installation;
  private final Follower follower;
  private final Updates updates;
  private final Usage product;
  private final Target target;

  private Isolation(Installation installation, Follower follower, Updates updates) {
    this.installation = installation;
    this.follower = follower;
    this.updates = updates;
    this.product = new Usage(installation.process().handle());
    this.target = Target.mariadb(installation, CLIENTS);
  }

  public static void main(String[] arguments) {
    Command.run(Isolation::onServers);
  }

  private static void onServers() throws Exception {
    try (Installation installation = Installation.of(Isolation::patient)) {
      installation.instance().start();
      try (Follower follower = new Follower(installation);
          Updates updates = new Updates(installation, follower)) {
        new Isolation(installation, follower, updates).measure();
      }
    }
  }

  /** Targets may hang for longer than is measured: what ends is another load than what waits. */
  private static void patient(SluiceProcess.Setup setup) {
    Benchmark.asInProduction(setup);
    setup
        .setting("SLUICE_PROBE_LOGIN", "120s")
        .setting("SLUICE_PROBE_TOTAL", "120s")
        .setting("SLUICE_INBOX_LEASE", "130s");
  }

  private void measure() {
    List<String> ids =
        IntStream.range(0, hanging).mapToObj(i -> installation.create(target.settings())).toList();
    http();
    kafka();
    Sample http = http();
    Sample kafka = kafka();
    OUT.printf(
        Locale.ROOT,
        "%nOn %s, %d processors, %d clients, %d updates in flight to targets that hang.%n%n",
        LocalDate.now(ZoneOffset.UTC),
        Runtime.getRuntime().availableProcessors(),
        CLIENTS,
        hanging);
    OUT.println("| updates | p50 | p99 | slowest |");
    OUT.println("|---|---|---|---|");
    print("HTTP, nothing hangs", http);
    print("Kafka, nothing hangs", kafka);
    try (Hanging crowd = new Hanging(installation, follower)) {
      crowd.byHttp(ids);
      measure("HTTP", crowd);
    }
    try (Hanging crowd = new Hanging(installation, follower)) {
      crowd.byKafka(ids, updates);
      measure("Kafka", crowd);
    }
    OUT.printf("%nMost memory resident: %d MiB.%n", product.highestResidentMib());
  }

  private void measure(String way, Hanging crowd) {
    long begun = System.nanoTime();
    await().atMost(RAMP).until(() -> crowd.connections() >= hanging);
    OUT.printf(Locale.ROOT, "All in flight after %.1f s.%n", (System.nanoTime() - begun) / 1e9);
    print("HTTP, while those by " + way + " hang", http());
    print("Kafka, while those by " + way + " hang", kafka());
    OUT.printf("Ended by status: %s, connections: %d.%n", crowd.answers(), crowd.connections());
  }

  private static void print(String name, Sample sample) {
    OUT.printf(
        Locale.ROOT,
        "| %s | %.1f ms | %.1f ms | %.1f ms |%n",
        name,
        sample.millis(0.5),
        sample.millis(0.99),
        sample.millis(1));
  }

  private Sample http() {
    return Crowd.run(CLIENTS, slice, product, updates.http(target));
  }

  private Sample kafka() {
    return Crowd.run(CLIENTS, slice, product, updates.oneByOne(target));
  }
}
