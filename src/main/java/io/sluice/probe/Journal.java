package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Status;
import io.sluice.model.Report.Step;
import io.sluice.model.Report.Warning;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * What one test has found so far.
 *
 * <p>The rule for the report: every step that applies to the connection is listed, in the order of
 * {@link Name}. Steps that do not apply are left out: the SSH steps without a bastion, {@code tls}
 * without TLS, {@code database} where no database is named. Once a step has failed, the later ones
 * are {@code skipped}. A step that needs no exchange of its own, because the peer answered it
 * together with the one before, passes in 0 ms.
 *
 * <p>The first failure stands: whoever comes later, be it the worker or the watchdog, changes
 * nothing. Thread-safe.
 */
final class Journal {
  private final List<Name> applicable;
  private final Map<Name, Step> done = new EnumMap<>(Name.class);
  private final Instant testedAt;
  private final String target;
  private final long startedNanos = System.nanoTime();
  private Name current;
  private long currentStartedNanos;
  private Reason failure;
  private long endedNanos;
  private boolean ended;

  Journal(Connection connection, String target, Clock clock) {
    this.target = target;
    this.testedAt = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    List<Name> names = new ArrayList<>();
    for (Name name : Name.values()) {
      if (applies(name, connection)) {
        names.add(name);
      }
    }
    this.applicable = names;
  }

  private static boolean applies(Name name, Connection connection) {
    return switch (name) {
      case POLICY, DNS, TCP, LOGIN, QUERY -> true;
      case SSH_CONNECT, SSH_HOSTKEY, SSH_AUTH, SSH_FORWARD -> connection.bastion() != null;
      case TLS -> connection.tls() != null;
      case DATABASE -> connection.database() != null;
    };
  }

  /**
   * Starts a step; the one before must have passed. A step that was taken already is taken again at
   * the next hop.
   *
   * @return false when the test has ended meanwhile: the worker must stop
   */
  synchronized boolean begin(Name name) {
    if (ended) {
      return false;
    }
    current = name;
    currentStartedNanos = System.nanoTime();
    return true;
  }

  /** The step that is under way; null before the first. */
  synchronized Name current() {
    return current;
  }

  /** Ends the step that is under way. {@code detail} may be null. */
  synchronized void pass(String detail, List<Warning> warnings) {
    if (!ended) {
      done.put(current, Step.passed(current, spent(current), detail, warnings));
    }
  }

  /** Notes a step that took no exchange of its own; does nothing where it does not apply. */
  synchronized void passAlong(Name name) {
    if (!ended && applicable.contains(name)) {
      done.put(name, Step.passed(name, 0, null));
    }
  }

  /**
   * Ends the test with a failure.
   *
   * @param name the step at fault: the current one, or one before or after it that the peer's
   *     answer speaks of
   * @param field null: the reason's own
   * @param hint null: the reason's own
   * @return false when the test had already ended
   */
  boolean fail(Name name, Reason reason, Field field, String hint) {
    return fail(name, new Failure(reason, field, hint));
  }

  /** As {@link #fail(Name, Reason, Field, String)}. */
  synchronized boolean fail(Name name, Failure why) {
    if (ended) {
      return false;
    }
    Name at = applicable.contains(name) ? name : current;
    for (Name each : applicable) {
      if (each.compareTo(at) < 0 && each.compareTo(current) >= 0 && !done.containsKey(each)) {
        // The peer has gone past these, else it could not have answered as it did.
        done.put(each, Step.passed(each, millisSince(currentStartedNanos), null));
      }
    }
    long millis = at == current ? spent(current) : 0;
    done.keySet().removeIf(each -> each.compareTo(at) > 0);
    done.put(
        at,
        Step.failed(
            at, millis, why.reason(), why.field(), why.message(), why.hint(), why.retryable()));
    failure = why.reason();
    end();
    return true;
  }

  /** Ends the test with the failure of a later step, of which nothing was tried. */
  synchronized void failAhead(Name name, Reason reason, Field field, String hint) {
    if (!ended) {
      done.put(name, Step.failed(name, 0, reason, field, hint));
      failure = reason;
      end();
    }
  }

  /** Ends the test as passed, unless it has ended already. */
  synchronized void succeed() {
    if (!ended) {
      end();
    }
  }

  synchronized boolean ended() {
    return ended;
  }

  private void end() {
    ended = true;
    endedNanos = System.nanoTime();
  }

  synchronized Report report() {
    List<Step> steps = new ArrayList<>(applicable.size());
    for (Name name : applicable) {
      Step step = done.get(name);
      steps.add(step == null ? Step.skipped(name) : step);
    }
    return new Report(
        failure == null ? Status.PASSED : Status.FAILED,
        failure,
        TimeUnit.NANOSECONDS.toMillis(endedNanos - startedNanos),
        testedAt,
        target,
        steps);
  }

  /** With what it took before: each SSH step is taken at every hop. */
  private long spent(Name name) {
    Step before = done.get(name);
    return millisSince(currentStartedNanos) + (before == null ? 0 : before.durationMs());
  }

  private static long millisSince(long nanos) {
    return TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - nanos);
  }
}
