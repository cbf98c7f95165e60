package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.model.Refusal;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Tests that wait for their targets keep no other waiting. */
final class TurnstileTest {
  private static final String SENDER = "sender";

  private static Turnstile.Pass enter(Turnstile turnstile, String target) {
    return turnstile.enter(target, SENDER, System.nanoTime());
  }

  @Test
  void aSlowTestLeavesItsPlaceToAnother() {
    Turnstile turnstile = new Turnstile(1, 2, 1);
    Turnstile.Pass first = enter(turnstile, "a");
    assertThatThrownBy(() -> enter(turnstile, "b")).isInstanceOf(Refusal.class);

    assertThat(first.slow()).isTrue();
    Turnstile.Pass second = enter(turnstile, "b");
    assertThat(second.slow()).isTrue();
    Turnstile.Pass third = enter(turnstile, "c");

    // No more slow ones than configured.
    assertThat(third.slow()).isFalse();
    assertThatThrownBy(() -> enter(turnstile, "d")).isInstanceOf(Refusal.class);
    first.leave();
    second.leave();
    third.leave();
    assertThat(turnstile.targets()).isZero();
    enter(turnstile, "d").leave();
  }

  @Test
  void aSlowTestKeepsItsPlaceWithItsTarget() {
    Turnstile turnstile = new Turnstile(4, 4, 1);
    Turnstile.Pass first = enter(turnstile, "a");

    assertThat(first.slow()).isTrue();

    assertThatThrownBy(() -> enter(turnstile, "a")).isInstanceOf(Refusal.class);
    first.leave();
    enter(turnstile, "a").leave();
  }

  @Test
  void aTargetThatWasQuickFindsAPlaceAmongManyUnknownOnes() {
    Turnstile turnstile = new Turnstile(32, 0, 2);
    enter(turnstile, "quick").leave();
    int unknown = 0;
    try {
      while (true) {
        enter(turnstile, "unknown " + unknown);
        unknown++;
      }
    } catch (Refusal refusal) {
      assertThat(unknown).isGreaterThan(16);
    }

    Turnstile.Pass pass = enter(turnstile, "quick");

    // Once it hangs it is like the others.
    assertThat(pass.slow()).isFalse();
    pass.leave();
    assertThatThrownBy(() -> enter(turnstile, "quick")).isInstanceOf(Refusal.class);
  }

  @Test
  void whatIsOverIsNotSlow() {
    Turnstile turnstile = new Turnstile(1, 1, 1);
    Turnstile.Pass first = enter(turnstile, "a");
    first.leave();

    assertThat(first.slow()).isFalse();

    Turnstile.Pass second = enter(turnstile, "a");
    assertThat(second.slow()).isTrue();
    second.leave();
    assertThat(enter(turnstile, "b").slow()).isTrue();
  }

  @Test
  void fewWaitForATargetWhoseTestsAreAllSlow() throws Exception {
    Turnstile turnstile = new Turnstile(4, 4, 1);
    Turnstile.Pass first = enter(turnstile, "a");
    first.slow();
    long patience = Duration.ofSeconds(30).toNanos();
    Thread waits =
        new Thread(() -> turnstile.enter("a", SENDER, System.nanoTime() + patience).leave());
    waits.start();
    await().until(() -> waits.getState() == Thread.State.TIMED_WAITING);

    // Or this would take half a minute.
    long begun = System.nanoTime();
    assertThatThrownBy(() -> turnstile.enter("a", SENDER, begun + patience))
        .isInstanceOf(Refusal.class);
    assertThat(System.nanoTime() - begun).isLessThan(patience / 2);

    first.leave();
    waits.join();
    assertThat(turnstile.targets()).isZero();
  }
}
