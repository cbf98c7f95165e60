package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** However many tests one sender has that hang, another one gets a place. */
final class SharesTest {
  private static int entered(Shares shares, String sender) {
    int count = 0;
    while (shares.enter(sender, System.nanoTime())) {
      count++;
    }
    return count;
  }

  @Test
  void theOneWhoTakesAllLeavesPlacesToOthers() {
    Shares shares = new Shares(32);

    assertThat(entered(shares, "greedy")).isEqualTo(26);
    assertThat(entered(shares, "second")).isBetween(4, 6);
    assertThat(shares.enter("third", System.nanoTime())).isTrue();
  }

  @Test
  void aFewPlacesAreAllUsed() {
    assertThat(entered(new Shares(1), "only")).isEqualTo(1);
    assertThat(entered(new Shares(2), "only")).isEqualTo(2);
    assertThat(entered(new Shares(4), "only")).isEqualTo(4);
  }

  @Test
  void whatIsGivenBackIsThereForWhoeverWaits() throws Exception {
    Shares shares = new Shares(1);
    assertThat(shares.enter("first", System.nanoTime())).isTrue();
    CompletableFuture<Boolean> waits =
        CompletableFuture.supplyAsync(
            () -> shares.enter("second", System.nanoTime() + TimeUnit.SECONDS.toNanos(30)));

    shares.leave("first");

    assertThat(waits.get(30, TimeUnit.SECONDS)).isTrue();
    assertThat(shares.enter("first", System.nanoTime())).isFalse();
    shares.leave("second");
    assertThat(shares.enter("first", System.nanoTime())).isTrue();
  }

  @Test
  void thoseWhoWaitEnterInTheOrderOfTheirComing() {
    Shares shares = new Shares(1);
    assertThat(shares.enter("first", System.nanoTime())).isTrue();
    List<String> in = new CopyOnWriteArrayList<>();
    List<String> senders = List.of("second", "third", "fourth");
    senders.forEach(sender -> waits(shares, sender, in));

    shares.leave("first");
    for (int i = 0; i < senders.size(); i++) {
      int entered = i + 1;
      await().until(() -> in.size() >= entered);
      assertThat(in).containsExactlyElementsOf(senders.subList(0, entered));
      shares.leave(senders.get(i));
    }
    assertThat(shares.waiting()).isZero();
  }

  @Test
  void nobodyWaitsBehindOneWhoHasAllThatItMayHave() {
    Shares shares = new Shares(6);
    assertThat(entered(shares, "greedy")).isEqualTo(5);
    List<String> in = new CopyOnWriteArrayList<>();
    waits(shares, "greedy", in);

    assertThat(shares.enter("second", System.nanoTime())).isTrue();
    waits(shares, "second", in);
    shares.leave("second");
    await().until(() -> in.equals(List.of("second")));
    shares.leave("greedy");
    shares.leave("greedy");
    await().until(() -> in.equals(List.of("second", "greedy")));
  }

  /** One more that waits for a place, and says when it is in. */
  private static void waits(Shares shares, String sender, List<String> in) {
    int before = shares.waiting();
    new Thread(
            () -> {
              if (shares.enter(sender, System.nanoTime() + TimeUnit.SECONDS.toNanos(30))) {
                in.add(sender);
              }
            })
        .start();
    await().until(() -> shares.waiting() > before);
  }
}
