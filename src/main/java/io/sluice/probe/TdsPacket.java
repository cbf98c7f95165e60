package io.sluice.probe;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

/**
 * Packets of the Tabular Data Stream: eight bytes of header (type, status, length of the whole, and
 * four that do not matter here), then data ([MS-TDS] section 2.2.3). A message is one packet or
 * several, of which the last is marked.
 */
final class TdsPacket {
  static final byte RESPONSE = 0x04;
  static final byte LOGIN7 = 0x10;
  static final byte PRELOGIN = 0x12;

  static final int HEADER_BYTES = 8;

  /** What every peer must take: the size before another one is agreed on. */
  static final int MAX_WRITTEN_BYTES = 4096;

  // The largest size that can be agreed on.
  private static final int MAX_READ_BYTES = 32_767;
  // A login's answers, with the server's messages, take a few KiB.
  private static final int MAX_MESSAGE_BYTES = 64 * 1024;
  private static final byte LAST = 0x01;

  private TdsPacket() {}

  /**
   * Reads one packet.
   *
   * @throws TdsBreach when its length is impossible
   * @throws EOFException when the stream ends before the packet does
   */
  static byte[] read(InputStream in) throws IOException {
    byte[] header = in.readNBytes(HEADER_BYTES);
    if (header.length < HEADER_BYTES) {
      throw new EOFException("The peer has closed the connection.");
    }
    int length = length(header);
    if (length < HEADER_BYTES || length > MAX_READ_BYTES) {
      throw TdsBreach.garbled();
    }
    byte[] packet = new byte[length];
    System.arraycopy(header, 0, packet, 0, HEADER_BYTES);
    if (in.readNBytes(packet, HEADER_BYTES, length - HEADER_BYTES) < length - HEADER_BYTES) {
      throw new EOFException("The peer has closed the connection.");
    }
    return packet;
  }

  /**
   * Reads the data of one whole message of the server's.
   *
   * @throws TdsBreach when it is no response, or more than a test can need
   */
  static byte[] readResponse(InputStream in) throws IOException {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    byte[] packet;
    do {
      packet = read(in);
      if (packet[0] != RESPONSE || data.size() + packet.length > MAX_MESSAGE_BYTES) {
        throw TdsBreach.garbled();
      }
      data.write(packet, HEADER_BYTES, packet.length - HEADER_BYTES);
    } while (!last(packet));
    return data.toByteArray();
  }

  /** A message in packets of the size that every peer takes. */
  static byte[] message(byte type, byte[] data) {
    int room = MAX_WRITTEN_BYTES - HEADER_BYTES;
    int packets = Math.max(1, (data.length + room - 1) / room);
    ByteBuffer message = ByteBuffer.allocate(data.length + packets * HEADER_BYTES);
    for (int i = 0; i < packets; i++) {
      int from = i * room;
      int size = Math.min(room, data.length - from);
      message.put(type).put(i == packets - 1 ? LAST : 0);
      message.putShort((short) (size + HEADER_BYTES)).putShort((short) 0);
      message.put((byte) (i + 1)).put((byte) 0).put(data, from, size);
    }
    return message.array();
  }

  /** The length that a header names, itself included. */
  static int length(byte[] header) {
    return Short.toUnsignedInt(ByteBuffer.wrap(header).getShort(2));
  }

  /** Whether a message ends with this packet. */
  static boolean last(byte[] packet) {
    return (packet[1] & LAST) != 0;
  }
}
