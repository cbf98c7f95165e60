package io.sluice.probe;

import java.io.IOException;
import java.net.Socket;
import java.sql.SQLException;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.mariadb.jdbc.Configuration;
import org.mariadb.jdbc.HostAddress;
import org.mariadb.jdbc.export.ExceptionFactory;
import org.mariadb.jdbc.plugin.TlsSocketPlugin;

/**
 * TLS for MariaDB Connector/J with this product's own verification. The driver's default would fall
 * back to comparing a self-signed certificate's fingerprint by means of the password; this plug-in
 * never defers the decision, so that a certificate is trusted before the login or not at all.
 * Public, because the driver finds it as a service.
 */
public final class MariadbTlsPlugin implements TlsSocketPlugin {
  static final String TYPE = "sluice";

  @Override
  public String type() {
    return TYPE;
  }

  @Override
  public TrustManager[] getTrustManager(
      Configuration conf, ExceptionFactory exceptionFactory, HostAddress hostAddress)
      throws SQLException {
    // Nobody is trusted by the factory that the driver builds from this; createSocket ignores it.
    return new TrustManager[0];
  }

  @Override
  public KeyManager[] getKeyManager(Configuration conf, ExceptionFactory exceptionFactory)
      throws SQLException {
    return new KeyManager[0];
  }

  @Override
  public SSLSocket createSocket(Socket socket, SSLSocketFactory sslSocketFactory)
      throws IOException {
    return VerifiedTls.over(socket, TestRun.current());
  }

  @Override
  public void verify(String host, SSLSession sslSession, long serverThreadId) throws SSLException {
    try {
      VerifiedTls.passed(sslSession, TestRun.current());
    } catch (SSLException e) {
      throw e;
    } catch (IOException e) {
      throw new SSLException("No connection test runs on this thread.", e);
    }
  }
}
