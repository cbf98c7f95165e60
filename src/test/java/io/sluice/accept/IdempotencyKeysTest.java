package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;

final class IdempotencyKeysTest {
  private final IdempotencyKeys keys =
      new IdempotencyKeys(null, null, null, Duration.ofSeconds(20));

  private final Submission claimed =
      new Submission(
          UUID.randomUUID(),
          Intake.HTTP,
          Operation.UPDATE,
          "w",
          "d",
          null,
          "a",
          null,
          false,
          "a:key",
          1L);

  @Test
  void aKeyIsGivenBackAfterARefusalThatCameBeforeAnyTest() {
    assertThat(keys.forget(claimed, Refusal.because(Reason.NOT_FOUND)).name())
        .isEqualTo("release-key");
    assertThat(keys.forget(null, Refusal.because(Reason.NOT_FOUND))).isNull();
  }

  /** Asked once more, a store that is away would keep the sender waiting for twice the limit. */
  @Test
  void aStoreThatIsAwayIsNotAskedToTakeAKeyBack() {
    assertThat(keys.forget(claimed, new SQLTransientConnectionException("away"))).isNull();
  }
}
