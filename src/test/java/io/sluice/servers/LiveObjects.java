package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * How many objects of each class can still be reached in a process, by the virtual machine's own
 * count after a full collection.
 */
public final class LiveObjects {
  /** Number, instances, bytes, class. */
  private static final Pattern ROW = Pattern.compile("\\s*\\d+:\\s+(\\d+)\\s+\\d+\\s+(\\S+).*");

  private final ProcessHandle process;
  private final Predicate<String> classes;
  private final Map<String, Long> baseline;

  private LiveObjects(ProcessHandle process, Predicate<String> classes) {
    this.process = process;
    this.classes = classes;
    this.baseline = count();
  }

  /**
   * Counts what there is now.
   *
   * @param classes which are counted, by their names
   */
  public static LiveObjects in(ProcessHandle process, Predicate<String> classes) {
    return new LiveObjects(process, classes);
  }

  /** The classes of which there are at least so many more by now, and how many. */
  public Map<String, Long> grownBy(long atLeast) {
    Map<String, Long> grown = count();
    grown.replaceAll((name, now) -> now - baseline.getOrDefault(name, 0L));
    grown.values().removeIf(more -> more < atLeast);
    return grown;
  }

  private Map<String, Long> count() {
    Map<String, Long> live = new TreeMap<>();
    histogram()
        .lines()
        .map(ROW::matcher)
        .filter(row -> row.matches() && classes.test(row.group(2)))
        .forEach(row -> live.merge(row.group(2), Long.valueOf(row.group(1)), Long::sum));
    if (live.isEmpty()) {
      throw new IllegalStateException("The virtual machine does not count its objects.");
    }
    return live;
  }

  private String histogram() {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
            Long.toString(process.pid()),
            "GC.class_histogram");
    try {
      Process jcmd = new ProcessBuilder(command).redirectErrorStream(true).start();
      return new String(jcmd.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
