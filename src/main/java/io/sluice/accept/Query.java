package io.sluice.accept;

import io.netty.handler.codec.http.QueryStringDecoder;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** The query parameters of a native operation; one that the operation does not know is an error. */
final class Query {
  private static final int NAME_CHARACTERS = 64;

  /** What a log line or a terminal would not show as it is. */
  private static final Pattern NOT_SHOWN = Pattern.compile("[\\p{C}\\p{Zl}\\p{Zp}]");

  private final Map<String, List<String>> values;
  private final List<FieldError> errors = new ArrayList<>();

  Query(HttpRequest request, Set<String> known) {
    values = decoded(request.query());
    values.forEach(
        (name, given) -> {
          if (!known.contains(name)) {
            errors.add(error(name, Reason.UNKNOWN_FIELD, "is not a parameter of this operation"));
          } else if (given.size() > 1) {
            errors.add(error(name, Reason.DUPLICATE_FIELD, "is given twice"));
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

  long number(String name, long absent, long least, long most) {
    String text = text(name);
    if (text == null) {
      return absent;
    }
    try {
      long number = Long.parseLong(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Reported below, together with what is out of range.
    }
    errors.add(
        error(name, Reason.INVALID_FIELD, "must be a whole number from " + least + " to " + most));
    return absent;
  }

  boolean flag(String name) {
    String text = text(name);
    if (text != null && !text.equals("true") && !text.equals("false")) {
      errors.add(error(name, Reason.INVALID_FIELD, "must be true or false"));
    }
    return "true".equals(text);
  }

  /** One of the words, or null where it is absent. */
  String word(String name, Set<String> words) {
    String text = text(name);
    if (text != null && !words.contains(text)) {
      errors.add(error(name, Reason.INVALID_FIELD, "must be " + String.join(" or ", words)));
    }
    return text;
  }

  /** Refuses the request if anything in its query was wrong. */
  void check() {
    if (!errors.isEmpty()) {
      throw Refusal.ofFields(errors);
    }
  }

  /**
   * @param rule the end of a sentence that begins with the parameter's name
   */
  private static FieldError error(String name, Reason reason, String rule) {
    String cut = name.length() > NAME_CHARACTERS ? name.substring(0, NAME_CHARACTERS) : name;
    String shown = NOT_SHOWN.matcher(cut).replaceAll("\uFFFD");
    return new FieldError(shown, reason, shown + " " + rule + ".");
  }
}
