package io.sluice.decode;

import java.util.List;
import java.util.Map;

/** One value, as its encoding can tell it. No text form shows content: it may be a secret. */
sealed interface Value {

  /** A JSON string, the text of an element, the value of a form field. */
  record Text(String text) implements Value {
    @Override
    public String toString() {
      return "Text";
    }
  }

  /**
   * A JSON number.
   *
   * @param literal as it was written
   */
  record Numeral(String literal) implements Value {
    @Override
    public String toString() {
      return "Numeral";
    }
  }

  /** A JSON boolean. */
  record Flag(boolean on) implements Value {}

  /** A JSON null, or an element with {@code xsi:nil="true"}. */
  record Null() implements Value {}

  /** A JSON object, an element with child elements, form fields with a common prefix. */
  record Group(Map<String, Value> members) implements Value {
    @Override
    public String toString() {
      return "Group";
    }
  }

  /** A JSON array, an element whose children are the items. */
  record Sequence(List<Value> items) implements Value {
    @Override
    public String toString() {
      return "Sequence";
    }
  }
}
