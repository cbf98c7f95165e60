package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Accepts every connection and never answers, as a server does whose process is stuck. */
public final class MuteServer implements AutoCloseable {
  private static final int BACKLOG = 1024;

  private final ServerSocket listener;
  private final byte[] greeting;
  private final List<Socket> accepted = new CopyOnWriteArrayList<>();

  private MuteServer(byte[] greeting, InetAddress address) {
    this.greeting = greeting;
    try {
      listener = new ServerSocket(0, BACKLOG, address);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread thread = new Thread(this::accept, "mute-accept");
    thread.setDaemon(true);
    thread.start();
  }

  public static MuteServer start() {
    return new MuteServer(new byte[0], InetAddress.getLoopbackAddress());
  }

  /** One that is many hosts, see {@link #host(int)}. */
  public static MuteServer ofManyHosts() {
    return new MuteServer(new byte[0], new InetSocketAddress(0).getAddress());
  }

  /** Sends these bytes to every client, and nothing after them. */
  public static MuteServer greeting(byte[] bytes) {
    return new MuteServer(bytes.clone(), InetAddress.getLoopbackAddress());
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  /** One of sixty thousand hosts with this {@link #port()}; of a server {@link #ofManyHosts}. */
  public String host(int number) {
    return "127.1." + number / 250 + "." + (number % 250 + 1);
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

  /** Closes its own side of every connection so far. */
  public void hangUp() {
    try {
      for (Socket client : accepted) {
        client.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    hangUp();
  }
}
