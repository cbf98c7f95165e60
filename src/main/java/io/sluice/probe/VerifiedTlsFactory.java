package io.sluice.probe;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.ssl.SSLSocketFactory;

/**
 * Gives pgjdbc a TLS socket that verifies certificate and host name by itself. Public, because the
 * driver makes it by its name.
 */
public final class VerifiedTlsFactory extends SSLSocketFactory {
  @Override
  public Socket createSocket(Socket socket, String host, int port, boolean autoClose)
      throws IOException {
    return VerifiedTls.over(socket, TestRun.current());
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return new String[0];
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return new String[0];
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    throw unlayered();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    throw unlayered();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    throw unlayered();
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    throw unlayered();
  }

  private static IOException unlayered() {
    return new IOException("TLS runs over the connected socket only.");
  }
}
