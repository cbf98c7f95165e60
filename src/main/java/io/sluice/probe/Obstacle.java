package io.sluice.probe;

import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import java.io.IOException;

/** Why a host was not reached; whoever wanted to go there decides what that means for the test. */
final class Obstacle extends IOException {
  private static final long serialVersionUID = 1L;

  private final Name step;
  private final Reason reason;
  private final Field field;
  private final String hint;

  /**
   * @param step the step at fault; null: the one under way
   * @param field null: the reason's own
   * @param hint null: the reason's own
   */
  Obstacle(Name step, Reason reason, Field field, String hint) {
    super(reason.name());
    this.step = step;
    this.reason = reason;
    this.field = field;
    this.hint = hint;
  }

  /** Ends the test with this failure. */
  TestEnded end(TestRun run) {
    run.journal().fail(step == null ? run.journal().current() : step, reason, field, hint);
    return new TestEnded();
  }

  /** The same obstacle, on the way to a host that the settings do not name. */
  Obstacle onTheWayTo(String host) {
    String where = "The service also needs " + host + ", which is where this happened.";
    return new Obstacle(step, reason, field, hint == null ? where : where + " " + hint);
  }
}
