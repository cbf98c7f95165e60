package io.sluice.probe;

import io.sluice.drivers.Driver;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * Takes a server's messages off the wire one by one, before the driver sees them, and objects to
 * those that a connection test cannot need. Drivers believe the lengths and counts that a server
 * writes: some make an array of two gigabytes for a row whose bytes never come, or spend minutes on
 * a list of names. What passes has the length that it says, so driver and check cannot come apart.
 *
 * <p>One instance per connection, used by one thread at a time.
 */
abstract class Frames {
  /** A row of one number, an error, a notice of the day. */
  static final int MAX_MESSAGE_BYTES = 64 * 1024;

  /** A login and one row take some tens of messages. */
  private static final int MAX_MESSAGES = 4096;

  private static final int MAX_BYTES = 1024 * 1024;

  private int messages;
  private int bytes;

  /** A server sends what none that means well would. */
  static final class Excess extends IOException {
    private static final long serialVersionUID = 1L;

    Excess(String message) {
      super(message);
    }
  }

  /**
   * The next message with its header; null at the end of the stream. Reads not one byte more.
   *
   * @throws Excess when it is not to reach the driver
   */
  abstract byte[] next(InputStream in) throws IOException;

  /**
   * Whether the server has asked for credentials so far: before that, a refusal says nothing about
   * them. True where the protocol does not show it.
   */
  abstract boolean credentialsAsked();

  /** Whether the server has named another one to which clients should go. */
  abstract boolean redirected();

  /**
   * Those of a driver's protocol; empty where nobody here can read it, or where its socket does.
   *
   * @param tls whether the connection begins with a question for TLS, where the protocol has one
   */
  static Optional<Frames> of(Driver.Family family, boolean tls) {
    return switch (family) {
      case POSTGRESQL -> Optional.of(new PostgresFrames(tls));
      case MARIADB, MYSQL -> Optional.of(new MysqlFrames());
      case SQLSERVER, RELAY, ORACLE, ATHENA, BIGQUERY, SNOWFLAKE, DATABRICKS, MONGODB, NONE ->
          Optional.empty();
    };
  }

  /** Header and body in one array. */
  final byte[] complete(InputStream in, byte[] header, int bodyBytes) throws IOException {
    messages++;
    bytes += header.length + Math.max(bodyBytes, 0);
    if (bodyBytes < 0 || bodyBytes > MAX_MESSAGE_BYTES) {
      throw new Excess("The server sends a larger message than a connection test can need.");
    }
    if (messages > MAX_MESSAGES || bytes > MAX_BYTES) {
      throw new Excess("The server sends more messages than a connection test can need.");
    }
    byte[] message = new byte[header.length + bodyBytes];
    System.arraycopy(header, 0, message, 0, header.length);
    if (in.readNBytes(message, header.length, bodyBytes) < bodyBytes) {
      throw new EOFException("The server ends within a message.");
    }
    return message;
  }
}
