package io.sluice.probe;

import io.sluice.model.Reason;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Arrays;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;

/**
 * What the SQL Server driver gets in place of its test's socket. It speaks enough of the Tabular
 * Data Stream ([MS-TDS]) to stand between the two:
 *
 * <ul>
 *   <li>TLS is made here, as for every other driver, and not by the driver, which would verify the
 *       name that it connects to and not the one in the settings. The server is always asked for
 *       it, and the whole session runs in it. With {@code ssl} the certificate is verified; without
 *       it nobody's identity is, but a listener still reads no password, which the protocol itself
 *       only obfuscates. A server that takes no TLS gets no login.
 *   <li>The driver reads only what {@link TdsTokens} lets through, and {@link TdsLogin} puts the
 *       server's name into its login.
 * </ul>
 *
 * <p>Within TDS 7 the handshake travels in packets, and what follows does not. TLS 1.3 goes on
 * after its handshake, so that the two would mix; servers offer it with TDS 8 only. So it is TLS
 * 1.2.
 *
 * <p>One thread reads and writes. Closing ends the raw socket from any thread.
 */
final class TdsSocket extends StreamSocket {
  private static final byte OPTION_ENCRYPTION = 0x01;
  private static final byte OPTIONS_END = (byte) 0xff;
  private static final byte ENCRYPT_OFF = 0;
  private static final byte ENCRYPT_ON = 1;
  private static final byte ENCRYPT_NOT_SUPPORTED = 2;
  private static final byte ENCRYPT_REQUIRED = 3;

  private final Socket raw;
  private final TestRun run;
  private final TdsTokens tokens = new TdsTokens();

  /** Of the current message; the driver writes it in pieces. */
  private final ByteArrayOutputStream written = new ByteArrayOutputStream();

  private final ByteArrayOutputStream data = new ByteArrayOutputStream();

  /** What is left of the message that the driver reads. */
  private InputStream readable = InputStream.nullInputStream();

  /** The driver's first message, until it wants the answer. */
  private byte[] prelogin;

  private SSLSocket secured;
  private boolean loginSent;

  TdsSocket(Socket raw, TestRun run) {
    this.raw = raw;
    this.run = run;
  }

  @Override
  void end() throws IOException {
    raw.close();
  }

  @Override
  public InputStream getInputStream() {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        if (length > 0 && readable.available() == 0) {
          readable = new ByteArrayInputStream(answer());
        }
        return readable.read(buffer, offset, length);
      }

      @Override
      public int available() throws IOException {
        return readable.available();
      }
    };
  }

  @Override
  public OutputStream getOutputStream() {
    return new OutputStream() {
      @Override
      public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
      }

      @Override
      public void write(byte[] buffer, int offset, int length) throws IOException {
        written.write(buffer, offset, length);
        takePackets();
      }
    };
  }

  private void takePackets() throws IOException {
    byte[] all = written.toByteArray();
    int from = 0;
    while (all.length - from >= TdsPacket.HEADER_BYTES) {
      byte[] packet = Arrays.copyOfRange(all, from, all.length);
      int length = TdsPacket.length(packet);
      if (length < TdsPacket.HEADER_BYTES) {
        throw new IOException("The driver has written no packet.");
      }
      if (length > packet.length) {
        break;
      }
      data.write(packet, TdsPacket.HEADER_BYTES, length - TdsPacket.HEADER_BYTES);
      if (TdsPacket.last(packet)) {
        send(packet[0], data.toByteArray());
        data.reset();
      }
      from += length;
    }
    written.reset();
    written.write(all, from, all.length - from);
  }

  /** Nothing but the first message leaves before the handshake. */
  private void send(byte type, byte[] message) throws IOException {
    if (secured == null) {
      if (type != TdsPacket.PRELOGIN || prelogin != null) {
        throw new IOException("The driver has not asked for the server's terms.");
      }
      prelogin = message;
      return;
    }
    byte[] out = message;
    if (!loginSent) {
      if (type != TdsPacket.LOGIN7) {
        throw new IOException("The driver has not logged in.");
      }
      loginSent = true;
      out = TdsLogin.named(message, run.host().text());
    }
    secured.getOutputStream().write(TdsPacket.message(type, out));
    secured.getOutputStream().flush();
  }

  private byte[] answer() throws IOException {
    if (secured == null) {
      return TdsPacket.message(TdsPacket.RESPONSE, negotiate());
    }
    byte[] message = TdsPacket.readResponse(secured.getInputStream());
    return TdsPacket.message(TdsPacket.RESPONSE, tokens.permitted(message));
  }

  /** From the terms to the end of the handshake; to the driver it looks like none. */
  private byte[] negotiate() throws IOException {
    if (prelogin == null) {
      throw new IOException("The driver has not asked for the server's terms.");
    }
    prelogin[encryptionAt(prelogin)] = ENCRYPT_ON;
    raw.getOutputStream().write(TdsPacket.message(TdsPacket.PRELOGIN, prelogin));
    raw.getOutputStream().flush();
    byte[] terms = TdsPacket.readResponse(raw.getInputStream());
    int at = encryptionAt(terms);
    switch (terms[at]) {
      case ENCRYPT_ON, ENCRYPT_REQUIRED -> handshake();
      case ENCRYPT_OFF, ENCRYPT_NOT_SUPPORTED -> throw noTls();
      default -> throw TdsBreach.garbled();
    }
    terms[at] = ENCRYPT_NOT_SUPPORTED;
    return terms;
  }

  private TdsBreach noTls() {
    return run.connection().tls() != null
        ? new TdsBreach(Reason.TLS_NOT_OFFERED, null)
        : new TdsBreach(
            Reason.PROTOCOL_MISMATCH,
            "The server takes no encrypted login, and no password is sent in clear.");
  }

  private void handshake() throws IOException {
    HandshakePackets packets = new HandshakePackets();
    boolean verified = run.connection().tls() != null;
    SSLSocket socket = verified ? VerifiedTls.over(packets, run) : UnverifiedTls.over(packets);
    socket.setEnabledProtocols(new String[] {"TLSv1.2"});
    try {
      socket.startHandshake();
    } catch (SSLException e) {
      if (verified) {
        throw e;
      }
      throw new TdsBreach(
          Reason.PROTOCOL_MISMATCH,
          "The server encrypts logins, but not with a version and cipher of TLS 1.2.");
    }
    packets.over();
    if (verified) {
      VerifiedTls.passed(socket.getSession(), run);
    }
    secured = socket;
  }

  /** Where the data of a PRELOGIN message ([MS-TDS] section 2.2.6.5) says what is encrypted. */
  private static int encryptionAt(byte[] options) throws TdsBreach {
    ByteBuffer in = ByteBuffer.wrap(options);
    while (in.remaining() >= 5) {
      byte option = in.get();
      if (option == OPTIONS_END) {
        break;
      }
      int offset = Short.toUnsignedInt(in.getShort());
      int length = Short.toUnsignedInt(in.getShort());
      if (option == OPTION_ENCRYPTION && length == 1 && offset < options.length) {
        return offset;
      }
    }
    throw TdsBreach.garbled();
  }

  /** The raw socket, with every flight of the handshake as a message of its own. */
  private final class HandshakePackets extends StreamSocket {
    private final ByteArrayOutputStream flight = new ByteArrayOutputStream();
    private InputStream packet = InputStream.nullInputStream();
    private boolean over;

    /** From here on bytes pass as they are. */
    void over() throws IOException {
      sendFlight();
      over = true;
    }

    private void sendFlight() throws IOException {
      if (flight.size() > 0) {
        raw.getOutputStream().write(TdsPacket.message(TdsPacket.PRELOGIN, flight.toByteArray()));
        raw.getOutputStream().flush();
        flight.reset();
      }
    }

    @Override
    void end() throws IOException {
      raw.close();
    }

    @Override
    public InputStream getInputStream() {
      return new InputStream() {
        @Override
        public int read() throws IOException {
          byte[] one = new byte[1];
          return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
          if (length == 0) {
            return 0;
          }
          if (packet.available() == 0) {
            if (over) {
              return raw.getInputStream().read(buffer, offset, length);
            }
            sendFlight();
            nextPacket();
          }
          return packet.read(buffer, offset, length);
        }

        @Override
        public int available() throws IOException {
          return packet.available();
        }
      };
    }

    private void nextPacket() throws IOException {
      byte[] next = TdsPacket.read(raw.getInputStream());
      if ((next[0] != TdsPacket.PRELOGIN && next[0] != TdsPacket.RESPONSE)
          || next.length == TdsPacket.HEADER_BYTES) {
        throw TdsBreach.garbled();
      }
      packet =
          new ByteArrayInputStream(
              next, TdsPacket.HEADER_BYTES, next.length - TdsPacket.HEADER_BYTES);
    }

    @Override
    public OutputStream getOutputStream() {
      return new OutputStream() {
        @Override
        public void write(int b) throws IOException {
          write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
          if (over) {
            raw.getOutputStream().write(buffer, offset, length);
          } else {
            flight.write(buffer, offset, length);
          }
        }

        @Override
        public void flush() throws IOException {
          if (over) {
            raw.getOutputStream().flush();
          }
        }
      };
    }
  }
}
