package io.sluice.accept;

import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Status;
import io.sluice.model.Report.Step;
import java.util.List;

/**
 * Makes a destination that the egress policy refuses look like a name that does not resolve, so
 * that callers without the scope for it cannot map the network with tests.
 */
final class PolicyDisguise {
  /** The fields that name a bastion. */
  private static final List<String> BASTION =
      List.of(Field.SSH_HOST.wireName(), Field.SSH_JUMP.wireName());

  private PolicyDisguise() {}

  static Report of(Report report) {
    if (report.reason() != Reason.POLICY_DENIED) {
      return report;
    }
    Step denied =
        report.steps().stream()
            .filter(s -> s.status() == Status.FAILED)
            .findFirst()
            .orElseThrow(() -> new IllegalArgumentException("A failed report has a failed step."));
    Reason shown = BASTION.contains(denied.field()) ? Reason.SSH_UNREACHABLE : Reason.UNKNOWN_HOST;
    List<Step> steps =
        report.steps().stream()
            .map(
                s -> {
                  if (s.step() == Name.POLICY) {
                    return Step.passed(Name.POLICY, 0, null);
                  }
                  return s.step() == Name.DNS ? Step.failed(Name.DNS, 0, shown, null, null) : s;
                })
            .toList();
    return new Report(report.status(), shown, 0, report.testedAt(), report.target(), steps);
  }
}
