package io.sluice.probe;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Counts what a peer sends and keeps its first bytes, which tell one protocol from another. A peer
 * that sends more than a test can need is cut off.
 */
final class Traffic {
  // A login and one row take a few KiB; a certificate chain may add some tens.
  private static final long MAX_RECEIVED_BYTES = 4L * 1024 * 1024;
  private static final int HEAD_BYTES = 16;

  /** The status line of an answer (RFC 9112 section 4). */
  private static final Pattern HTTP_STATUS = Pattern.compile("HTTP/1\\.[01] ([1-5][0-9]{2}) ");

  /** A handshake message or an alert (RFC 8446 section 5.1). */
  static final Pattern TLS_RECORD = Pattern.compile("^1[56]03");

  private final byte[] head = new byte[HEAD_BYTES];
  private final Frames frames;
  private volatile long received;
  private volatile boolean excess;
  private boolean secured;
  private InputStream plain;

  /**
   * @param frames the messages that a driver may be given; empty: all that come
   */
  Traffic(Optional<Frames> frames) {
    this.frames = frames.orElse(null);
  }

  long received() {
    return received;
  }

  /** Whether the peer was cut off for what no connection test can need. */
  boolean overflowed() {
    return excess || received > MAX_RECEIVED_BYTES;
  }

  /** Whether a refused login says anything about its credentials. */
  boolean credentialsAsked() {
    return frames == null || frames.credentialsAsked();
  }

  /** Whether the server sends its clients elsewhere. */
  boolean redirects() {
    return frames != null && frames.redirected();
  }

  /** From now on the socket carries TLS. */
  void secure() {
    secured = true;
  }

  /** The driver's stream of a socket, or what its TLS reads; {@code counted} is its input. */
  InputStream readable(InputStream counted) {
    if (secured) {
      return counted;
    }
    if (plain == null) {
      plain = framed(counted);
    }
    return plain;
  }

  /** The driver's stream of what TLS has decrypted. */
  InputStream framed(InputStream in) {
    return frames == null ? in : new FramedInput(in, frames, () -> excess = true);
  }

  /** Whether the first bytes match, as far as they have come. */
  boolean looksLike(Pattern greeting) {
    int length = (int) Math.min(received, HEAD_BYTES);
    Matcher matcher = greeting.matcher(HexFormat.of().formatHex(head, 0, length));
    return matcher.lookingAt() || matcher.hitEnd();
  }

  /** The status of the HTTP answer that the peer began with; empty: it did not. */
  OptionalInt httpStatus() {
    int length = (int) Math.min(received, HEAD_BYTES);
    Matcher line = HTTP_STATUS.matcher(new String(head, 0, length, StandardCharsets.ISO_8859_1));
    return line.lookingAt() ? OptionalInt.of(Integer.parseInt(line.group(1))) : OptionalInt.empty();
  }

  /** Whether the peer began with a record of TLS, asked for or not. */
  boolean startsLikeTls() {
    return received > 0 && looksLike(TLS_RECORD);
  }

  private void count(byte[] buffer, int offset, int length) throws IOException {
    long before = received;
    for (int i = 0; i < length && before + i < HEAD_BYTES; i++) {
      head[(int) before + i] = buffer[offset + i];
    }
    received = before + length;
    if (received > MAX_RECEIVED_BYTES) {
      throw new IOException("The peer sends more than a connection test can need.");
    }
  }

  /** Wraps the stream that the peer writes to. One thread reads at a time. */
  InputStream counted(InputStream in) {
    return new FilterInputStream(in) {
      /** A closed SSH channel says -1; the JDK's TLS would wait for a zero without end. */
      @Override
      public int available() throws IOException {
        return Math.max(super.available(), 0);
      }

      @Override
      public int read() throws IOException {
        int b = super.read();
        if (b >= 0) {
          count(new byte[] {(byte) b}, 0, 1);
        }
        return b;
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        int n = super.read(buffer, offset, length);
        if (n > 0) {
          count(buffer, offset, n);
        }
        return n;
      }
    };
  }
}
