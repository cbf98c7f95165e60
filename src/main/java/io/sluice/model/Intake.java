package io.sluice.model;

import java.util.Locale;

/** The way by which an update came in. */
public enum Intake {
  HTTP,
  ZOHO,
  KAFKA,
  ROLLBACK,
  MONITOR;

  /** The name in events and in the store. */
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * @throws IllegalArgumentException when no way has this name
   */
  public static Intake named(String wireName) {
    return valueOf(wireName.toUpperCase(Locale.ROOT));
  }
}
