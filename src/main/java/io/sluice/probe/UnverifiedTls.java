package io.sluice.probe;

import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * TLS with whoever answers: it keeps a login from listeners, and from nobody else. Only for a
 * connection for which no TLS was asked, to a server whose protocol would otherwise send the
 * password all but in clear.
 */
final class UnverifiedTls {
  private UnverifiedTls() {}

  /** A TLS socket that has not made its handshake yet. Closing it closes {@code socket}. */
  static SSLSocket over(Socket socket) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new Anyone()}, null);
      SSLSocket secured =
          (SSLSocket) context.getSocketFactory().createSocket(socket, null, 0, true);
      secured.setUseClientMode(true);
      return secured;
    } catch (GeneralSecurityException e) {
      throw new SSLException("No TLS context.", e);
    }
  }

  /**
   * Extended, as the JDK would add checks of its own to a plain one: the certificates that servers
   * make for themselves have keys and signatures that it refuses.
   */
  private static final class Anyone extends X509ExtendedTrustManager {
    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
