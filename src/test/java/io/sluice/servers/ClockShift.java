package io.sluice.servers;

/** How far a process's own clock is off; alone in a jar that the boot class loader reads. */
public final class ClockShift {
  private static volatile long millis;

  private ClockShift() {}

  public static void to(long shift) {
    millis = shift;
  }

  /** What is added to {@code System.currentTimeMillis}. */
  public static long millis() {
    return millis;
  }

  /** The same for {@code java.time.Clock}, which counts nanoseconds. */
  public static long nanos() {
    return millis * 1_000_000;
  }
}
