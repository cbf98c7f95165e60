package io.sluice.probe;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * The packets of a MySQL or MariaDB server: three bytes of length, a sequence number, a body (MySQL
 * documentation, "MySQL Packets").
 */
final class MysqlFrames extends Frames {
  private static final int HEADER_BYTES = 4;
  private static final int NULL = 0xfb;

  /** MariaDB, "Connection Redirection": the session variable that names another server. */
  private static final ByteBuffer REDIRECT =
      ByteBuffer.wrap("redirect_url".getBytes(StandardCharsets.US_ASCII));

  private boolean greeted;
  private boolean redirected;
  private boolean loggedIn;

  @Override
  boolean credentialsAsked() {
    return true;
  }

  @Override
  boolean redirected() {
    return redirected;
  }

  @Override
  byte[] next(InputStream in) throws IOException {
    byte[] header = in.readNBytes(HEADER_BYTES);
    if (header.length == 0) {
      return null;
    }
    if (header.length < HEADER_BYTES) {
      throw new EOFException("The server ends within a packet.");
    }
    int length = (header[0] & 0xff) | (header[1] & 0xff) << 8 | (header[2] & 0xff) << 16;
    byte[] packet = complete(in, header, length);
    int first = length == 0 ? -1 : packet[HEADER_BYTES] & 0xff;
    if (loggedIn && manyColumns(first, length)) {
      throw new Excess("The server announces more columns than a connection test can need.");
    }
    // After its greeting, a server that sends a zero has let the client in, or done as it was told.
    if (greeted && first == 0) {
      loggedIn = true;
      if (!wellFormed(ByteBuffer.wrap(packet, HEADER_BYTES + 1, length - 1))) {
        throw new Excess("The server sends a packet whose parts are longer than the packet.");
      }
    }
    greeted = true;
    return packet;
  }

  /**
   * A length-encoded integer of three or eight bytes, for which drivers make an array. The end of a
   * result begins like the longer one, but is shorter; so is a row of the values asked for here.
   */
  private static boolean manyColumns(int first, int length) {
    return first == 0xfd || (first == 0xfe && length > 8);
  }

  /** The body of an OK packet: drivers make arrays of the lengths in its session state. */
  private boolean wellFormed(ByteBuffer body) {
    try {
      length(body);
      length(body);
      body.getInt();
      if (body.hasRemaining()) {
        part(body);
      }
      while (body.hasRemaining()) {
        ByteBuffer changes = part(body);
        while (changes.hasRemaining()) {
          boolean variables = changes.get() == 0;
          ByteBuffer change = part(changes);
          while (variables && change.hasRemaining()) {
            ByteBuffer name = part(change);
            redirected |= part(change).hasRemaining() && name.equals(REDIRECT);
          }
        }
      }
      return true;
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      return false;
    }
  }

  private static ByteBuffer part(ByteBuffer buffer) {
    int bytes = Math.toIntExact(Math.min(length(buffer), Integer.MAX_VALUE));
    ByteBuffer part = buffer.slice().limit(bytes);
    buffer.position(buffer.position() + bytes);
    return part;
  }

  private static long length(ByteBuffer buffer) {
    int first = buffer.get() & 0xff;
    int bytes =
        switch (first) {
          case 0xfc -> 2;
          case 0xfd -> 3;
          case 0xfe -> 8;
          default -> 0;
        };
    if (bytes == 0) {
      return first == NULL ? 0 : first;
    }
    long value = 0;
    for (int i = 0; i < bytes; i++) {
      value |= (buffer.get() & 0xffL) << (8 * i);
    }
    if (value < 0) {
      throw new BufferUnderflowException();
    }
    return value;
  }
}
