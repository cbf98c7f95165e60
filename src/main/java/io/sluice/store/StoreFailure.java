package io.sluice.store;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;

/** Tells an outage of the store, which passes, from a mistake of this service, which does not. */
public final class StoreFailure {
  private StoreFailure() {}

  /**
   * Whether some cause says that the store is out of reach, shutting down, full or only to be read
   * from, or that it ended this statement because of a deadlock or of its own limits of time: then
   * nothing was done, and the next attempt may pass.
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

  /**
   * PostgreSQL's classes 08 connection, 40 rollback, 53 resources, 57 intervention (shutdown, a
   * statement's limit) and 58 system; and a lock's limit and a transaction that may only read.
   */
  private static boolean isOutage(String state) {
    return state != null
        && (state.startsWith("08")
            || state.startsWith("40")
            || state.startsWith("53")
            || state.startsWith("57")
            || state.startsWith("58")
            || state.equals("55P03")
            || state.equals("25006"));
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
