package io.sluice.monitor;

import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.store.DataSource;
import java.time.Duration;

/**
 * What a check means for the status of its data source.
 *
 * @param status after the check
 * @param outcomes of the latest checks since the status last changed, the latest last: {@code +}
 *     passed, {@code -} failed
 * @param turned whether the status changed
 * @param pause until the next check, without jitter
 */
record Verdict(String status, String outcomes, boolean turned, Duration pause) {
  private static final char PASSED = '+';
  private static final char FAILED = '-';

  /**
   * A status changes when enough of the latest checks contradict it, so that a blip changes
   * nothing. A refused login is no blip, and trying it again to be sure could lock the account: one
   * is enough, and the next one waits.
   */
  static Verdict of(MonitorSettings settings, String status, String outcomes, Report report) {
    boolean reachable = status.equals(DataSource.REACHABLE);
    boolean refused = !report.passed() && report.reason().refusesLogin();
    String all = outcomes + (report.passed() ? PASSED : FAILED);
    String latest = all.substring(Math.max(0, all.length() - settings.window()));
    boolean contradicts = report.passed() != reachable;
    char against = reachable ? FAILED : PASSED;
    boolean enough = latest.chars().filter(c -> c == against).count() >= settings.threshold();
    boolean turned = contradicts && (refused || enough);
    Duration pause = contradicts && !turned ? settings.confirm() : settings.interval();
    return new Verdict(
        turned ? (reachable ? DataSource.UNREACHABLE : DataSource.REACHABLE) : status,
        turned ? "" : latest,
        turned,
        refused ? settings.refused() : pause);
  }

  /** Whether the test came to nothing for a cause on this side, so that it decides nothing. */
  static boolean saysNothing(Report report) {
    return report.reason() == Reason.LOCKOUT_GUARD
        || report.reason() == Reason.DRIVER_UNSUPPORTED
        || report.reason() == Reason.INTERNAL;
  }
}
