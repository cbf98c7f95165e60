package io.sluice.probe;

import java.io.IOException;
import java.io.InputStream;
import java.net.Proxy;
import java.net.Socket;

/** A TCP connection whose traffic is counted. Ignores proxies that the JVM may be told to use. */
final class DirectSocket extends Socket {
  private final Traffic traffic;

  DirectSocket(Traffic traffic) {
    super(Proxy.NO_PROXY);
    this.traffic = traffic;
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return traffic.readable(traffic.counted(super.getInputStream()));
  }
}
