package io.sluice.probe;

import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Status;
import io.sluice.model.Report.Step;
import java.util.List;

/**
 * Makes a destination that the egress policy refuses look like a name that does not resolve, so
 * that callers without the scope for it cannot read the policy from tests: at the same step, with
 * the same reason, field, texts and times.
 */
public final class PolicyDisguise {
  /** What a hint at a hop says, after the hop before it, of one that the policy refuses. */
  static final String NO_WAY =
      " may not lead to it: ask the operator to allow the address, or use another host.";

  /** What it says of one whose name the hop before does not know. */
  static final String NO_NAME = " does not know its name.";

  /** What a hint says of a database whose name the last bastion does not know. */
  static final String NO_DATABASE_NAME = "The bastion does not know the database's host name.";

  private static final String ASK = Reason.POLICY_DENIED.hint();

  private PolicyDisguise() {}

  /** The report for a caller who may not know the policy. */
  public static Report of(Report report) {
    if (report.reason() != Reason.POLICY_DENIED) {
      return report;
    }
    Step denied =
        report.steps().stream()
            .filter(s -> s.status() == Status.FAILED)
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("A failed report has a failed step."));
    Step shown =
        switch (denied.step()) {
          case SSH_CONNECT -> unknown(denied, Reason.SSH_UNREACHABLE, NO_WAY, NO_NAME);
          case SSH_FORWARD -> unknown(denied, Reason.SSH_FORWARD_REFUSED, ASK, NO_DATABASE_NAME);
          // The policy itself takes no time: all of it went into the lookup, if there was one.
          default ->
              unknown(
                  at(Name.DNS, report.durationMs(), denied),
                  Reason.UNKNOWN_HOST,
                  ASK,
                  Reason.UNKNOWN_HOST.hint());
        };
    List<Step> steps =
        report.steps().stream()
            .map(
                s -> {
                  if (s.step() == shown.step()) {
                    return shown;
                  }
                  return s.step() == Name.POLICY ? Step.passed(Name.POLICY, 0, null) : s;
                })
            .toList();
    return new Report(
        report.status(),
        shown.reason(),
        report.durationMs(),
        report.testedAt(),
        report.target(),
        steps);
  }

  private static Step at(Name step, long durationMs, Step denied) {
    return new Step(
        step,
        Status.FAILED,
        durationMs,
        denied.reason(),
        denied.field(),
        denied.retryable(),
        denied.message(),
        denied.hint(),
        null,
        null);
  }

  private static Step unknown(Step denied, Reason reason, String hint, String shown) {
    return new Step(
        denied.step(),
        Status.FAILED,
        denied.durationMs(),
        reason,
        denied.field(),
        reason.retryable(),
        reason.message(),
        denied.hint().replace(hint, shown),
        null,
        null);
  }
}
