package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Accepts every connection and never answers, as a server does whose process is stuck. */
public final class MuteServer implements AutoCloseable {
  private final ServerSocket listener;
  private final byte[] greeting;
  private final List<Socket> accepted = new CopyOnWriteArrayList<>();

  private MuteServer(byte[] greeting) {
    this.greeting = greeting;
    try {
      listener = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread thread = new Thread(this::accept, "mute-accept");
    thread.setDaemon(true);
    thread.start();
  }

  public static MuteServer start() {
    return new MuteServer(new byte[0]);
  }

  /** Sends these bytes to every client, and nothing after them. */
  public static MuteServer greeting(byte[] bytes) {
    return new MuteServer(bytes.clone());
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** How many connections have been accepted so far. */
  public int connections() {
    return accepted.size();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        accepted.add(client);
        client.getOutputStream().write(greeting);
      } catch (IOException e) {
        // The listener was closed, or one client went away.
      }
    }
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
