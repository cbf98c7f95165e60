package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/** Sends signals that Java has no method for to a process and all that it started. */
final class Signals {
  private Signals() {}

  static void send(String signal, ProcessHandle process) {
    List<ProcessHandle> all = new ArrayList<>(List.of(process));
    process.descendants().forEach(all::add);
    send(signal, all);
    // One that is stopped starts no further ones; some may have been started since the listing.
    List<ProcessHandle> late = new ArrayList<>(process.descendants().toList());
    late.removeAll(all);
    if (!late.isEmpty()) {
      send(signal, late);
    }
  }

  /** Spares what the process started. */
  static void sendOne(String signal, ProcessHandle process) {
    send(signal, List.of(process));
  }

  private static void send(String signal, List<ProcessHandle> processes) {
    List<String> command = new ArrayList<>(List.of("kill", "-" + signal));
    processes.forEach(process -> command.add(Long.toString(process.pid())));
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
