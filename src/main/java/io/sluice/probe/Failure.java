package io.sluice.probe;

import io.sluice.model.Field;
import io.sluice.model.Reason;

/**
 * Why a test ends, as its report will say it.
 *
 * @param field by its name in the native API; null: the reason's own
 * @param message null: the reason's own
 * @param hint null: the reason's own
 * @param retryable whether the same settings may pass later
 */
record Failure(Reason reason, String field, String message, String hint, boolean retryable) {
  Failure(Reason reason, Field field, String hint) {
    this(reason, field == null ? null : field.wireName(), null, hint, reason.retryable());
  }

  /** The same, to be mended in an option. */
  Failure inOption(String name) {
    return new Failure(reason, "options." + name, message, hint, retryable);
  }

  /** The same for a cause that waiting does not mend. */
  Failure lasting() {
    return new Failure(reason, field, message, hint, false);
  }

  /** The same for a cause that may be over by itself. */
  Failure perhapsLater() {
    return new Failure(reason, field, message, hint, true);
  }

  /** The same in a sentence of its own, where the catalogue's would say what did not happen. */
  Failure saying(String sentence) {
    return new Failure(reason, field, sentence, hint, retryable);
  }
}
