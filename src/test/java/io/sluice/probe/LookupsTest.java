package io.sluice.probe;

import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A resolver that hangs holds up its own test for the step's time, and nobody else. */
class LookupsTest {
  private static final Duration STEP = Duration.ofMillis(150);

  private final CountDownLatch answer = new CountDownLatch(1);
  private final AtomicInteger asked = new AtomicInteger();

  /** Answers names that begin with "fast" at once, and others when the test is over. */
  private InetAddress[] lookUp(String name) throws UnknownHostException {
    asked.incrementAndGet();
    while (!name.startsWith("fast") && answer.getCount() > 0) {
      try {
        answer.await();
      } catch (InterruptedException e) {
        // As deaf as the system's resolver.
      }
    }
    return new InetAddress[] {InetAddress.getByAddress(name, new byte[] {127, 0, 0, 1})};
  }

  @AfterEach
  void release() {
    answer.countDown();
  }

  /** All of this JVM: a prober of another test may not have ended its own yet. */
  private static Set<Thread> lookupThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("probe-lookup-"))
        .collect(toSet());
  }

  private static Set<Thread> lookupThreadsBut(Set<Thread> others) {
    Set<Thread> threads = lookupThreads();
    threads.removeAll(others);
    return threads;
  }

  @Test
  void aHangingLookupIsATimeoutOfItsStepAndGivesItsPlaceBack() {
    ProbeSettings oneAtOnce =
        new ProbeSettings(
            STEP,
            STEP,
            STEP,
            STEP,
            STEP,
            STEP,
            STEP.multipliedBy(10),
            false,
            1,
            1,
            Duration.ZERO,
            Duration.ofMillis(500));
    try (Prober prober =
        new Prober(Probe.DRIVERS, Probe.LOOPBACK, oneAtOnce, Clock.systemUTC(), this::lookUp)) {
      for (int i = 0; i < 3; i++) {
        Tested tested = prober.test(Probe.target("mariadb", "slow.example", 1).build());
        assertThat(Probe.steps(tested)).startsWith("policy passed", "dns TIMEOUT", "tcp skipped");
      }
      Tested tested = prober.test(Probe.target("mariadb", "fast.example", 1).build());
      assertThat(Probe.steps(tested)).startsWith("policy passed", "dns passed");
    }
  }

  @Test
  void hangingLookupsTakeABoundedNumberOfThreadsAndLeaveNoneBehind() throws Exception {
    Set<Thread> others = lookupThreads();
    try (Lookups lookups = new Lookups(this::lookUp, 2)) {
      for (int i = 0; i < 6; i++) {
        assertThatThrownBy(() -> lookups.addresses("slow.example", STEP))
            .isInstanceOf(TimeoutException.class);
      }
      assertThat(asked).hasValue(2);
      assertThat(lookupThreadsBut(others)).hasSize(2);

      answer.countDown();
      assertThat(lookups.addresses("fast.example", Duration.ofSeconds(5)))
          .isEqualTo(List.of(InetAddress.getByAddress(new byte[] {127, 0, 0, 1})));
    }
    Awaitility.await().until(() -> lookupThreadsBut(others).isEmpty());
  }
}
