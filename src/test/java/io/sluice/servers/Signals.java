package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** Sends signals that Java has no method for to a process and all that it started. */
final class Signals {
  private Signals() {}

  static void send(String signal, ProcessHandle process) {
    List<String> command = new ArrayList<>(List.of("kill", "-" + signal));
    command.add(Long.toString(process.pid()));
    process.descendants().map(child -> Long.toString(child.pid())).forEach(command::add);
    try {
      // A process that ended between the listing and the signal makes kill report a failure.
      new ProcessBuilder(command).redirectErrorStream(true).start().waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while a signal was sent.", e);
    }
  }
}
