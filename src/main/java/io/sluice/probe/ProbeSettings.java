package io.sluice.probe;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The limits of a connection test.
 *
 * @param dns name lookup, of all names together
 * @param tcp from the first SYN to the connection, all addresses together
 * @param ssh each of the four SSH steps
 * @param tls from the connection to the end of the handshake
 * @param login login and choice of the database
 * @param query the validation query
 * @param total the whole test, whatever its steps are allowed
 * @param strictHostKeys refuse a bastion whose host key is not given, instead of pinning it
 * @param maxTests tests at once
 * @param maxSlowTests tests at once that are slow, beside maxTests
 * @param slowAfter a test that has taken as long is slow
 * @param maxTestsPerTarget tests at once of one host and port
 * @param lockoutWindow how long refused credentials are not tried again
 * @param queueWait how long a test waits for its turn before it is refused as overload
 * @param warnBefore how long before its end a certificate is worth a warning
 */
public record ProbeSettings(
    Duration dns,
    Duration tcp,
    Duration ssh,
    Duration tls,
    Duration login,
    Duration query,
    Duration total,
    boolean strictHostKeys,
    int maxTests,
    int maxSlowTests,
    Duration slowAfter,
    int maxTestsPerTarget,
    Duration lockoutWindow,
    Duration queueWait,
    Duration warnBefore) {

  private static final int MAX_SLOW_TESTS = 1250;
  private static final Duration SLOW_AFTER = Duration.ofMillis(100);

  /** A month is enough to renew a certificate. */
  private static final Duration WARN_BEFORE = Duration.ofDays(30);

  /** With the documented defaults for warnings and slow tests. */
  ProbeSettings(
      Duration dns,
      Duration tcp,
      Duration ssh,
      Duration tls,
      Duration login,
      Duration query,
      Duration total,
      boolean strictHostKeys,
      int maxTests,
      int maxTestsPerTarget,
      Duration lockoutWindow,
      Duration queueWait) {
    this(
        dns,
        tcp,
        ssh,
        tls,
        login,
        query,
        total,
        strictHostKeys,
        maxTests,
        MAX_SLOW_TESTS,
        SLOW_AFTER,
        maxTestsPerTarget,
        lockoutWindow,
        queueWait,
        WARN_BEFORE);
  }

  /**
   * @throws IllegalArgumentException naming every setting that is wrong
   */
  public ProbeSettings {
    List<String> problems = new ArrayList<>();
    Map<String, Duration> steps = new LinkedHashMap<>();
    steps.put("dns", dns);
    steps.put("tcp", tcp);
    steps.put("ssh", ssh);
    steps.put("tls", tls);
    steps.put("login", login);
    steps.put("query", query);
    steps.put("total", total);
    steps.forEach(
        (name, duration) -> {
          if (duration.compareTo(Duration.ofMillis(1)) < 0) {
            problems.add(name + " must be at least 1ms");
          } else if (duration.compareTo(total) > 0) {
            problems.add(name + " must not be greater than total");
          }
        });
    if (total.compareTo(Duration.ofMinutes(5)) > 0) {
      problems.add("total must not be greater than 5m");
    }
    if (maxTests < 1) {
      problems.add("max-tests must be at least 1");
    }
    if (maxSlowTests < 0) {
      problems.add("max-slow-tests must not be negative");
    }
    if (slowAfter.compareTo(Duration.ofMillis(1)) < 0) {
      problems.add("slow-after must be at least 1ms");
    }
    if (maxTestsPerTarget < 1 || maxTestsPerTarget > maxTests) {
      problems.add("max-tests-per-target must be from 1 to max-tests");
    }
    if (lockoutWindow.isNegative()) {
      problems.add("lockout-window must not be negative");
    }
    if (queueWait.isNegative() || queueWait.compareTo(Duration.ofMillis(500)) > 0) {
      problems.add("queue-wait must be from 0 to 500ms");
    }
    if (warnBefore.isNegative()) {
      problems.add("warn-before must not be negative");
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", problems));
    }
  }

  /** The documented defaults. */
  public static ProbeSettings defaults() {
    return new ProbeSettings(
        Duration.ofSeconds(2),
        Duration.ofSeconds(3),
        Duration.ofSeconds(5),
        Duration.ofSeconds(5),
        Duration.ofSeconds(5),
        Duration.ofSeconds(3),
        Duration.ofSeconds(15),
        false,
        32,
        2,
        Duration.ofSeconds(60),
        Duration.ofMillis(400));
  }
}
