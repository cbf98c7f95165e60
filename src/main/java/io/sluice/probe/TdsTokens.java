package io.sluice.probe;

import io.sluice.model.Reason;
import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Reads what a server answers, token by token ([MS-TDS] section 2.2.7), before the driver may. The
 * driver allocates whatever size a server names, remembers its mirrors for the life of the process,
 * and looks up and connects to whichever server it is sent on to. So a test lets through what a
 * login and one query of one integer can bring, takes out what only a longer life needs, and ends
 * at everything else.
 */
final class TdsTokens {
  private static final int COLUMNS = 0x81;
  private static final int ORDER = 0xa9;
  private static final int ERROR = 0xaa;
  private static final int INFO = 0xab;
  private static final int LOGIN_ACK = 0xad;
  private static final int FEATURES = 0xae;
  private static final int ROW = 0xd1;
  private static final int ROW_WITH_NULLS = 0xd2;
  private static final int ENVIRONMENT = 0xe3;
  private static final int SESSION_STATE = 0xe4;
  private static final int DONE = 0xfd;
  private static final int DONE_PROCEDURE = 0xfe;
  private static final int DONE_IN_PROCEDURE = 0xff;

  private static final int PACKET_SIZE = 4;
  private static final int MIRROR = 13;
  private static final int ROUTING = 20;

  private static final int COLUMN_ENCRYPTION = 0x04;
  private static final int DNS_CACHING = 0x0b;
  private static final int END_OF_FEATURES = 0xff;
  private static final int MAX_FEATURE_BYTES = 1024;

  private static final int INT4 = 0x38;
  private static final int INTN = 0x26;

  private boolean loggedIn;
  private boolean columnEncryption;

  /**
   * Goes through the data of one whole message.
   *
   * @return what of it the driver may read
   * @throws TdsBreach as {@link Reason#REDIRECT_REFUSED} when the server sends the client on to
   *     another one, else as {@link Reason#PROTOCOL_MISMATCH}
   */
  byte[] permitted(byte[] message) throws TdsBreach {
    ByteBuffer in = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    ByteArrayOutputStream out = new ByteArrayOutputStream(message.length);
    // What a row of the one column is made of; 0: no column was described yet.
    int column = 0;
    boolean login = !loggedIn;
    try {
      while (in.hasRemaining()) {
        int start = in.position();
        int token = Byte.toUnsignedInt(in.get());
        boolean keep = true;
        switch (token) {
          case ENVIRONMENT -> keep = environment(in);
          case SESSION_STATE -> {
            skip(in, in.getInt());
            keep = false;
          }
          case ERROR, INFO, ORDER -> skip(in, Short.toUnsignedInt(in.getShort()));
          case DONE, DONE_PROCEDURE, DONE_IN_PROCEDURE -> skip(in, 12);
          case LOGIN_ACK -> {
            require(login);
            skip(in, Short.toUnsignedInt(in.getShort()));
            loggedIn = true;
          }
          case FEATURES -> {
            require(login);
            out.write(token);
            features(message, in, out);
            keep = false;
          }
          case COLUMNS -> {
            require(!login);
            column = column(in);
          }
          case ROW, ROW_WITH_NULLS -> row(in, token, column);
          default -> throw TdsBreach.garbled();
        }
        if (keep) {
          out.write(message, start, in.position() - start);
        }
      }
    } catch (BufferUnderflowException e) {
      throw TdsBreach.garbled();
    }
    return out.toByteArray();
  }

  /** Whether the driver may know. */
  private static boolean environment(ByteBuffer in) throws TdsBreach {
    int length = Short.toUnsignedInt(in.getShort());
    require(length > 0);
    int type = Byte.toUnsignedInt(in.get());
    skip(in, length - 1);
    if (type == ROUTING) {
      throw new TdsBreach(
          Reason.REDIRECT_REFUSED,
          "In Azure, a server whose connection policy is Proxy does not send its clients on.");
    }
    return type != PACKET_SIZE && type != MIRROR;
  }

  private void features(byte[] message, ByteBuffer in, ByteArrayOutputStream out) throws TdsBreach {
    int start = in.position();
    int feature = Byte.toUnsignedInt(in.get());
    while (feature != END_OF_FEATURES) {
      int length = in.getInt();
      require(length <= MAX_FEATURE_BYTES);
      skip(in, length);
      columnEncryption |= feature == COLUMN_ENCRYPTION;
      if (feature != DNS_CACHING) {
        out.write(message, start, in.position() - start);
      }
      start = in.position();
      feature = Byte.toUnsignedInt(in.get());
    }
    out.write(END_OF_FEATURES);
  }

  /** One column of whole numbers: all that the validation query can bring. */
  private int column(ByteBuffer in) throws TdsBreach {
    require(in.getShort() == 1);
    // The table of column keys is empty, as nothing is encrypted.
    require(!columnEncryption || in.getShort() == 0);
    skip(in, 4 + 2);
    int type = Byte.toUnsignedInt(in.get());
    require(type == INT4 || type == INTN);
    skip(in, type == INTN ? 1 : 0);
    skip(in, 2 * Byte.toUnsignedInt(in.get()));
    return type;
  }

  private static void row(ByteBuffer in, int token, int column) throws TdsBreach {
    require(column != 0);
    if (token == ROW_WITH_NULLS && in.get() != 0) {
      return;
    }
    skip(in, column == INT4 ? 4 : Byte.toUnsignedInt(in.get()));
  }

  private static void skip(ByteBuffer in, int bytes) throws TdsBreach {
    require(bytes >= 0 && bytes <= in.remaining());
    in.position(in.position() + bytes);
  }

  private static void require(boolean holds) throws TdsBreach {
    if (!holds) {
      throw TdsBreach.garbled();
    }
  }
}
