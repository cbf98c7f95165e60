package io.sluice.probe;

import java.io.InputStream;
import java.io.OutputStream;
import org.apache.sshd.client.channel.ChannelDirectTcpip;

/** A direct-tcpip channel (RFC 4254 section 7.2) as a socket. */
final class ChannelSocket extends StreamSocket {
  private final ChannelDirectTcpip channel;
  private final InputStream in;
  private final Traffic traffic;
  private final OutputStream out;

  ChannelSocket(ChannelDirectTcpip channel, Traffic traffic) {
    this.channel = channel;
    this.traffic = traffic;
    this.in = traffic.counted(channel.getInvertedOut());
    this.out = channel.getInvertedIn();
  }

  @Override
  public InputStream getInputStream() {
    return traffic.readable(in);
  }

  @Override
  public OutputStream getOutputStream() {
    return out;
  }

  @Override
  void end() {
    channel.close(true);
  }

  @Override
  public int getPort() {
    return channel.getRemoteSocketAddress().getPort();
  }
}
