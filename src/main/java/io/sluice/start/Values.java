package io.sluice.start;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads settings as typed values and collects what is wrong with them, so that all is told at once.
 */
final class Values {
  private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

  private final UnaryOperator<String> resolve;
  private final List<String> problems = new ArrayList<>();

  /**
   * @param resolve gives a setting's text, or null where it is not set
   */
  Values(UnaryOperator<String> resolve) {
    this.resolve = resolve;
  }

  /** The text, or null where it is absent or blank. */
  String optional(String key) {
    String text = resolve.apply(key);
    return text == null || text.isBlank() ? null : text.strip();
  }

  String required(String key, String environment) {
    String text = optional(key);
    if (text == null) {
      problem(key, "is required; set it, or " + environment + " in the environment");
    }
    return text;
  }

  String text(String key) {
    return required(key, environment(key));
  }

  /**
   * @param what the grammar in words, for whoever breaks it
   */
  String text(String key, Pattern grammar, String what) {
    String text = text(key);
    if (text != null && !grammar.matcher(text).matches()) {
      problem(key, "must be " + what);
    }
    return text;
  }

  List<String> list(String key) {
    String text = optional(key);
    return text == null
        ? List.of()
        : Stream.of(text.split(",", -1)).map(String::strip).filter(s -> !s.isEmpty()).toList();
  }

  Path path(String key) {
    String text = text(key);
    return text == null ? Path.of(".") : Path.of(text);
  }

  int integer(String key, int least, int most) {
    String text = text(key);
    if (text != null) {
      try {
        int number = Integer.parseInt(text);
        if (number >= least && number <= most) {
          return number;
        }
      } catch (NumberFormatException e) {
        // Told below, together with what is out of range.
      }
      problem(key, "must be a whole number from " + least + " to " + most);
    }
    return least;
  }

  boolean flag(String key) {
    String text = text(key);
    if (text != null && !text.equals("true") && !text.equals("false")) {
      problem(key, "must be true or false");
    }
    return "true".equals(text);
  }

  Duration duration(String key, Duration least) {
    String text = text(key);
    return text == null ? least : parsed(key, text, least);
  }

  /** Durations separated by commas; none where the setting is empty. */
  List<Duration> durations(String key, Duration least) {
    return list(key).stream().map(text -> parsed(key, text, least)).toList();
  }

  private Duration parsed(String key, String text, Duration least) {
    Matcher matcher = DURATION.matcher(text);
    if (matcher.matches()) {
      long amount = Long.parseLong(matcher.group(1));
      Duration duration =
          switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> Duration.ofDays(amount);
          };
      if (duration.compareTo(least) >= 0) {
        return duration;
      }
    }
    problem(key, "must be a duration like 500ms, 5s or 2m, at least " + least.toMillis() + "ms");
    return least;
  }

  void problem(String key, String what) {
    problems.add(key + " " + what + ".");
  }

  /** How many have been found so far. */
  int problems() {
    return problems.size();
  }

  /**
   * @throws StartFailure listing every problem
   */
  void check() {
    if (!problems.isEmpty()) {
      throw new StartFailure(
          "The settings have "
              + problems.size()
              + " problem(s):\n  "
              + String.join("\n  ", problems));
    }
  }

  private static String environment(String key) {
    return key.toUpperCase(Locale.ROOT).replace('.', '_').replace('-', '_');
  }
}
