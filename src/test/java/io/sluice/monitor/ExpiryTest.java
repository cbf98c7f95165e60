package io.sluice.monitor;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Step;
import io.sluice.model.Report.Warning;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** When the end of a certificate is worth an event. */
final class ExpiryTest {
  private static final List<Duration> TIMES =
      List.of(Duration.ofDays(30), Duration.ofDays(7), Duration.ofDays(1));

  private static Warning warning(String fingerprint, long daysLeft) {
    return new Warning("server", "ssl", daysLeft, fingerprint, "The certificate ends.");
  }

  private static Report report(Warning... warnings) {
    return new Report(
        Report.Status.PASSED,
        null,
        1,
        Instant.EPOCH,
        "postgresql://db:5432/shop",
        List.of(Step.passed(Name.TLS, 1, null, List.of(warnings))));
  }

  @Test
  void aCertificateIsToldOnceForEachTimeBeforeItsEndAndAtItsEnd() {
    Map<String, Long> told = Map.of();
    StringBuilder told30To1AndAfter = new StringBuilder();
    for (long daysLeft : new long[] {30, 28, 8, 7, 6, 2, 1, 1, -1, -2, -300}) {
      Expiry expiry = Expiry.of(told, TIMES, report(warning("a", daysLeft)));
      told30To1AndAfter.append(expiry.news() ? '!' : '.');
      told = expiry.told();
    }

    assertThat(told30To1AndAfter.toString()).isEqualTo("!..!..!.!..");
  }

  @Test
  void eachCertificateIsToldOnItsOwnAndOneThatWasReplacedIsForgotten() {
    Expiry first = Expiry.of(Map.of(), TIMES, report(warning("a", 20)));
    Expiry second = Expiry.of(first.told(), TIMES, report(warning("a", 19), warning("b", 25)));
    Expiry renewed = Expiry.of(second.told(), TIMES, report());

    assertThat(second.news()).isTrue();
    assertThat(second.told()).containsOnlyKeys("a", "b");
    assertThat(renewed.news()).isFalse();
    assertThat(renewed.told()).isEmpty();
  }

  @Test
  void aCheckThatSawNoCertificateForgetsNone() {
    Report down =
        new Report(
            Report.Status.FAILED,
            Reason.TIMEOUT,
            1,
            Instant.EPOCH,
            "postgresql://db:5432/shop",
            Stream.of(Step.failed(Name.TCP, 1, Reason.TIMEOUT, null, null), Step.skipped(Name.TLS))
                .toList());

    Expiry expiry = Expiry.of(Map.of("a", 30L), TIMES, down);

    assertThat(expiry.news()).isFalse();
    assertThat(expiry.told()).containsExactly(Map.entry("a", 30L));
  }
}
