package io.sluice.probe;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.SocketOption;

/**
 * A pair of streams as a socket that is connected already. Socket options have no meaning here and
 * are accepted without effect; deadlines are the watchdog's.
 */
abstract class StreamSocket extends Socket {
  private volatile boolean closed;
  private int soTimeout;

  /** Ends what is under the streams. Another thread may be stuck in them. */
  abstract void end() throws IOException;

  // Not synchronized: the watchdog closes while another thread may be stuck inside.
  @SuppressWarnings("UnsynchronizedOverridesSynchronized")
  @Override
  public final void close() throws IOException {
    closed = true;
    end();
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

  // The JDK's own answers to these would open a socket only to ask it, and nobody closes that one.
  @Override
  public int getPort() {
    return 0;
  }

  @Override
  public InetAddress getLocalAddress() {
    return InetAddress.getLoopbackAddress();
  }

  @Override
  public int getLocalPort() {
    return 0;
  }

  @Override
  public int getSoLinger() {
    return -1;
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
  public <T> Socket setOption(SocketOption<T> name, T value) {
    return this;
  }

  @Override
  public void shutdownInput() {}

  @Override
  public void shutdownOutput() throws IOException {
    getOutputStream().flush();
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
