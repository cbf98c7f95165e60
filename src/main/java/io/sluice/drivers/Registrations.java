package io.sluice.drivers;

import java.sql.Driver;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;

/**
 * Withdraws the drivers that its own class loader has entered into {@link DriverManager}. Public,
 * because each {@link DriverLoader} makes a copy of the class by its name.
 */
public final class Registrations implements Runnable {
  @Override
  public void run() {
    ClassLoader own = getClass().getClassLoader();
    List<Driver> drivers =
        DriverManager.drivers().filter(d -> d.getClass().getClassLoader() == own).toList();
    for (Driver driver : drivers) {
      try {
        DriverManager.deregisterDriver(driver);
      } catch (SQLException e) {
        throw new IllegalStateException("A driver does not let itself be withdrawn.", e);
      }
    }
  }
}
