package io.sluice.probe;

import io.sluice.model.Field;
import io.sluice.model.Reason;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What is wrong with a server's certificate, in words for whoever has to mend it.
 *
 * <p>The certificate is of whoever answers. Of its texts only a few names are shown, short, and
 * without any character that could be more than text where the report is read.
 *
 * @param field null: the reason's own
 */
record Complaint(Reason reason, Field field, String hint) {
  /** Of one certificate; the rest are counted. */
  private static final int MAX_NAMES = 4;

  /** Characters of one name. */
  private static final int MAX_NAME_LENGTH = 64;

  private static final String PLAIN = " .,:-_*@()'+=/";
  private static final int DNS_NAME = 2;
  private static final int IP_ADDRESS = 7;
  private static final Pattern COMMON_NAME =
      Pattern.compile("(?:^|[,+])CN=((?:\\\\.|[^,+\\\\])*)", Pattern.CASE_INSENSITIVE);
  private static final DateTimeFormatter MINUTE =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm 'UTC'", Locale.ROOT).withZone(ZoneOffset.UTC);

  /**
   * A chain that does not lead to an authority that is trusted.
   *
   * @param chain what the server showed, its own first
   * @param trusted the authorities that it was verified against
   * @param given whether those are the sender's {@code sslCA}, and not the JVM's
   */
  static Complaint untrusted(
      List<X509Certificate> chain, List<X509Certificate> trusted, boolean given) {
    X509Certificate top = top(chain);
    String authority = name(top.getIssuerX500Principal().getName());
    List<X509Certificate> namesakes =
        trusted.stream()
            .filter(each -> each.getSubjectX500Principal().equals(top.getIssuerX500Principal()))
            .toList();
    if (namesakes.stream().anyMatch(each -> signed(top, each))) {
      return new Complaint(
          Reason.TLS_UNTRUSTED,
          Field.SSL,
          "The authority "
              + authority
              + " is trusted, but not a certificate like this one: it must be for servers (TLS Web"
              + " Server Authentication), with a key and a signature that are not outdated. Have it"
              + " issued again.");
    }
    String who =
        self(top)
            ? chain.size() == 1
                ? "The server's certificate is signed by itself."
                : "The server's certificate comes from the authority " + authority + "."
            : "The server's certificate was issued under " + authority + ".";
    String wanted =
        self(top) && chain.size() == 1 ? "that certificate" : "that authority's certificate";
    if (!given) {
      return new Complaint(
          Reason.TLS_UNTRUSTED,
          null,
          who
              + " No sslCA was sent, so the trust store of this service decides, and it does not"
              + " have it. Send "
              + (self(top) && chain.size() == 1 ? "the certificate" : "the authority's certificate")
              + " as PEM text in sslCA.");
    }
    return new Complaint(
        Reason.TLS_UNTRUSTED,
        null,
        who
            + (namesakes.isEmpty()
                ? " The sslCA that was sent does not hold " + wanted + "."
                : " The sslCA that was sent holds one of that name with another key: it has been"
                    + " replaced, or this is another server.")
            + " Get it from whoever runs the server, and send it as PEM text in sslCA.");
  }

  /** The last certificate that the chain leads to, upwards from the server's own. */
  private static X509Certificate top(List<X509Certificate> chain) {
    X509Certificate at = chain.get(0);
    for (X509Certificate each : chain.subList(1, chain.size())) {
      if (each.getSubjectX500Principal().equals(at.getIssuerX500Principal())) {
        at = each;
      }
    }
    return at;
  }

  private static boolean self(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal());
  }

  private static boolean signed(X509Certificate certificate, X509Certificate issuer) {
    try {
      certificate.verify(issuer.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** A certificate that is good, for another host. */
  static Complaint otherHost(X509Certificate certificate, String host) {
    List<String> names = names(certificate);
    String first =
        names.stream().limit(MAX_NAMES).map(Complaint::shown).collect(Collectors.joining(", "));
    int more = names.size() - MAX_NAMES;
    return new Complaint(
        Reason.TLS_HOSTNAME_MISMATCH,
        null,
        (names.isEmpty()
                ? "The server's certificate names no host, but host is "
                : "The server's certificate is for "
                    + first
                    + (more > 0 ? " and " + more + " more" : "")
                    + ", but host is ")
            + host
            + (names.isEmpty()
                ? ". Have it issued again with this name as a subject alternative name."
                : ". Send one of these as host, or have the certificate issued for this name too."));
  }

  /** Subject alternative names; without one of a host the common name counts (RFC 6125). */
  private static List<String> names(X509Certificate certificate) {
    List<String> names = new ArrayList<>();
    boolean dns = false;
    try {
      Collection<List<?>> all = certificate.getSubjectAlternativeNames();
      for (List<?> each : all == null ? List.<List<?>>of() : all) {
        boolean host = each.get(0).equals(DNS_NAME);
        if ((host || each.get(0).equals(IP_ADDRESS)) && each.get(1) instanceof String name) {
          names.add(name);
          dns |= host;
        }
      }
    } catch (CertificateParsingException e) {
      return List.of();
    }
    Matcher common = COMMON_NAME.matcher(certificate.getSubjectX500Principal().getName());
    if (!dns && common.find()) {
      names.add(common.group(1));
    }
    return names;
  }

  /**
   * A chain of which a certificate has ended or not begun.
   *
   * @param chain what the server showed, its own first
   * @param trusted the authorities that it was verified against
   * @param given whether those are the sender's {@code sslCA}
   */
  static Complaint outOfDate(
      List<X509Certificate> chain, List<X509Certificate> trusted, boolean given, Instant now) {
    for (X509Certificate each : chain) {
      if (outOfDate(each, now)) {
        boolean own = each.equals(chain.get(0));
        return new Complaint(
            Reason.TLS_EXPIRED,
            null,
            time(
                own
                    ? "The server's certificate"
                    : "The certificate "
                        + name(each.getSubjectX500Principal().getName())
                        + ", which the server sends with its own,",
                each,
                now,
                "Renew it at the server."));
      }
    }
    for (X509Certificate each : given ? trusted : List.<X509Certificate>of()) {
      if (outOfDate(each, now)) {
        return new Complaint(
            Reason.TLS_EXPIRED,
            Field.SSL_CA,
            time(
                "The certificate " + name(each.getSubjectX500Principal().getName()) + " of sslCA",
                each,
                now,
                "Send the one that has followed it."));
      }
    }
    return new Complaint(Reason.TLS_EXPIRED, null, null);
  }

  /** Says when a certificate ended or begins, and what to do. */
  static String time(String subject, X509Certificate certificate, Instant now, String renewal) {
    Date ends = certificate.getNotAfter();
    return ends.toInstant().isBefore(now)
        ? subject + " ended on " + MINUTE.format(ends.toInstant()) + ". " + renewal
        : subject
            + " is not valid before "
            + MINUTE.format(certificate.getNotBefore().toInstant())
            + ", and here it is "
            + MINUTE.format(now)
            + ". Wait, or set the clock that is wrong.";
  }

  static boolean outOfDate(X509Certificate certificate, Instant now) {
    return certificate.getNotAfter().toInstant().isBefore(now)
        || certificate.getNotBefore().toInstant().isAfter(now);
  }

  /** The common name of a distinguished name (RFC 2253), else all of it. */
  private static String name(String distinguished) {
    Matcher common = COMMON_NAME.matcher(distinguished);
    return '"' + shown(common.find() ? common.group(1) : distinguished) + '"';
  }

  private static String shown(String text) {
    IntStream plain =
        text.codePoints().limit(MAX_NAME_LENGTH).map(each -> plain(each) ? each : '?');
    String start =
        plain
            .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
            .toString();
    return text.codePointCount(0, text.length()) > MAX_NAME_LENGTH ? start + "..." : start;
  }

  /** Latin letters only: others may turn the direction of what is around them. */
  private static boolean plain(int character) {
    return Character.isLetter(character)
        ? Character.UnicodeScript.of(character) == Character.UnicodeScript.LATIN
        : (character >= '0' && character <= '9') || PLAIN.indexOf(character) >= 0;
  }
}
