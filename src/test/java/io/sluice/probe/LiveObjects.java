package io.sluice.probe;

import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;

/**
 * How many objects of each class can still be reached in this process, by the virtual machine's own
 * count after a full collection. Of the classes that a connection test makes objects of and that no
 * server of the tests does: the product's, sockets among them, the drivers' and the SSH client's.
 */
final class LiveObjects {
  private static final List<String> OWNED =
      List.of(
          "io.sluice.model.",
          "io.sluice.probe.",
          "org.mariadb.",
          "com.mysql.",
          "org.postgresql.",
          "com.microsoft.",
          "org.apache.sshd.client.");

  /** Number, instances, bytes, class. */
  private static final Pattern ROW = Pattern.compile("\\s*\\d+:\\s+(\\d+)\\s+\\d+\\s+(\\S+).*");

  private LiveObjects() {}

  static Map<String, Long> count() {
    Map<String, Long> live = new TreeMap<>();
    histogram()
        .lines()
        .map(ROW::matcher)
        .filter(row -> row.matches() && OWNED.stream().anyMatch(row.group(2)::startsWith))
        .forEach(row -> live.merge(row.group(2), Long.valueOf(row.group(1)), Long::sum));
    return live;
  }

  /** The classes of which there are now this many more. */
  static Map<String, Long> grown(Map<String, Long> before, long atLeast) {
    Map<String, Long> grown = count();
    grown.replaceAll((name, now) -> now - before.getOrDefault(name, 0L));
    grown.values().removeIf(more -> more < atLeast);
    return grown;
  }

  private static String histogram() {
    try {
      return (String)
          ManagementFactory.getPlatformMBeanServer()
              .invoke(
                  new ObjectName("com.sun.management:type=DiagnosticCommand"),
                  "gcClassHistogram",
                  new Object[] {new String[0]},
                  new String[] {String[].class.getName()});
    } catch (JMException e) {
      throw new IllegalStateException("This virtual machine does not count its objects.", e);
    }
  }
}
