package io.sluice.drivers;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.turbo.TurboFilter;
import ch.qos.logback.core.spi.FilterReply;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.Charset;
import org.slf4j.Marker;

/**
 * Nothing that a driver from a jar of its own logs or prints leaves this process: it may be a
 * password in a form that no redaction knows, or the words of a hostile server. What there is to
 * say about a test is in its report.
 *
 * <p>A thread that works for such a driver has the driver's class loader as its context, and so
 * have the threads that the driver starts. That holds for every logging library: those that a
 * driver brings along print, and those of this process ask here.
 */
public final class DriverSilence extends TurboFilter {
  /** Silences the standard streams for drivers, for the rest of the process. */
  public static void install() {
    System.setOut(silenced(System.out));
    System.setErr(silenced(System.err));
  }

  private static boolean driverSpeaks() {
    return DriverJars.isolates(Thread.currentThread().getContextClassLoader());
  }

  @Override
  public FilterReply decide(
      Marker marker, Logger logger, Level level, String format, Object[] params, Throwable t) {
    return driverSpeaks() ? FilterReply.DENY : FilterReply.NEUTRAL;
  }

  private static PrintStream silenced(PrintStream stream) {
    OutputStream heard =
        new FilterOutputStream(stream) {
          @Override
          public void write(int b) throws IOException {
            if (!driverSpeaks()) {
              out.write(b);
            }
          }

          @Override
          public void write(byte[] bytes, int offset, int length) throws IOException {
            if (!driverSpeaks()) {
              out.write(bytes, offset, length);
            }
          }
        };
    return new PrintStream(heard, true, Charset.defaultCharset());
  }
}
