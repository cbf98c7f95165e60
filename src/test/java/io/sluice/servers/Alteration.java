package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Changes of routes and statements in an instance's own copy. What they change has to be there. */
public final class Alteration {
  private Alteration() {}

  /** Puts something else in the place of a text that occurs at least once. */
  public static void replace(Path file, String text, String other) {
    String content = read(file);
    if (!content.contains(text)) {
      throw new IllegalStateException(file + " no longer has: " + text);
    }
    write(file, content.replace(text, other));
  }

  /** Adds this at the end, for instance a route. */
  public static void append(Path file, String text) {
    write(file, read(file) + text);
  }

  /** Adds a step behind the bean step whose last line this is. */
  public static void after(Path route, String line, String step) {
    List<String> lines = new ArrayList<>(read(route).lines().toList());
    int at = 0;
    while (at < lines.size() && !lines.get(at).strip().equals(line)) {
      at++;
    }
    if (at == lines.size()) {
      throw new IllegalStateException(route + " no longer has: " + line);
    }
    int begin = at;
    while (!lines.get(begin).strip().equals("- bean:")) {
      begin--;
    }
    String indent = " ".repeat(lines.get(begin).indexOf('-'));
    lines.addAll(at + 1, step.lines().map(l -> indent + l).toList());
    write(route, String.join("\n", lines) + "\n");
  }

  /** A step that waits. */
  public static String delay(long millis) {
    return "- delay:\n    expression:\n      constant: \"" + millis + "\"\n";
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void write(Path file, String content) {
    try {
      Files.writeString(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
