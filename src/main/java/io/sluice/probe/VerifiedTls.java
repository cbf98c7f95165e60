package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import io.sluice.model.Report.Warning;
import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * TLS 1.2 or newer over a test's socket, the same for every driver: the chain is verified against
 * the sender's authorities or else the JVM's, and the certificate against the host name in the
 * settings (RFC 6125), also where the socket runs through a bastion. Both happen inside the
 * handshake, so nothing of a login leaves before.
 *
 * <p>Each test has a context of its own: no session is resumed, as a resumed one shows no
 * certificate.
 */
final class VerifiedTls {
  private static final String[] PROTOCOLS = {"TLSv1.3", "TLSv1.2"};

  private VerifiedTls() {}

  /** A TLS socket that has not made its handshake yet. Closing it closes {@code socket}. */
  static SSLSocket over(Socket socket, TestRun run) throws IOException {
    return over(socket, run, run.host(), run.tlsOutcome());
  }

  /**
   * The same towards a further host of a service.
   *
   * @param host the name that the certificate must have
   * @param outcome told what the handshake saw
   */
  static SSLSocket over(Socket socket, TestRun run, HostName host, TlsOutcome outcome)
      throws IOException {
    outcome.start();
    Connection.Tls tls = run.connection().tls();
    try {
      requireInDate(tls.certificate());
      SSLContext context = SSLContext.getInstance("TLS");
      KeyManager[] keys = TlsMaterial.keys(tls.certificate(), tls.key(), tls.keyPassword());
      X509ExtendedTrustManager jdk = TlsMaterial.trust(tls.authorities());
      context.init(
          keys.length == 0 ? new KeyManager[] {TlsMaterial.none(outcome)} : keys,
          new TrustManager[] {new Judge(jdk, tls.authorities() != null, host.text(), outcome)},
          null);
      run.traffic().secure();
      SSLSocket secured =
          (SSLSocket)
              context
                  .getSocketFactory()
                  .createSocket(socket, host.text(), run.connection().port(), true);
      SSLParameters parameters = secured.getSSLParameters();
      parameters.setProtocols(PROTOCOLS);
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      secured.setSSLParameters(parameters);
      secured.setUseClientMode(true);
      return new FramedTlsSocket(secured, run.traffic());
    } catch (TlsMaterial.Unusable e) {
      outcome.refuse(e.reason(), e.field(), e.getMessage());
      throw new SSLException("The settings' certificates or key cannot be used.");
    } catch (GeneralSecurityException e) {
      throw new SSLException("No TLS context.", e);
    }
  }

  /** A server would refuse it, often by a cut that does not say why. */
  private static void requireInDate(String certificate) throws TlsMaterial.Unusable {
    if (certificate == null) {
      return;
    }
    Instant now = Instant.now();
    for (X509Certificate each : TlsMaterial.chain(certificate)) {
      if (Complaint.outOfDate(each, now)) {
        throw new TlsMaterial.Unusable(
            Reason.TLS_EXPIRED,
            Field.CERTIFICATE,
            Complaint.time("The client's certificate", each, now, "Renew it."));
      }
    }
  }

  private static List<Warning> warnings(Certificate[] sent, TestRun run, Instant now) {
    Connection.Tls tls = run.connection().tls();
    try {
      return CertificateExpiry.warnings(
          CertificateExpiry.x509(sent),
          List.of(TlsMaterial.trust(tls.authorities()).getAcceptedIssuers()),
          tls.authorities() != null,
          tls.certificate() == null ? List.of() : TlsMaterial.chain(tls.certificate()),
          now,
          run.warnBefore());
    } catch (TlsMaterial.Unusable | GeneralSecurityException e) {
      throw new IllegalStateException("What the handshake was made with cannot be read again.", e);
    }
  }

  /** Ends the step {@code tls} and starts the login. Called right after the handshake. */
  static void passed(SSLSession session, TestRun run) throws IOException {
    Certificate[] chain = session.getPeerCertificates();
    Instant now = Instant.now();
    Duration left = Duration.between(now, ((X509Certificate) chain[0]).getNotAfter().toInstant());
    run.pass(
        session.getProtocol() + ", certificate valid " + CertificateExpiry.span(left),
        warnings(chain, run, now));
    try {
      run.begin(Name.LOGIN);
    } catch (TestEnded e) {
      throw new SSLException("The connection test has ended.", e);
    }
  }

  /** Leaves the verification to the JDK, and notes what kind of "no" it was. */
  private static final class Judge extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager jdk;
    private final boolean given;
    private final String host;
    private final TlsOutcome outcome;

    Judge(X509ExtendedTrustManager jdk, boolean given, String host, TlsOutcome outcome) {
      this.jdk = jdk;
      this.given = given;
      this.host = host;
      this.outcome = outcome;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
        throws CertificateException {
      try {
        jdk.checkServerTrusted(chain, authType, socket);
        outcome.serverVerified(true);
      } catch (CertificateException e) {
        Complaint complaint = complaint(chain, kind(chain, authType, e));
        outcome.refuse(complaint.reason(), complaint.field(), complaint.hint());
        throw e;
      }
    }

    private Complaint complaint(X509Certificate[] chain, Reason reason) {
      List<X509Certificate> sent = List.of(chain);
      List<X509Certificate> trusted = List.of(jdk.getAcceptedIssuers());
      return switch (reason) {
        case TLS_EXPIRED -> Complaint.outOfDate(sent, trusted, given, Instant.now());
        case TLS_HOSTNAME_MISMATCH -> Complaint.otherHost(chain[0], host);
        default -> Complaint.untrusted(sent, trusted, given);
      };
    }

    private Reason kind(X509Certificate[] chain, String authType, CertificateException e) {
      if (outOfDate(e)) {
        return Reason.TLS_EXPIRED;
      }
      try {
        // Without a socket the JDK verifies the chain alone.
        jdk.checkServerTrusted(chain, authType);
        return Reason.TLS_HOSTNAME_MISMATCH;
      } catch (CertificateException chainFailure) {
        return outOfDate(chainFailure) ? Reason.TLS_EXPIRED : Reason.TLS_UNTRUSTED;
      }
    }

    private static boolean outOfDate(Throwable failure) {
      for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
        if (cause instanceof CertificateExpiredException
            || cause instanceof CertificateNotYetValidException
            || (cause instanceof CertPathValidatorException path
                && (path.getReason() == BasicReason.EXPIRED
                    || path.getReason() == BasicReason.NOT_YET_VALID))) {
          return true;
        }
      }
      return false;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
        throws CertificateException {
      throw new CertificateException("Only sockets are verified.");
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType)
        throws CertificateException {
      throw new CertificateException("Only sockets are verified.");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
        throws CertificateException {
      throw new CertificateException("This is a client.");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
        throws CertificateException {
      throw new CertificateException("This is a client.");
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType)
        throws CertificateException {
      throw new CertificateException("This is a client.");
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return jdk.getAcceptedIssuers();
    }
  }
}
