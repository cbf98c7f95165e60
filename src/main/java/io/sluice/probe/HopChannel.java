package io.sluice.probe;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.sshd.client.channel.ChannelDirectTcpip;
import org.apache.sshd.client.session.ClientSession;
import org.apache.sshd.common.AttributeRepository;
import org.apache.sshd.common.SshException;
import org.apache.sshd.common.channel.BufferedIoOutputStream;
import org.apache.sshd.common.io.DefaultIoConnectFuture;
import org.apache.sshd.common.io.IoConnectFuture;
import org.apache.sshd.common.io.IoHandler;
import org.apache.sshd.common.io.IoService;
import org.apache.sshd.common.io.IoSession;
import org.apache.sshd.common.io.IoWriteFuture;
import org.apache.sshd.common.session.ConnectionService;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.apache.sshd.common.util.closeable.AbstractCloseable;
import org.apache.sshd.common.util.net.SshdSocketAddress;

/**
 * A direct-tcpip channel (RFC 4254 section 7.2) that carries the SSH session of the next hop.
 * MINA's own ProxyJump opens a local port for that; here the bytes go from the one session to the
 * other on the I/O thread that has read them.
 */
final class HopChannel extends ChannelDirectTcpip {
  private final IoHandler handler;
  private final AttributeRepository context;
  private volatile Transport transport;

  private HopChannel(
      SshdSocketAddress from,
      SshdSocketAddress to,
      IoHandler handler,
      AttributeRepository context) {
    super(from, to);
    this.handler = handler;
    this.context = context;
    setStreaming(Streaming.Async);
  }

  /**
   * Opens the channel, and lets the handler make a session of it.
   *
   * @param handler makes and feeds the session of the next hop
   * @param context the next hop's, as for a connection over TCP
   */
  static IoConnectFuture open(
      ClientSession via,
      SshdSocketAddress from,
      SshdSocketAddress to,
      IoHandler handler,
      AttributeRepository context)
      throws IOException {
    HopChannel channel = new HopChannel(from, to, handler, context);
    IoConnectFuture connecting = new DefaultIoConnectFuture(to, null);
    via.getService(ConnectionService.class).registerChannel(channel);
    channel.addCloseFutureListener(closed -> channel.closeTransport());
    channel
        .open()
        .addListener(
            opened -> {
              if (opened.isOpened()) {
                connecting.setSession(channel.transport);
              } else {
                Throwable failure = opened.getException();
                connecting.setException(
                    failure == null ? new SshException("The channel did not open.") : failure);
              }
            });
    return connecting;
  }

  @Override
  protected void doOpen() throws IOException {
    super.doOpen();
    Transport fresh = new Transport();
    transport = fresh;
    fresh.attributes.put(AttributeRepository.class, context);
    try {
      handler.sessionCreated(fresh);
    } catch (IOException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new SshException("No session on the channel.", e);
    }
  }

  @Override
  protected void doWriteData(byte[] data, int off, long len) throws IOException {
    Transport session = transport;
    if (session == null || session.isClosing()) {
      return;
    }
    try {
      handler.messageReceived(session, new ByteArrayBuffer(data, off, (int) len));
    } catch (Exception e) {
      try {
        handler.exceptionCaught(session, e);
      } catch (Exception closing) {
        session.close(true);
      }
    }
    getLocalWindow().release(len);
  }

  @Override
  public void handleEof() throws IOException {
    super.handleEof();
    close(true);
  }

  private void closeTransport() {
    Transport session = transport;
    if (session != null) {
      session.close(true);
    }
  }

  /** What the next hop's session takes for its connection. */
  private final class Transport extends AbstractCloseable implements IoSession {
    private static final AtomicLong IDS = new AtomicLong();

    private final long id = IDS.incrementAndGet();
    private final Map<Object, Object> attributes = new ConcurrentHashMap<>();
    private final SocketAddress remote =
        InetSocketAddress.createUnresolved(
            getRemoteSocketAddress().getHostName(), getRemoteSocketAddress().getPort());
    private final BufferedIoOutputStream out =
        new BufferedIoOutputStream("hop", getChannelId(), getAsyncIn(), HopChannel.this);

    @Override
    public long getId() {
      return id;
    }

    @Override
    public SocketAddress getAcceptanceAddress() {
      return null;
    }

    @Override
    public SocketAddress getRemoteAddress() {
      return remote;
    }

    @Override
    public SocketAddress getLocalAddress() {
      return null;
    }

    @Override
    public Object getAttribute(Object key) {
      return attributes.get(key);
    }

    @Override
    public Object setAttribute(Object key, Object value) {
      return attributes.put(key, value);
    }

    @Override
    public Object setAttributeIfAbsent(Object key, Object value) {
      return attributes.putIfAbsent(key, value);
    }

    @Override
    public Object removeAttribute(Object key) {
      return attributes.remove(key);
    }

    @Override
    public IoWriteFuture writeBuffer(Buffer buffer) throws IOException {
      // A packet's own buffer would be taken for one with room for a channel's header.
      return out.writeBuffer(
          new ByteArrayBuffer(buffer.array(), buffer.rpos(), buffer.available()));
    }

    @Override
    protected void doCloseImmediately() {
      HopChannel.this.close(true);
      super.doCloseImmediately();
      try {
        handler.sessionClosed(this);
      } catch (Exception e) {
        // The session is closed as far as it goes; nobody waits for more.
      }
    }

    /** None: no acceptor or connector keeps a list of these. */
    @Override
    public IoService getService() {
      return null;
    }

    @Override
    public void shutdownOutputStream() {
      close(false);
    }

    /** Without effect: what is read is handled at once. */
    @Override
    public void suspendRead() {}

    @Override
    public void resumeRead() {}

    @Override
    public String toString() {
      return "Transport[" + id + "]";
    }
  }
}
