package io.sluice.servers;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** A jar that is made of source text, so that its classes are on no class path of the tests. */
public final class DriverJar {
  private DriverJar() {}

  /** A driver that does nothing but what {@code members} and {@code connect} say. */
  public static String driver(String name, String members, String connect) {
    return """
        import java.sql.*;
        import java.util.*;
        public final class %1$s implements Driver {
          %2$s
          public Connection connect(String url, Properties p) throws SQLException { %3$s }
          public boolean acceptsURL(String url) { return url.startsWith("jdbc:test:"); }
          public DriverPropertyInfo[] getPropertyInfo(String url, Properties p) { return null; }
          public int getMajorVersion() { return 1; }
          public int getMinorVersion() { return 0; }
          public boolean jdbcCompliant() { return false; }
          public java.util.logging.Logger getParentLogger() { return null; }
        }
        """
        .formatted(name, members, connect);
  }

  /** Compiles one class of the unnamed package into a new jar. */
  public static Path write(Path jar, String className, String source) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try {
      Files.createDirectories(jar.getParent());
      Path classes = Files.createTempDirectory("driver-classes");
      JavaFileObject text =
          new SimpleJavaFileObject(
              URI.create("string:///" + className + ".java"), JavaFileObject.Kind.SOURCE) {
            @Override
            public CharSequence getCharContent(boolean ignoreEncodingErrors) {
              return source;
            }
          };
      List<String> options = List.of("-d", classes.toString(), "-proc:none");
      if (!compiler.getTask(null, null, null, options, null, List.of(text)).call()) {
        throw new IllegalArgumentException("The driver does not compile.");
      }
      try (OutputStream out = Files.newOutputStream(jar);
          JarOutputStream entries = new JarOutputStream(out);
          Stream<Path> files = Files.list(classes)) {
        for (Path file : files.toList()) {
          entries.putNextEntry(new JarEntry(file.getFileName().toString()));
          entries.write(Files.readAllBytes(file));
          Files.delete(file);
        }
      }
      Files.delete(classes);
      return jar;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
