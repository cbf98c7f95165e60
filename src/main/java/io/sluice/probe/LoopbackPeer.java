package io.sluice.probe;

import java.io.IOException;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Tells who is at the other end of a loopback connection, where the system says so: on Linux, by
 * the tables of proc(5). Elsewhere everybody on this machine counts as this process's user.
 */
final class LoopbackPeer {
  // Java's sockets are in the second table, also with IPv4 addresses.
  private static final List<Path> TABLES =
      List.of(Path.of("/proc/self/net/tcp"), Path.of("/proc/self/net/tcp6"));
  private static final Path SELF = Path.of("/proc/self");

  // Columns of the tables.
  private static final int LOCAL = 1;
  private static final int REMOTE = 2;
  private static final int USER = 7;

  // A table that changes while it is read may lack a row that was there all the time.
  private static final int READINGS = 5;

  private LoopbackPeer() {}

  /** Whether a connection that was accepted comes from a process of this process's user. */
  static boolean isThisUser(Socket accepted) throws IOException {
    if (!Files.isReadable(TABLES.get(0))) {
      return true;
    }
    String peer = port(accepted.getPort());
    String here = port(accepted.getLocalPort());
    String self = Files.getAttribute(SELF, "unix:uid").toString();
    for (int i = 0; i < READINGS; i++) {
      Optional<String> user = user(peer, here);
      if (user.isPresent()) {
        return user.get().equals(self);
      }
    }
    return false;
  }

  private static Optional<String> user(String peer, String here) throws IOException {
    for (Path table : TABLES) {
      if (Files.isReadable(table)) {
        try (Stream<String> lines = Files.lines(table)) {
          Optional<String> user =
              lines
                  .map(line -> line.strip().split("\\s+", -1))
                  .filter(
                      row ->
                          row.length > USER
                              && row[LOCAL].endsWith(peer)
                              && row[REMOTE].endsWith(here))
                  .map(row -> row[USER])
                  .findFirst();
          if (user.isPresent()) {
            return user;
          }
        }
      }
    }
    return Optional.empty();
  }

  private static String port(int number) {
    return String.format(Locale.ROOT, ":%04X", number);
  }
}
