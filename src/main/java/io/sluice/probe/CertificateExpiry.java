package io.sluice.probe;

import io.sluice.model.Field;
import io.sluice.model.Report.Warning;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Says which certificates of a handshake that passed end soon: the server's, those of the
 * authorities above it, the client's.
 *
 * <p>The JDK does not look at the time of an authority that it was told to trust, where other
 * clients do: one that has ended is worth a warning too.
 */
final class CertificateExpiry {
  // As deep as the JDK's own verification goes by default.
  private static final int MAX_DEPTH = 10;

  private static final Duration DAY = Duration.ofDays(1);
  private static final Duration HOUR = Duration.ofHours(1);

  private final Instant now;
  private final Duration before;
  private final List<Warning> warnings = new ArrayList<>();

  private CertificateExpiry(Instant now, Duration before) {
    this.now = now;
    this.before = before;
  }

  /**
   * @param sent what the server showed, its own first; verified
   * @param trusted the authorities that it was verified against
   * @param given whether those are the sender's {@code sslCA}, and not the JVM's
   * @param client the client's chain; empty: none
   * @param before how long before its end a certificate is worth a warning
   */
  static List<Warning> warnings(
      List<X509Certificate> sent,
      List<X509Certificate> trusted,
      boolean given,
      List<X509Certificate> client,
      Instant now,
      Duration before) {
    CertificateExpiry expiry = new CertificateExpiry(now, before);
    X509Certificate at = sent.get(0);
    expiry.look(at, "server", "The server's certificate", Field.SSL);
    for (int depth = 0; depth < MAX_DEPTH && !trusted.contains(at); depth++) {
      X509Certificate below = at;
      Optional<X509Certificate> root = latestIssuer(below, trusted);
      Optional<X509Certificate> above = root.or(() -> latestIssuer(below, sent));
      if (above.isEmpty()) {
        break;
      }
      at = above.get();
      boolean own = given && root.isPresent();
      expiry.look(
          at,
          "authority",
          own ? "An authority of sslCA" : "An authority of the server's",
          own ? Field.SSL_CA : Field.SSL);
    }
    for (X509Certificate each : client) {
      expiry.look(each, "client", "The client's certificate", Field.CERTIFICATE);
    }
    return List.copyOf(expiry.warnings);
  }

  /** Of several with the same name and key, the one that lasts longest is enough. */
  private static Optional<X509Certificate> latestIssuer(
      X509Certificate of, List<X509Certificate> candidates) {
    return candidates.stream()
        .filter(each -> !each.equals(of))
        .filter(each -> each.getSubjectX500Principal().equals(of.getIssuerX500Principal()))
        .filter(each -> signed(of, each))
        .max(Comparator.comparing(X509Certificate::getNotAfter));
  }

  private static boolean signed(X509Certificate certificate, X509Certificate issuer) {
    try {
      certificate.verify(issuer.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private void look(X509Certificate certificate, String whose, String subject, Field field) {
    Duration left = Duration.between(now, certificate.getNotAfter().toInstant());
    if (left.compareTo(before) >= 0 && !left.isNegative()) {
      return;
    }
    long days = started(left.abs(), DAY);
    String end =
        left.isNegative()
            ? " has ended " + span(left.abs()) + " ago."
            : " ends in " + span(left) + ".";
    warnings.add(
        new Warning(
            whose,
            field.wireName(),
            left.isNegative() ? -days : days,
            fingerprint(certificate),
            subject + end));
  }

  /**
   * A time in words: what has begun of a day counts as one, and below two days the same goes for
   * hours, so that a certificate of five days does not read as one of four a second later.
   *
   * @param time not negative
   */
  static String span(Duration time) {
    if (time.compareTo(DAY.multipliedBy(2)) < 0) {
      long hours = started(time, HOUR);
      return hours + (hours == 1 ? " hour" : " hours");
    }
    return started(time, DAY) + " days";
  }

  private static long started(Duration time, Duration unit) {
    return Math.max(1, time.dividedBy(unit) + (time.toMillis() % unit.toMillis() == 0 ? 0 : 1));
  }

  private static String fingerprint(X509Certificate certificate) {
    try {
      return HexFormat.of()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("A certificate that was parsed has no encoding.", e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("No SHA-256.", e);
    }
  }

  /** The X.509 certificates among some. */
  static List<X509Certificate> x509(Certificate[] certificates) {
    return Stream.of(certificates)
        .filter(X509Certificate.class::isInstance)
        .map(X509Certificate.class::cast)
        .toList();
  }
}
