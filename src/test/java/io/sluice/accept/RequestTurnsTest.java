package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.accept.RequestTurns.Turn;
import io.sluice.accept.RequestTurns.Waiting;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who is worked when, and who is not. */
class RequestTurnsTest {
  private final RequestTurns turns = new RequestTurns(2);
  private final List<String> worked = new ArrayList<>();
  private final List<Turn> held = new ArrayList<>();

  private Waiting ask(String name) {
    return turns.ask(
        turn -> {
          worked.add(name);
          held.add(turn);
          return !name.startsWith("no thread");
        });
  }

  @Test
  void thoseWhoWaitAreWorkedInTheOrderOfTheirComing() {
    assertThat(ask("first")).isNull();
    assertThat(ask("second")).isNull();
    assertThat(ask("third")).isNotNull();
    assertThat(ask("fourth")).isNotNull();
    assertThat(worked).containsExactly("first", "second");

    held.get(1).leave();
    assertThat(worked).containsExactly("first", "second", "third");
    held.get(0).leave();
    assertThat(worked).containsExactly("first", "second", "third", "fourth");
  }

  @Test
  void whoGaveUpIsNotWorked() {
    ask("first");
    ask("second");
    Waiting third = ask("third");
    ask("fourth");

    assertThat(turns.giveUp(third)).isTrue();
    held.get(0).leave();

    assertThat(worked).containsExactly("first", "second", "fourth");
    assertThat(turns.giveUp(third)).isFalse();
  }

  @Test
  void aTurnThatIsLeftTwiceIsPassedOnOnce() {
    ask("first");
    ask("second");
    ask("third");
    ask("fourth");

    held.get(0).leave();
    held.get(0).leave();

    assertThat(worked).containsExactly("first", "second", "third");
  }

  @Test
  void whatCannotBeginLeavesItsTurnToTheNextHoweverManyThereAre() {
    ask("first");
    ask("second");
    for (int i = 0; i < 100_000; i++) {
      ask("no thread " + i);
    }
    ask("third");

    held.get(0).leave();

    assertThat(worked).hasSize(100_003).endsWith("third");
    held.get(1).leave();
    assertThat(ask("no thread")).isNull();
    assertThat(ask("fourth")).isNull();
    assertThat(worked).endsWith("fourth");
  }

  @Test
  void aTurnThatNobodyWaitsForIsThereForTheNext() {
    ask("first");
    ask("second");
    held.get(0).leave();

    assertThat(ask("third")).isNull();
    assertThat(worked).containsExactly("first", "second", "third");
  }
}
