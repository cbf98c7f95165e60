package io.sluice.model;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The complete settings of one data source: the document that is stored and answered.
 *
 * @param values the fields that are set and not secret: a String, an Integer for a port, a Boolean
 *     for a flag
 * @param secrets the secrets that are set
 * @param options driver-specific options
 */
public record Settings(
    Map<Field, Object> values, Map<Field, Secret> secrets, SortedMap<String, String> options) {

  public Settings {
    values = frozen(values);
    secrets = frozen(secrets);
    options = Collections.unmodifiableSortedMap(new TreeMap<>(options));
  }

  private static <V> Map<Field, V> frozen(Map<Field, V> map) {
    return map.isEmpty() ? Map.of() : Collections.unmodifiableMap(new EnumMap<>(map));
  }

  /** The text of a field, or null where it is not set. */
  public String text(Field field) {
    Object value = values.get(field);
    return value == null ? null : value.toString();
  }

  /** The port of a field, or null where it is not set. */
  public Integer port(Field field) {
    return (Integer) values.get(field);
  }

  /** Whether a flag is set and true. */
  public boolean flag(Field field) {
    return Boolean.TRUE.equals(values.get(field));
  }

  /** The secret of a field, or null where it is not set. */
  public Secret secret(Field field) {
    return secrets.get(field);
  }
}
