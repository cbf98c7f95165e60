package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A port that swallows SYN packets, as a firewall does that drops: a listener that accepts nothing
 * and whose queue is full. A connect to it neither succeeds nor fails.
 */
public final class BlackHole implements AutoCloseable {
  private static final Duration FULL_WHEN_SILENT = Duration.ofMillis(300);
  private static final int QUEUE_LIMIT = 64;

  private final ServerSocket listener;
  private final List<Socket> queued = new ArrayList<>();

  private BlackHole() throws IOException {
    listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    try {
      while (queued.size() < QUEUE_LIMIT) {
        Socket filler = new Socket();
        queued.add(filler);
        filler.connect(listener.getLocalSocketAddress(), (int) FULL_WHEN_SILENT.toMillis());
      }
    } catch (SocketTimeoutException e) {
      return;
    }
    close();
    throw new IOException("The queue of a listener did not fill up.");
  }

  public static BlackHole open() {
    try {
      return new BlackHole();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return listener.getLocalPort();
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (Socket filler : queued) {
        filler.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
