package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
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
}
