package io.sluice.probe;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The sockets of this process, by where they lead: proc(5). The JVM of the tests has many more for
 * its servers and for tests before, and opens files of its own at any time, so that the sum of all
 * descriptors tells nothing about one test.
 */
final class OpenSockets {
  private OpenSockets() {}

  /** Those that lead to one of these ports, with addresses and state in hexadecimal. */
  static List<String> to(Collection<Integer> ports) {
    Set<String> own = inodes();
    List<String> found = new ArrayList<>();
    for (String[] words : connections()) {
      if (own.contains(words[9])
          && ports.contains(Integer.parseInt(words[2].replaceAll(".*:", ""), 16))) {
        found.add(words[1] + " to " + words[2] + " state " + words[3]);
      }
    }
    return found;
  }

  /** Those that have no address: not connected yet, or reset by the peer, and not closed. */
  static int withoutAddress() {
    Set<String> own = inodes();
    connections().forEach(words -> own.remove(words[9]));
    return own.size();
  }

  private static Set<String> inodes() {
    Set<String> inodes = new HashSet<>();
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      for (Path each : descriptors.toList()) {
        try {
          String leadsTo = Files.readSymbolicLink(each).toString();
          if (leadsTo.startsWith("socket:")) {
            inodes.add(leadsTo.replaceAll("[^0-9]", ""));
          }
        } catch (NoSuchFileException e) {
          // Closed meanwhile.
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return inodes;
  }

  private static List<String[]> connections() {
    List<String[]> all = new ArrayList<>();
    try {
      for (String table : List.of("tcp", "tcp6")) {
        Files.readAllLines(Path.of("/proc/self/net", table), US_ASCII).stream()
            .skip(1)
            .map(line -> line.strip().split("\\s+", -1))
            .forEach(all::add);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all;
  }
}
