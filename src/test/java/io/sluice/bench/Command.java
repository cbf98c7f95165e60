package io.sluice.bench;

/** A measurement as a process, which ends though the servers that tests share would keep it. */
final class Command {
  private Command() {}

  static void run(Updates.Act measurement) {
    int status = 0;
    try {
      measurement.run();
    } catch (Exception e) {
      e.printStackTrace();
      status = 1;
    }
    System.exit(status);
  }
}
