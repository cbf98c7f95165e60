package io.sluice.rig;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.rig.Evidence.Receipt;
import io.sluice.rig.Evidence.Vitals;
import io.sluice.servers.Alteration;
import io.sluice.servers.SluiceProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The promises hold while everything goes wrong. In the test command one seed and each fault once;
 * {@code -Dsluice.rig.seeds=10 -Dsluice.rig.minutes=60} shares an hour among ten seeds, with three
 * instances. {@code -Dsluice.rig.seed} repeats the schedule of one.
 */
final class RigTest {
  /** Wide enough that a kill at any moment often falls between two steps. */
  private static final Duration BETWEEN_STEPS = Duration.ofMillis(30);

  /** A frozen instance is frozen for longer than that and its lease. */
  private static final Duration LONGEST_TEST = Duration.ofSeconds(2);

  private static final Duration WARM_UP = Duration.ofSeconds(2);

  @Test
  void whatWasPromisedHoldsWhateverGoesWrong() throws Exception {
    int seeds = Integer.getInteger("sluice.rig.seeds", 1);
    long minutes = Long.getLong("sluice.rig.minutes", 0);
    long first = Long.getLong("sluice.rig.seed", System.nanoTime());
    for (int i = 0; i < seeds; i++) {
      run(first + i, Duration.ofMinutes(minutes).dividedBy(seeds));
    }
  }

  /**
   * @param length zero: each fault once, but a clean stop, for which there are other tests
   */
  private static void run(long seed, Duration length) throws Exception {
    System.out.println("-Dsluice.rig.seed=" + seed);
    boolean brief = length.isZero();
    long begin = System.nanoTime();
    try (Stand stand =
        new Stand(Plant.shared(), brief ? 2 : 3, LONGEST_TEST, RigTest::pauseBetweenSteps)) {
      stand.start();
      int survivor = Math.floorMod(seed, stand.instances().size());
      SluiceProcess surviving = stand.instances().get(survivor);
      Load load = new Load(stand, seed);
      load.start();
      LockSupport.parkNanos(WARM_UP.toNanos());
      stand.remember(surviving);
      System.out.println("warm after " + seconds(begin) + " s");
      Faults faults = new Faults(stand, seed, survivor);
      if (brief) {
        faults.each(List.copyOf(EnumSet.complementOf(EnumSet.of(Faults.Kind.TERMINATE))));
      } else {
        faults.until(begin + length.toNanos());
      }
      load.stop();
      System.out.println("calm after " + seconds(begin) + " s");
      stand.drain();
      System.out.println("drained after " + seconds(begin) + " s");
      Vitals after = stand.settled(surviving);
      Evidence evidence = stand.evidence(faults.count(), after);
      List<String> breaches = Rule.all(evidence);
      System.out.println(summary(seed, stand, faults, evidence, begin));
      assertThat(breaches).describedAs("-Dsluice.rig.seed=%s", seed).isEmpty();
      assertThat(evidence.versions()).hasSizeGreaterThan(Load.DATA_SOURCES.size());
      stand.retireKeys();
      for (String id : Load.DATA_SOURCES) {
        stand.open(id);
      }
      stand.assertNoSecretShows();
    }
  }

  private static long seconds(long since) {
    return TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - since);
  }

  private static String summary(
      long seed, Stand stand, Faults faults, Evidence evidence, long begin) {
    long distinct = evidence.delivered().stream().map(Evidence.Event::id).distinct().count();
    return "rig: seed "
        + seed
        + ", "
        + stand.instances().size()
        + " instances, "
        + seconds(begin)
        + " s\n  operations "
        + stand.history().counts()
        + "\n  faults     "
        + faults.counts()
        + "\n  updates    "
        + evidence.receipts().stream()
            .collect(Collectors.groupingBy(Receipt::state, Collectors.counting()))
        + ", "
        + evidence.versions().size()
        + " versions\n  events     "
        + distinct
        + " ids, "
        + (evidence.delivered().size() - distinct)
        + " repeats (at most "
        + evidence.repeatable()
        + "), "
        + evidence.deadLetters().size()
        + " dead letters\n  survivor   before "
        + evidence.before()
        + ", after "
        + evidence.after()
        + "\n  checked    "
        + List.of(Rule.values());
  }

  /** After each step that leaves something behind, the routes rest a moment. */
  private static void pauseBetweenSteps(SluiceProcess instance) {
    Path routes = instance.routes();
    String pause = Alteration.delay(BETWEEN_STEPS.toMillis());
    Alteration.after(routes.resolve("12-accept-kafka.camel.yaml"), "method: receive", pause);
    Alteration.after(routes.resolve("13-work-inbox.camel.yaml"), "method: open", pause);
    Alteration.after(routes.resolve("13-work-inbox.camel.yaml"), "method: claimed", pause);
    Alteration.after(routes.resolve("30-apply-update.camel.yaml"), "method: tested", pause);
    Alteration.after(routes.resolve("30-apply-update.camel.yaml"), "method: conclude", pause);
    Alteration.after(routes.resolve("60-publish-events.camel.yaml"), "method: sent", pause);
    Alteration.after(routes.resolve("60-publish-events.camel.yaml"), "method: marked", pause);
  }
}
