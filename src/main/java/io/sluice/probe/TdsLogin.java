package io.sluice.probe;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The driver's login message ([MS-TDS] section 2.2.6.4) with the name of the server in it.
 *
 * <p>The driver resolves whatever server name it is given, although its socket is connected
 * already. So it is given an address that needs no lookup, and the name that a server may expect to
 * read (a gateway in front of many servers has nothing else to go by) is put in here.
 */
final class TdsLogin {
  /** Stands for the server in all that the driver does. No packet is ever sent there (RFC 5737). */
  static final String STAND_IN = "192.0.2.1";

  private static final int LENGTH_AT = 0;
  private static final int FLAGS_AT = 27;
  private static final int HAS_EXTENSION = 0x10;
  private static final int SERVER_AT = 52;
  private static final int EXTENSION_AT = 56;
  private static final int[] OFFSETS_AT = {36, 40, 44, 48, 56, 60, 64, 68, 78, 82, 86};
  private static final int FIXED_BYTES = 94;
  private static final int MAX_SERVER_CHARACTERS = 128;

  private TdsLogin() {}

  /**
   * @param login the message's data
   * @throws IOException when the driver has written something else
   */
  static byte[] named(byte[] login, String host) throws IOException {
    try {
      ByteBuffer old = ByteBuffer.wrap(login).order(ByteOrder.LITTLE_ENDIAN);
      int start = Short.toUnsignedInt(old.getShort(SERVER_AT));
      int end = start + 2 * Short.toUnsignedInt(old.getShort(SERVER_AT + 2));
      String written = new String(login, start, end - start, StandardCharsets.UTF_16LE);
      if (start < FIXED_BYTES || !written.startsWith(STAND_IN)) {
        throw new IOException("The driver has written another server's name.");
      }
      String name = host + written.substring(STAND_IN.length());
      byte[] server =
          name.substring(0, Math.min(name.length(), MAX_SERVER_CHARACTERS))
              .getBytes(StandardCharsets.UTF_16LE);
      int growth = server.length - (end - start);
      ByteBuffer grown = ByteBuffer.allocate(login.length + growth).order(ByteOrder.LITTLE_ENDIAN);
      grown.put(login, 0, start).put(server).put(login, end, login.length - end);
      grown.putInt(LENGTH_AT, grown.capacity());
      grown.putShort(SERVER_AT + 2, (short) (server.length / 2));
      for (int at : OFFSETS_AT) {
        int offset = Short.toUnsignedInt(grown.getShort(at));
        grown.putShort(at, (short) (offset >= end ? offset + growth : offset));
      }
      if ((login[FLAGS_AT] & HAS_EXTENSION) != 0) {
        // Points to where the features are pointed to.
        int at = Short.toUnsignedInt(grown.getShort(EXTENSION_AT));
        int offset = grown.getInt(at);
        grown.putInt(at, offset >= end ? offset + growth : offset);
      }
      return grown.array();
    } catch (IndexOutOfBoundsException e) {
      throw new IOException("The driver has written no login.", e);
    }
  }
}
