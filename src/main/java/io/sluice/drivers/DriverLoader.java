package io.sluice.drivers;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;

/**
 * The classes of one driver's jars, apart from those of all other drivers. Its parent is this
 * process's class path, where a driver finds the hooks that are named to it.
 */
final class DriverLoader extends URLClassLoader {
  static {
    registerAsParallelCapable();
  }

  DriverLoader(String id, URL[] jars) {
    super("driver-" + id, jars, DriverLoader.class.getClassLoader());
  }

  /**
   * Undoes what drivers do when their class is loaded: enter themselves into {@link
   * java.sql.DriverManager}, which would keep them for ever and offer them to drivers beside them.
   */
  void withdrawRegistrations() throws ReflectiveOperationException, IOException {
    // DriverManager lets a class withdraw only what its own loader finds, so one is defined here.
    String name = Registrations.class.getName();
    byte[] code;
    try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
      code = in.readAllBytes();
    }
    ((Runnable) defineClass(name, code, 0, code.length).getDeclaredConstructor().newInstance())
        .run();
  }
}
