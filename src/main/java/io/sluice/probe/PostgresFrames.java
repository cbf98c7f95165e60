package io.sluice.probe;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * The messages of a PostgreSQL server: a type, a length, a body (PostgreSQL documentation, "Message
 * Formats"). pgjdbc reads most of them by their contents and not by their length, so the two must
 * agree.
 */
final class PostgresFrames extends Frames {
  private static final int LENGTH_BYTES = 4;
  private static final int FIELD_BYTES = 18;
  private static final int OK = 0;
  private static final int MD5 = 5;
  private static final int SASL = 10;
  private static final int SASL_FINAL = 12;

  private boolean answer;
  private boolean asked;

  /**
   * @param tls whether the first byte is the answer to an SSLRequest
   */
  PostgresFrames(boolean tls) {
    answer = tls;
  }

  @Override
  boolean credentialsAsked() {
    return asked;
  }

  @Override
  boolean redirected() {
    return false;
  }

  @Override
  byte[] next(InputStream in) throws IOException {
    int type = in.read();
    if (type < 0) {
      return null;
    }
    boolean yesOrNo = answer && (type == 'S' || type == 'N');
    answer = false;
    if (yesOrNo) {
      return new byte[] {(byte) type};
    }
    byte[] header = new byte[1 + LENGTH_BYTES];
    header[0] = (byte) type;
    if (in.readNBytes(header, 1, LENGTH_BYTES) < LENGTH_BYTES) {
      throw new EOFException("The server ends within a message.");
    }
    int length = ByteBuffer.wrap(header).getInt(1);
    byte[] message = complete(in, header, length - LENGTH_BYTES);
    ByteBuffer body = ByteBuffer.wrap(message, header.length, message.length - header.length);
    if (!wellFormed((char) type, body)) {
      throw new Excess("The server sends a message that is not what its length says.");
    }
    return message;
  }

  private boolean wellFormed(char type, ByteBuffer body) {
    try {
      return switch (type) {
        // Read by their length: error, notice, end of a command, key for a cancellation, COPY.
        case 'E', 'N', 'C', 'K', 'G', 'H', 'W', 'd', 'c' -> true;
        case 'R' -> authentication(body);
        case 'S' -> strings(body, 2);
        case 'A' -> notification(body);
        case 'Z' -> body.remaining() == 1;
        case '1', '2', '3', 'n', 's', 'I' -> body.remaining() == 0;
        case 't' -> body.getShort() * Integer.BYTES == body.remaining();
        case 'T' -> description(body);
        case 'D' -> row(body);
        default -> false;
      };
    } catch (BufferUnderflowException e) {
      return false;
    }
  }

  private boolean authentication(ByteBuffer body) {
    int kind = body.getInt();
    asked |= kind != OK && kind != SASL_FINAL;
    return switch (kind) {
      case MD5 -> body.remaining() == Integer.BYTES;
      case SASL -> mechanisms(body);
      default -> kind > MD5 || body.remaining() == 0;
    };
  }

  /** One name or more, and an empty one at the end. */
  private static boolean mechanisms(ByteBuffer body) {
    while (body.get(body.position()) != 0) {
      skipString(body);
    }
    body.get();
    return body.remaining() == 0;
  }

  private static boolean notification(ByteBuffer body) {
    body.getInt();
    return strings(body, 2);
  }

  private static boolean strings(ByteBuffer body, int count) {
    for (int i = 0; i < count; i++) {
      skipString(body);
    }
    return body.remaining() == 0;
  }

  private static void skipString(ByteBuffer body) {
    while (body.get() != 0) {
      // On to the end of the text.
    }
  }

  private static boolean description(ByteBuffer body) {
    for (int fields = body.getShort(); fields > 0; fields--) {
      skipString(body);
      skip(body, FIELD_BYTES);
    }
    return body.remaining() == 0;
  }

  private static boolean row(ByteBuffer body) {
    for (int columns = body.getShort(); columns > 0; columns--) {
      int length = body.getInt();
      if (length < -1) {
        return false;
      }
      skip(body, Math.max(length, 0));
    }
    return body.remaining() == 0;
  }

  private static void skip(ByteBuffer body, int bytes) {
    if (bytes > body.remaining()) {
      throw new BufferUnderflowException();
    }
    body.position(body.position() + bytes);
  }
}
