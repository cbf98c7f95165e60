package io.sluice.probe;

import io.sluice.drivers.Driver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.SocketFactory;

/**
 * Hands a driver the one socket that its test has connected after policy, lookup and connection
 * were checked. Where the driver wants to go is not asked: it can go nowhere else. Public, because
 * drivers make it by its name.
 */
public final class HandedSocketFactory extends SocketFactory {
  @Override
  public Socket createSocket() throws IOException {
    TestRun run = TestRun.current();
    Socket socket = run.takeSocket();
    return run.driver().family() == Driver.Family.SQLSERVER ? new TdsSocket(socket, run) : socket;
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return createSocket();
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    return createSocket();
  }
}
