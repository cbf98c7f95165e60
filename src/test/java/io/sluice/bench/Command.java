package io.sluice.bench;

import java.util.concurrent.Callable;

/** A measurement as a process, which ends though the servers that tests share would keep it. */
final class Command {
  private Command() {}

  static void run(Callable<Void> measurement) {
    int status = 0;
    try {
      measurement.call();
    } catch (Exception e) {
      e.printStackTrace();
      status = 1;
    }
    System.exit(status);
  }
}
