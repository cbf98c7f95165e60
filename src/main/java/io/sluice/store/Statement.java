package io.sluice.store;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/**
 * One SQL statement to run: the body that {@code direct:store} expects.
 *
 * @param name the file in {@code config/sql}, without its ending
 * @param parameters typed values, one for each {@code :?name} of the file; null is a value
 */
public record Statement(String name, Map<String, Object> parameters) {

  public Statement {
    parameters = Collections.unmodifiableMap(new HashMap<>(parameters));
  }

  /** Starts a statement without parameters. */
  public static Statement named(String name) {
    return new Statement(name, Map.of());
  }

  /** The same statement with one more parameter. */
  public Statement with(String parameter, Object value) {
    Map<String, Object> more = new HashMap<>(parameters);
    more.put(parameter, value);
    return new Statement(name, more);
  }

  /** Parameters can hold sealed secrets and documents: only the name may be logged. */
  @Override
  public String toString() {
    return name;
  }
}
