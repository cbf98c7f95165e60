package io.sluice.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.store.DataSource;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a row of checks makes of a status. */
final class VerdictTest {
  private static final Duration INTERVAL = Duration.ofMinutes(10);
  private static final Duration CONFIRM = Duration.ofSeconds(30);
  private static final Duration REFUSED = Duration.ofHours(1);

  private static MonitorSettings settings(int threshold, int window) {
    return new MonitorSettings(
        true,
        INTERVAL,
        Duration.ZERO,
        CONFIRM,
        REFUSED,
        threshold,
        window,
        4,
        Duration.ofSeconds(1),
        Duration.ofSeconds(30),
        List.of(Duration.ofDays(30)),
        CONFIRM,
        REFUSED);
  }

  private static Report report(Reason reason) {
    Report.Status status = reason == null ? Report.Status.PASSED : Report.Status.FAILED;
    return new Report(status, reason, 1, Instant.EPOCH, "mariadb://db:3306", List.of());
  }

  /** The status after each check: {@code u} unreachable, {@code r} reachable. */
  private static String statuses(int threshold, int window, String checks) {
    List<String> seen = new ArrayList<>();
    String status = DataSource.REACHABLE;
    String outcomes = "";
    for (int i = 0; i < checks.length(); i++) {
      Report report = report(checks.charAt(i) == '+' ? null : Reason.CONNECTION_REFUSED);
      Verdict verdict = Verdict.of(settings(threshold, window), status, outcomes, report);
      assertThat(verdict.turned()).isEqualTo(!verdict.status().equals(status));
      status = verdict.status();
      outcomes = verdict.outcomes();
      seen.add(status.substring(0, 1));
    }
    return String.join("", seen);
  }

  @ParameterizedTest
  @CsvSource({
    // A blip, alone or now and then, is not told.
    "2, 3, -++-++-, rrrrrrr",
    // Twice within three checks is.
    "2, 3, --, ru",
    "2, 3, -+-, rru",
    // The way back needs as much, and what was before the change does not count.
    "2, 3, --+-+, ruuur",
    "2, 3, --++--, ruurru",
    "1, 1, -+-, uru",
    "1, 3, -++, urr",
    "3, 3, --+---, rrrrru",
    "3, 5, -+-+-, rrrru",
  })
  void aStatusChangesWhenEnoughOfTheLatestChecksContradictIt(
      int threshold, int window, String checks, String expected) {
    assertThat(statuses(threshold, window, checks)).isEqualTo(expected);
  }

  @Test
  void aCheckThatContradictsTheStatusIsRepeatedSoonAndOneThatConfirmsItIsNot() {
    MonitorSettings settings = settings(2, 3);

    Verdict doubt =
        Verdict.of(settings, DataSource.REACHABLE, "+", report(Reason.CONNECTION_REFUSED));
    Verdict turned =
        Verdict.of(settings, DataSource.REACHABLE, "-", report(Reason.CONNECTION_REFUSED));
    Verdict still =
        Verdict.of(settings, DataSource.UNREACHABLE, "", report(Reason.CONNECTION_REFUSED));

    assertThat(doubt.pause()).isEqualTo(CONFIRM);
    assertThat(turned.pause()).isEqualTo(INTERVAL);
    assertThat(still.pause()).isEqualTo(INTERVAL);
  }

  @ParameterizedTest
  @EnumSource(names = {"AUTH_FAILED", "SSH_AUTH_FAILED", "TLS_CLIENT_CERT_REFUSED"})
  void aRefusedLoginCountsAtOnceAndIsLeftAlone(Reason reason) {
    Verdict verdict = Verdict.of(settings(3, 5), DataSource.REACHABLE, "+++++", report(reason));
    Verdict again = Verdict.of(settings(3, 5), DataSource.UNREACHABLE, "", report(reason));

    assertThat(verdict.turned()).isTrue();
    assertThat(verdict.pause()).isEqualTo(REFUSED);
    assertThat(again.turned()).isFalse();
    assertThat(again.pause()).isEqualTo(REFUSED);
  }

  @Test
  void settingsThatContradictEachOtherAreAllNamed() {
    assertThatThrownBy(
            () ->
                new MonitorSettings(
                    true,
                    CONFIRM,
                    INTERVAL,
                    INTERVAL,
                    Duration.ofSeconds(1),
                    4,
                    3,
                    4,
                    CONFIRM,
                    CONFIRM,
                    List.of(),
                    CONFIRM,
                    REFUSED))
        .hasMessageContaining("jitter must not be greater than interval")
        .hasMessageContaining("confirm must not be greater than interval")
        .hasMessageContaining("refused must not be less than interval")
        .hasMessageContaining("threshold must not be greater than window");
  }
}
