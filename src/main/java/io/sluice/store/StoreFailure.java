package io.sluice.store;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;

/** Tells an outage of the store, which passes, from a mistake of this service, which does not. */
public final class StoreFailure {
  private StoreFailure() {}

  /**
   * Whether some cause says that the store is out of reach, shutting down or full, or that it chose
   * this statement to end a deadlock: then nothing was done, and the next attempt may pass.
   */
  public static boolean isOutage(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof SQLTransientConnectionException
          || (t instanceof SQLException sql && isOutage(sql.getSQLState()))) {
        return true;
      }
    }
    return false;
  }

  /** PostgreSQL's classes 08 connection, 40 rollback, 53 resources, 57P shutdown and 58 system. */
  private static boolean isOutage(String state) {
    return state != null
        && (state.startsWith("08")
            || state.startsWith("40")
            || state.startsWith("53")
            || state.startsWith("57P")
            || state.startsWith("58"));
  }

  /**
   * Whether a value is to blame, so that trying again can never help: PostgreSQL's classes 22 data,
   * 23 integrity and 54 limits.
   */
  public static boolean isOfTheValue(SQLException failure) {
    String state = failure.getSQLState();
    return state != null
        && (state.startsWith("22") || state.startsWith("23") || state.startsWith("54"));
  }
}
