package io.sluice.accept;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The query parameters of a native operation; one that the operation does not know is an error. */
final class Query {
  private final Map<String, List<String>> values;
  private final List<FieldError> errors = new ArrayList<>();

  Query(HttpRequest request, Set<String> known) {
    values = decoded(request.query());
    values.forEach(
        (name, given) -> {
          if (!known.contains(name)) {
            errors.add(error(name, Reason.UNKNOWN_FIELD, "This parameter is not known here."));
          } else if (given.size() > 1) {
            errors.add(error(name, Reason.DUPLICATE_FIELD, "Send this parameter once."));
          }
        });
  }

  private static Map<String, List<String>> decoded(String query) {
    if (query == null || query.isEmpty()) {
      return Map.of();
    }
    try {
      return new QueryStringDecoder(query, false).parameters();
    } catch (IllegalArgumentException e) {
      throw Refusal.because(Reason.MALFORMED_BODY, "The query is not percent-encoded correctly.");
    }
  }

  /** The value, or null where it is absent. */
  String text(String name) {
    List<String> given = values.get(name);
    return given == null ? null : given.get(0);
  }

  int number(String name, int absent, int least, int most) {
    String text = text(name);
    if (text == null) {
      return absent;
    }
    try {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Reported below, together with what is out of range.
    }
    errors.add(
        error(
            name, Reason.INVALID_FIELD, "Send a whole number from " + least + " to " + most + "."));
    return absent;
  }

  boolean flag(String name) {
    String text = text(name);
    if (text != null && !text.equals("true") && !text.equals("false")) {
      errors.add(error(name, Reason.INVALID_FIELD, "Send true or false."));
    }
    return "true".equals(text);
  }

  /** One of the words, or null where it is absent. */
  String word(String name, Set<String> words) {
    String text = text(name);
    if (text != null && !words.contains(text)) {
      errors.add(
          error(
              name, Reason.INVALID_FIELD, "Send " + String.join(" or ", words) + ", or nothing."));
    }
    return text;
  }

  /** Refuses the request if anything in its query was wrong. */
  void check() {
    if (!errors.isEmpty()) {
      throw Refusal.ofFields(errors);
    }
  }

  private static FieldError error(String name, Reason reason, String message) {
    String shown = name.length() > 64 ? name.substring(0, 64) : name;
    return new FieldError(shown.replaceAll("\\p{Cntrl}", "?"), reason, message);
  }
}
