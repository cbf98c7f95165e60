package io.sluice.servers;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.net.ssl.SSLSocket;

/**
 * A server that does to each client what a test tells it to, and records all that a client says.
 */
public final class RogueServer implements AutoCloseable {
  /** What is done to one client; the connection stays open after it. */
  @FunctionalInterface
  public interface Script {
    void play(Client client) throws IOException;
  }

  private final ServerSocket listener;
  private final Script script;
  private final List<Socket> accepted = new CopyOnWriteArrayList<>();
  private final ByteArrayOutputStream received = new ByteArrayOutputStream();

  private RogueServer(Script script) {
    this.script = script;
    try {
      listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon(this::accept);
  }

  public static RogueServer playing(Script script) {
    return new RogueServer(script);
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "rogue-server");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket socket = listener.accept();
        accepted.add(socket);
        daemon(() -> serve(new Client(socket)));
      } catch (IOException e) {
        // The listener was closed.
      }
    }
  }

  private void serve(Client client) {
    try {
      script.play(client);
      while (true) {
        client.read(1);
      }
    } catch (IOException e) {
      // The client went away.
    }
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return listener.getLocalPort();
  }

  public int connections() {
    return accepted.size();
  }

  /** Everything that clients have sent, decrypted, each byte as one character. */
  public String received() {
    synchronized (received) {
      return received.toString(StandardCharsets.ISO_8859_1);
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (Socket each : accepted) {
        each.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One connected client. */
  public final class Client {
    private Socket socket;

    private Client(Socket socket) {
      this.socket = socket;
    }

    public void write(byte[] bytes) throws IOException {
      socket.getOutputStream().write(bytes);
    }

    /** Exactly so many bytes. */
    public byte[] read(int count) throws IOException {
      InputStream in = socket.getInputStream();
      byte[] bytes = in.readNBytes(count);
      synchronized (received) {
        received.writeBytes(bytes);
      }
      if (bytes.length < count) {
        throw new EOFException();
      }
      return bytes;
    }

    /** Hangs up, after what has been written. */
    public void close() throws IOException {
      socket.close();
    }

    /** Goes on in TLS, as the server. */
    public void startTls(TestCa.Issued identity) throws IOException {
      SSLSocket secured =
          (SSLSocket)
              identity
                  .sslContext()
                  .getSocketFactory()
                  .createSocket(socket, socket.getInetAddress().getHostAddress(), 0, true);
      secured.setUseClientMode(false);
      secured.startHandshake();
      socket = secured;
    }

    /** One MySQL packet; answers its sequence number. */
    public int readMysql() throws IOException {
      byte[] header = read(4);
      read((header[0] & 0xff) | (header[1] & 0xff) << 8 | (header[2] & 0xff) << 16);
      return header[3] & 0xff;
    }

    /** Reads a packet of the client's and answers with these, one after the other. */
    public void answerMysql(byte[]... bodies) throws IOException {
      int sequence = readMysql();
      for (byte[] body : bodies) {
        write(mysql(++sequence, body));
      }
    }

    /** A PostgreSQL start-up packet or request, which has a length and no type. */
    public void readStartup() throws IOException {
      read(ByteBuffer.wrap(read(4)).getInt() - 4);
    }

    /** A PostgreSQL message; answers its type. */
    public char readPostgres() throws IOException {
      byte[] header = read(5);
      read(ByteBuffer.wrap(header).getInt(1) - 4);
      return (char) header[0];
    }
  }

  /** A packet of MySQL's protocol. */
  public static byte[] mysql(int sequence, byte[] body) {
    return ByteBuffer.allocate(4 + body.length)
        .put((byte) body.length)
        .put((byte) (body.length >> 8))
        .put((byte) (body.length >> 16))
        .put((byte) sequence)
        .put(body)
        .array();
  }

  /**
   * The body of a MySQL greeting with every capability but compression and the newer end of a
   * result.
   */
  public static byte[] mysqlGreeting(boolean tls) {
    int capabilities = 0x00ff_ffff & ~0x0020 & ~0x0100_0000;
    capabilities = tls ? capabilities : capabilities & ~0x0800;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(10);
    out.writeBytes(latin("5.7.44-fake\0"));
    out.writeBytes(new byte[] {1, 0, 0, 0});
    out.writeBytes(latin("12345678\0"));
    out.write(capabilities);
    out.write(capabilities >> 8);
    out.write(33);
    out.writeBytes(new byte[] {2, 0});
    out.write(capabilities >> 16);
    out.write(capabilities >> 24);
    out.write(21);
    out.writeBytes(new byte[10]);
    out.writeBytes(latin("123456789012\0mysql_native_password\0"));
    return out.toByteArray();
  }

  /** A message of PostgreSQL's protocol. */
  public static byte[] postgres(char type, byte[] body) {
    return postgres(type, body.length + 4, body);
  }

  /** The same with a length that is not its own. */
  public static byte[] postgres(char type, int length, byte[] body) {
    return ByteBuffer.allocate(5 + body.length).put((byte) type).putInt(length).put(body).array();
  }

  public static byte[] latin(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Four bytes, most significant first. */
  public static byte[] number(int value) {
    return ByteBuffer.allocate(4).putInt(value).array();
  }
}
