package io.sluice.probe;

import java.io.IOException;
import java.io.InputStream;

/** What a driver reads: whole messages that {@link Frames} has let through. */
final class FramedInput extends InputStream {
  private final InputStream in;
  private final Frames frames;
  private final Runnable onExcess;
  private byte[] message = {};
  private int at;

  /**
   * @param onExcess told when the server sends what no driver is to see
   */
  FramedInput(InputStream in, Frames frames, Runnable onExcess) {
    this.in = in;
    this.frames = frames;
    this.onExcess = onExcess;
  }

  /** False at the end of the stream. */
  private boolean filled() throws IOException {
    while (at == message.length) {
      byte[] next;
      try {
        next = frames.next(in);
      } catch (Frames.Excess e) {
        onExcess.run();
        throw e;
      }
      if (next == null) {
        return false;
      }
      message = next;
      at = 0;
    }
    return true;
  }

  @Override
  public int read() throws IOException {
    return filled() ? message[at++] & 0xff : -1;
  }

  @Override
  public int read(byte[] buffer, int offset, int length) throws IOException {
    if (length == 0) {
      return 0;
    }
    if (!filled()) {
      return -1;
    }
    int n = Math.min(length, message.length - at);
    System.arraycopy(message, at, buffer, offset, n);
    at += n;
    return n;
  }

  @Override
  public int available() throws IOException {
    return at < message.length ? message.length - at : in.available();
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
