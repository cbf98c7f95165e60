package io.sluice.decode;

import io.sluice.drivers.Driver;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.JumpHost;
import io.sluice.model.Secret;
import io.sluice.model.Update.Change;
import io.sluice.model.ZohoError;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The rules for a value, the same for every encoding and both APIs. An empty text and a null clear
 * a field; the mask keeps a secret.
 */
final class FieldGrammar {
  /** Characters of an option's value; the driver's own grammar is checked later. */
  static final int MAX_OPTION_LENGTH = 1024;

  private static final Pattern PORT = Pattern.compile("[1-9][0-9]{0,4}");
  private static final int MAX_PORT = 65_535;
  private static final Pattern INTEGER = Pattern.compile("-?[0-9]+");
  private static final Pattern WHITE_SPACE_AROUND = Pattern.compile("^[ \t\r\n]+|[ \t\r\n]+\\z");
  private static final Pattern AROUND = Pattern.compile("^ +| +\\z");
  private static final Pattern LINE_END = Pattern.compile("\r\n?");

  private FieldGrammar() {}

  /**
   * What is to happen to a field.
   *
   * @param name as the sender wrote it
   * @return empty when nothing is to happen, or when the value is wrong and {@code problems} has it
   */
  static Optional<Change> read(Field field, String name, Value value, Problems problems) {
    if (value instanceof Value.Null
        || (value instanceof Value.Text empty && empty.text().isEmpty())) {
      return Optional.of(new Change.Clear());
    }
    return switch (field.kind()) {
      case TEXT ->
          text(field, name, value, Characters.Rule.SHOWN_LINE, problems).map(Change.Set::new);
      case HOST_KEY -> hostKey(field, name, value, problems);
      case PEM -> text(field, name, value, Characters.Rule.LINES, problems).map(Change.Set::new);
      case HOST ->
          text(field, name, value, Characters.Rule.SHOWN_LINE, problems)
              .filter(
                  t -> problems.none(name, ZohoError.CANNOT_CONNECT_ENDPOINT, HostName.problem(t)))
              .map(Change.Set::new);
      case HOPS -> hops(field, name, value, problems);
      case PORT -> port(name, value, problems).map(Change.Set::new);
      case FLAG -> flag(name, value, problems).map(Change.Set::new);
      case SECRET -> secret(field, name, value, Characters.Rule.SECRET_LINE, problems);
      case PEM_SECRET -> secret(field, name, value, Characters.Rule.LINES, problems);
    };
  }

  /**
   * A host as it is looked up: an account of Snowflake's may have underscores, for which its host
   * name has hyphens.
   *
   * @param driver as far as the document names one
   */
  static Value host(Optional<Driver> driver, Value value) {
    return value instanceof Value.Text text
            && driver.filter(d -> d.family() == Driver.Family.SNOWFLAKE).isPresent()
        ? new Value.Text(text.text().replace('_', '-'))
        : value;
  }

  /**
   * What is to happen to an option; a JSON integer or boolean counts as the text it is written as.
   */
  static Optional<Change> option(String name, Value value, Problems problems) {
    if (value instanceof Value.Null) {
      return Optional.of(new Change.Clear());
    }
    String text;
    if (value instanceof Value.Text t) {
      text = t.text();
    } else if (value instanceof Value.Flag flag) {
      text = Boolean.toString(flag.on());
    } else if (value instanceof Value.Numeral n && INTEGER.matcher(n.literal()).matches()) {
      text = n.literal();
    } else {
      problems.wrongType(name, "must be a string, an integer or a boolean");
      return Optional.empty();
    }
    if (text.isEmpty()) {
      return Optional.of(new Change.Clear());
    }
    return checked(name, text, MAX_OPTION_LENGTH, Characters.Rule.SHOWN_LINE, problems)
        .map(Change.Set::new);
  }

  /** A flag's value; empty when it is none. */
  static Optional<Boolean> flag(String name, Value value, Problems problems) {
    if (value instanceof Value.Flag flag) {
      return Optional.of(flag.on());
    }
    if (value instanceof Value.Text word) {
      if (word.text().equals("true")) {
        return Optional.of(true);
      }
      if (word.text().equals("false")) {
        return Optional.of(false);
      }
    }
    problems.wrongType(name, "must be true or false");
    return Optional.empty();
  }

  private static Optional<Change> hostKey(
      Field field, String name, Value value, Problems problems) {
    Value trimmed =
        value instanceof Value.Text given
            ? new Value.Text(WHITE_SPACE_AROUND.matcher(given.text()).replaceAll(""))
            : value;
    if (trimmed instanceof Value.Text empty && empty.text().isEmpty()) {
      return Optional.of(new Change.Clear());
    }
    return text(field, name, trimmed, Characters.Rule.SHOWN_LINE, problems).map(Change.Set::new);
  }

  /** A list, or its items in one text with commas between them. */
  private static Optional<Change> hops(Field field, String name, Value value, Problems problems) {
    List<String> items = new ArrayList<>();
    if (value instanceof Value.Text text) {
      items.addAll(List.of(text.text().split(JumpHost.SEPARATOR, -1)));
    } else if (value instanceof Value.Sequence sequence) {
      for (Value item : sequence.items()) {
        if (!(item instanceof Value.Text text)) {
          problems.wrongType(item(name, items.size()), "must be a string");
          return Optional.empty();
        }
        items.add(text.text());
      }
    } else {
      problems.wrongType(name, "must be a list of strings");
      return Optional.empty();
    }
    if (items.isEmpty()) {
      return Optional.of(new Change.Clear());
    }
    if (items.size() > JumpHost.MAX_HOPS) {
      problems.wrongType(name, "must list at most " + JumpHost.MAX_HOPS + " hops");
      return Optional.empty();
    }
    List<JumpHost> hops = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      Optional<JumpHost> hop = JumpHost.parse(AROUND.matcher(items.get(i)).replaceAll(""));
      if (hop.isEmpty()) {
        problems.wrongType(item(name, i), JumpHost.GRAMMAR);
      }
      hop.ifPresent(hops::add);
    }
    if (hops.size() < items.size()) {
      return Optional.empty();
    }
    return checked(
            name, JumpHost.text(hops), field.maxLength(), Characters.Rule.SHOWN_LINE, problems)
        .map(Change.Set::new);
  }

  /** An item of a list, counted from 0 as in JSON. */
  private static String item(String name, int index) {
    return name + "[" + index + "]";
  }

  private static Optional<Integer> port(String name, Value value, Problems problems) {
    String digits = "";
    if (value instanceof Value.Text text) {
      digits = text.text();
    } else if (value instanceof Value.Numeral numeral) {
      digits = numeral.literal();
    }
    if (PORT.matcher(digits).matches()) {
      int port = Integer.parseInt(digits);
      if (port <= MAX_PORT) {
        return Optional.of(port);
      }
    }
    problems.wrongType(name, "must be a whole number from 1 to " + MAX_PORT);
    return Optional.empty();
  }

  private static Optional<Change> secret(
      Field field, String name, Value value, Characters.Rule rule, Problems problems) {
    if (value instanceof Value.Text mask && mask.text().equals(Secret.MASK)) {
      return Optional.empty();
    }
    return text(field, name, value, rule, problems).map(t -> new Change.Replace(Secret.of(t)));
  }

  private static Optional<String> text(
      Field field, String name, Value value, Characters.Rule rule, Problems problems) {
    if (!(value instanceof Value.Text given)) {
      problems.wrongType(name, "must be a string");
      return Optional.empty();
    }
    // XML turns every line end into a line feed, so the other encodings have to follow.
    String text =
        rule == Characters.Rule.LINES
            ? LINE_END.matcher(given.text()).replaceAll("\n")
            : given.text();
    return checked(name, text, field.maxLength(), rule, problems);
  }

  private static Optional<String> checked(
      String name, String text, int maxLength, Characters.Rule rule, Problems problems) {
    if (text.codePointCount(0, text.length()) > maxLength) {
      problems.tooLong(name, maxLength);
      return Optional.empty();
    }
    return problems.none(name, ZohoError.UNABLE_TO_PARSE_DATA_TYPE, Characters.problem(text, rule))
        ? Optional.of(text)
        : Optional.empty();
  }
}
