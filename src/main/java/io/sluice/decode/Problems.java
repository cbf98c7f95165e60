package io.sluice.decode;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.ZohoError;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Collects what is wrong with the fields of one document, so that its sender sees all at once. */
final class Problems {
  private final List<FieldError> errors = new ArrayList<>();
  private ZohoError firstZohoError;

  /**
   * @param name the field's name as the sender wrote it
   * @param rule the end of a sentence that begins with the name; never a submitted value
   */
  void add(String name, Reason reason, ZohoError zohoError, String rule) {
    if (errors.size() == Refusal.MAX_ERRORS) {
      return;
    }
    if (errors.isEmpty()) {
      firstZohoError = zohoError;
    }
    String shown = Characters.shown(name);
    errors.add(new FieldError(shown, reason, shown + " " + rule + "."));
  }

  void add(String name, Reason reason, String rule) {
    add(name, reason, ZohoError.of(reason), rule);
  }

  void wrongType(String name, String rule) {
    add(name, Reason.INVALID_FIELD, ZohoError.UNABLE_TO_PARSE_DATA_TYPE, rule);
  }

  void tooLong(String name, int maxLength) {
    add(
        name,
        Reason.INVALID_FIELD,
        ZohoError.MORE_THAN_MAX_LENGTH,
        "must have at most " + maxLength + " characters");
  }

  /**
   * Adds what a grammar found.
   *
   * @return whether it found nothing
   */
  boolean none(String name, ZohoError zohoError, Optional<String> rule) {
    rule.ifPresent(r -> add(name, Reason.INVALID_FIELD, zohoError, r));
    return rule.isEmpty();
  }

  /**
   * @throws Refusal when there was any problem
   */
  void refuseIfAny() {
    if (!errors.isEmpty()) {
      throw Refusal.ofFields(errors, firstZohoError);
    }
  }
}
