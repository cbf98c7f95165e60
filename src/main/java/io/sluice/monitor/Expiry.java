package io.sluice.monitor;

import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Status;
import io.sluice.model.Report.Step;
import io.sluice.model.Report.Warning;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Which certificates of a data source were announced as ending, so that each is announced once for
 * each time before its end.
 *
 * @param told by the certificate's fingerprint, the time before its end, in days, that was
 *     announced last
 * @param news whether something in there is new
 */
record Expiry(Map<String, Long> told, boolean news) {

  /**
   * @param before what was told so far
   * @param times before a certificate's end; its end itself is one always
   */
  static Expiry of(Map<String, Long> before, List<Duration> times, Report report) {
    Step tls =
        report.steps().stream()
            .filter(step -> step.step() == Name.TLS && step.status() == Status.PASSED)
            .findFirst()
            .orElse(null);
    if (tls == null) {
      return new Expiry(before, false);
    }
    Map<String, Long> told = new TreeMap<>();
    boolean news = false;
    for (Warning warning : tls.warnings() == null ? List.<Warning>of() : tls.warnings()) {
      long time = time(warning, times);
      Long last = before.get(warning.fingerprint());
      news |= last == null || time < last;
      told.merge(warning.fingerprint(), last == null ? time : Math.min(time, last), Math::min);
    }
    return new Expiry(told, news);
  }

  /** The shortest of the times that has begun; days that have begun are counted whole. */
  private static long time(Warning warning, List<Duration> times) {
    return Stream.concat(times.stream().map(Duration::toDays), Stream.of(0L))
        .filter(days -> warning.daysLeft() <= days)
        .min(Long::compare)
        .orElse(Long.MAX_VALUE);
  }
}
