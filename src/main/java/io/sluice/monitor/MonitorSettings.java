package io.sluice.monitor;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * How stored connections are tested again.
 *
 * @param enabled whether this instance checks at all
 * @param interval from one check of a data source to the next
 * @param jitter by how much, at most, that is longer or shorter
 * @param confirm from a check that contradicts the status to the next one
 * @param refused from a refused login to the next one with the same credentials
 * @param threshold so many of the latest {@code window} checks have to contradict the status before
 *     it changes
 * @param checks at once, in this instance; and so many attempts of pending changes
 * @param poll how often due checks are looked for
 * @param lease for so long a check is its instance's
 * @param expiry how long before its end a certificate is announced, once each
 * @param pendingRetry from one attempt of a pending change to the next
 * @param pendingKeep for so long a change stays pending
 */
public record MonitorSettings(
    boolean enabled,
    Duration interval,
    Duration jitter,
    Duration confirm,
    Duration refused,
    int threshold,
    int window,
    int checks,
    Duration poll,
    Duration lease,
    List<Duration> expiry,
    Duration pendingRetry,
    Duration pendingKeep) {

  /** How many of the latest checks are remembered at most. */
  public static final int MAX_WINDOW = 32;

  /**
   * @throws IllegalArgumentException naming every setting that does not fit to the others
   */
  public MonitorSettings {
    expiry = List.copyOf(expiry);
    List<String> problems = new ArrayList<>();
    if (jitter.compareTo(interval) > 0) {
      problems.add("jitter must not be greater than interval");
    }
    if (confirm.compareTo(interval) > 0) {
      problems.add("confirm must not be greater than interval");
    }
    if (refused.compareTo(interval) < 0) {
      problems.add("refused must not be less than interval");
    }
    if (threshold > window) {
      problems.add("threshold must not be greater than window");
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
  }

  /** The longest time that may pass between two checks of a data source, or that one may take. */
  Duration longestPause() {
    return longer(lease, refused.plus(jitter));
  }

  /**
   * The longest time that may pass between two attempts of a pending change, or that one may take.
   */
  Duration longestPendingPause() {
    return longer(lease, pendingRetry);
  }

  private static Duration longer(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? other : one;
  }
}
