package io.sluice.probe;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import org.apache.sshd.client.channel.ChannelDirectTcpip;

/**
 * A direct-tcpip channel (RFC 4254 section 7.2) as a socket that is connected already. Socket
 * options have no meaning here and are accepted without effect; deadlines are the watchdog's.
 */
final class ChannelSocket extends Socket {
  private final ChannelDirectTcpip channel;
  private final InputStream in;
  private final OutputStream out;
  private volatile boolean closed;
  private int soTimeout;

  ChannelSocket(ChannelDirectTcpip channel, Traffic traffic) {
    this.channel = channel;
    this.in = traffic.counted(channel.getInvertedOut());
    this.out = channel.getInvertedIn();
  }

  @Override
  public InputStream getInputStream() {
    return in;
  }

  @Override
  public OutputStream getOutputStream() {
    return out;
  }

  // Not synchronized: the watchdog closes while another thread may be stuck inside.
  @SuppressWarnings("UnsynchronizedOverridesSynchronized")
  @Override
  public void close() throws IOException {
    closed = true;
    channel.close(true);
  }

  @Override
  public boolean isClosed() {
    return closed;
  }

  @Override
  public boolean isConnected() {
    return true;
  }

  @Override
  public boolean isBound() {
    return true;
  }

  @Override
  public void connect(SocketAddress endpoint, int timeout) throws IOException {
    throw new SocketException("Connected already.");
  }

  @Override
  public InetAddress getInetAddress() {
    return null;
  }

  @Override
  public int getPort() {
    return channel.getRemoteSocketAddress().getPort();
  }

  @Override
  public synchronized void setSoTimeout(int timeout) {
    soTimeout = timeout;
  }

  @Override
  public synchronized int getSoTimeout() {
    return soTimeout;
  }

  @Override
  public void setTcpNoDelay(boolean on) {}

  @Override
  public boolean getTcpNoDelay() {
    return true;
  }

  @Override
  public void setKeepAlive(boolean on) {}

  @Override
  public void setSoLinger(boolean on, int linger) {}

  @Override
  public synchronized void setReceiveBufferSize(int size) {}

  @Override
  public synchronized void setSendBufferSize(int size) {}

  @Override
  public synchronized int getReceiveBufferSize() {
    return 0;
  }

  @Override
  public synchronized int getSendBufferSize() {
    return 0;
  }

  @Override
  public void setTrafficClass(int tc) {}

  @Override
  public void shutdownInput() {}

  @Override
  public void shutdownOutput() throws IOException {
    out.flush();
  }

  @Override
  public boolean isInputShutdown() {
    return closed;
  }

  @Override
  public boolean isOutputShutdown() {
    return closed;
  }
}
