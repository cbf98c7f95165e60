package io.sluice.drivers;

import java.net.URL;
import java.net.URLClassLoader;

/**
 * The classes of one driver's jars, apart from those of all other drivers. Its parent is this
 * process's class path, where a driver finds the hooks that are named to it.
 *
 * <p>Drivers enter themselves into {@link java.sql.DriverManager} when their class is loaded. It
 * offers them only to classes that find the same class by their own loader, so to nobody but
 * themselves. They are left there, as withdrawing one ends it for good where it listens to that:
 * Oracle's stops its timers.
 */
final class DriverLoader extends URLClassLoader {
  static {
    registerAsParallelCapable();
  }

  DriverLoader(String id, URL[] jars) {
    super("driver-" + id, jars, DriverLoader.class.getClassLoader());
  }
}
