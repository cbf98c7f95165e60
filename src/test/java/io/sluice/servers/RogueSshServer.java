package io.sluice.servers;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;

/** What listens on a bastion's port and never gets as far as a key exchange. */
public final class RogueSshServer implements AutoCloseable {
  /** How it behaves to every client. */
  public enum Manner {
    /** Speaks HTTP, and hangs up. */
    HTTP,
    /** Says nothing. */
    MUTE,
    /** One line of a megabyte where the version should be, again and again. */
    LONG_LINE,
    /** Short lines before the version, without end (RFC 4253 section 4.2 allows some). */
    ENDLESS_LINES,
    /** A version, then a packet that claims two gigabytes. */
    GIANT_PACKET,
    /** A byte of the version now and then. */
    DRIP,
    /** A version, then nothing. */
    NO_KEY_EXCHANGE
  }

  private static final int CHUNK_BYTES = 1024 * 1024;
  private static final int DRIP_MILLIS = 100;

  private final Manner manner;
  private final ServerSocket listener;
  private final List<Socket> accepted = new CopyOnWriteArrayList<>();
  private final AtomicLong written = new AtomicLong();

  private RogueSshServer(Manner manner) {
    this.manner = manner;
    try {
      listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon(this::accept, "rogue-accept");
  }

  public static RogueSshServer start(Manner manner) {
    return new RogueSshServer(manner);
  }

  private static void daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        accepted.add(client);
        daemon(() -> serve(client), "rogue-serve");
      } catch (IOException e) {
        // The listener was closed.
      }
    }
  }

  private void serve(Socket client) {
    try {
      OutputStream out = client.getOutputStream();
      switch (manner) {
        case HTTP -> {
          // What is unread when a socket closes would take the answer with it.
          client.getInputStream().readNBytes("SSH-2.0-".length());
          send(out, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n".getBytes(US_ASCII));
          client.shutdownOutput();
          client.getInputStream().transferTo(OutputStream.nullOutputStream());
        }
        case MUTE -> client.getInputStream().transferTo(OutputStream.nullOutputStream());
        case LONG_LINE -> {
          byte[] line = "x".repeat(CHUNK_BYTES).getBytes(US_ASCII);
          while (!client.isClosed()) {
            send(out, line);
          }
        }
        case ENDLESS_LINES -> {
          byte[] lines = "welcome\r\n".repeat(1000).getBytes(US_ASCII);
          while (!client.isClosed()) {
            send(out, lines);
          }
        }
        case GIANT_PACKET -> {
          send(out, "SSH-2.0-rogue\r\n".getBytes(US_ASCII));
          byte[] chunk = new byte[CHUNK_BYTES];
          chunk[0] = 0x7f;
          while (!client.isClosed()) {
            send(out, chunk);
          }
        }
        case DRIP -> {
          for (byte b : "SSH-2.0-rogue ".repeat(100).getBytes(US_ASCII)) {
            send(out, new byte[] {b});
            if (gone(client)) {
              return;
            }
          }
        }
        case NO_KEY_EXCHANGE -> {
          send(out, "SSH-2.0-rogue\r\n".getBytes(US_ASCII));
          client.getInputStream().transferTo(OutputStream.nullOutputStream());
        }
      }
    } catch (IOException e) {
      // The client has gone.
    }
  }

  /** Waits for the client to leave, as long as a byte is to take. */
  private static boolean gone(Socket client) throws IOException {
    client.setSoTimeout(DRIP_MILLIS);
    try {
      return client.getInputStream().read(new byte[CHUNK_BYTES]) < 0;
    } catch (SocketTimeoutException e) {
      return false;
    }
  }

  private void send(OutputStream out, byte[] bytes) throws IOException {
    out.write(bytes);
    written.addAndGet(bytes.length);
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Bytes that its clients, or the buffers of the system, have taken so far. */
  public long written() {
    return written.get();
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (Socket client : accepted) {
        client.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
