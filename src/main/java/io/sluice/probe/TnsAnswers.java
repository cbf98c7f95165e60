package io.sluice.probe;

import java.io.DataInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * What an Oracle server answers, up to the packet that accepts the connection. A redirect before it
 * ends the stream: the driver would follow it over a channel that {@link DriverSockets} does not
 * see.
 *
 * <p>A packet of Oracle's Transparent Network Substrate begins with two bytes of length, two of
 * checksum and one of type; its header has eight bytes.
 */
final class TnsAnswers extends FilterInputStream {
  private static final int HEADER_BYTES = 8;
  private static final int TYPE = 4;
  private static final int ACCEPT = 2;
  private static final int REDIRECT = 5;

  private final TestRun run;
  private final byte[] header = new byte[HEADER_BYTES];

  /** Of the current packet: what of its header was not handed on yet, then what of its rest. */
  private int headerLeft;

  private int bodyLeft;
  private boolean accepted;

  TnsAnswers(InputStream in, TestRun run) {
    super(in);
    this.run = run;
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    if (headerLeft == 0 && bodyLeft == 0 && !accepted) {
      next();
    }
    if (headerLeft > 0) {
      int n = Math.min(headerLeft, length);
      System.arraycopy(header, HEADER_BYTES - headerLeft, buffer, offset, n);
      headerLeft -= n;
      return n;
    }
    if (accepted) {
      return super.read(buffer, offset, length);
    }
    int n = super.read(buffer, offset, Math.min(length, bodyLeft));
    bodyLeft -= Math.max(n, 0);
    return n;
  }

  private void next() throws IOException {
    // Throws at the end of the stream, which is what a relay makes of it anyway.
    new DataInputStream(in).readFully(header);
    int length = ((header[0] & 0xff) << 8) | (header[1] & 0xff);
    if (header[TYPE] == REDIRECT) {
      run.noteRedirect();
      throw new IOException("The server sends its clients elsewhere.");
    }
    accepted = header[TYPE] == ACCEPT;
    headerLeft = HEADER_BYTES;
    bodyLeft = Math.max(length - HEADER_BYTES, 0);
  }
}
