package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.accept.Api.Answer;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SluiceProcess;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What is too much is refused soon, and not absorbed. */
class OverloadTest {
  private static final Api API = new Api(SluiceProcess.shared());
  private static final int CALLERS = 24;
  private static final int PLACES = 2;

  /** The promise is half a second; the rest is the clients', which share the machine. */
  private static final Duration REFUSED_WITHIN = Duration.ofSeconds(1);

  private static final Duration LIMIT = Duration.ofMinutes(2);

  private record Timed(Answer answer, Duration took) {}

  @Test
  void testsBeyondTheirPlacesAreRefusedSoonAndToldToComeAgain() {
    // The first calls of a process and a machine with other work take their own time.
    await("refusals in time")
        .atMost(LIMIT)
        .untilAsserted(OverloadTest::assertRefusedSoonAndToldToComeAgain);
  }

  private static void assertRefusedSoonAndToldToComeAgain() {
    ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
    try (MuteServer mute = MuteServer.start()) {
      List<CompletableFuture<Timed>> calls =
          IntStream.range(0, CALLERS)
              .mapToObj(i -> CompletableFuture.supplyAsync(() -> test(mute, i), callers))
              .toList();
      List<Timed> all = calls.stream().map(CompletableFuture::join).toList();
      List<Timed> refused = all.stream().filter(t -> t.answer().status() == 503).toList();
      assertThat(refused).hasSizeBetween(CALLERS - PLACES, CALLERS - 1);
      assertThat(refused)
          .allSatisfy(
              timed -> {
                assertThat(timed.answer().reason()).isEqualTo("OVERLOADED");
                assertThat(timed.answer().header("Retry-After")).isNotBlank();
                assertThat(timed.took()).isLessThan(REFUSED_WITHIN);
              });
    } finally {
      callers.shutdownNow();
    }
  }

  private static Timed test(MuteServer mute, int number) {
    long begin = System.nanoTime();
    Answer answer =
        API.request("POST", "/datasources/test")
            .admin()
            .json(
                Api.JSON.valueToTree(
                    Map.of(
                        "driver",
                        "mariadb",
                        "host",
                        mute.host(),
                        "port",
                        mute.port(),
                        "database",
                        "shop",
                        "username",
                        "caller" + number,
                        "password",
                        "password of caller " + number)))
            .send();
    return new Timed(answer, Duration.ofNanos(System.nanoTime() - begin));
  }
}
