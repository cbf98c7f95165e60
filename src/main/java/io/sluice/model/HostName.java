package io.sluice.model;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One host as a sender may write it: exactly one host name (RFC 1123 section 2.1), one dotted quad,
 * or one IPv6 literal (RFC 4291 section 2.2) without brackets and zone. Nothing that passes can
 * carry a second host, a port, a user name, a path or a driver's property.
 *
 * <p>A name whose last label reads as a number must be a plain dotted quad: resolvers take {@code
 * 127.1}, {@code 2130706433} and {@code 0x7f.1} for addresses, and an egress policy that reads them
 * as names would be looking at something else. A trailing dot is refused for the same reason: it is
 * a second spelling of the same host.
 *
 * <p>Nothing here resolves a name.
 */
public final class HostName {
  /** Characters, RFC 1035 section 2.3.4, as text without the root's dot. */
  public static final int MAX_LENGTH = 253;

  private static final Pattern LABEL =
      Pattern.compile("[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?");
  private static final Pattern NUMBER = Pattern.compile("[0-9]+|0[xX][0-9A-Fa-f]*");
  private static final Pattern OCTET =
      Pattern.compile("25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9][0-9]|[0-9]");
  private static final Pattern GROUP = Pattern.compile("[0-9A-Fa-f]{1,4}");
  private static final int IPV6_GROUPS = 8;

  private final String text;
  private final InetAddress literal;

  private HostName(String text, InetAddress literal) {
    this.text = text;
    this.literal = literal;
  }

  /** Empty when the text is null or no host; {@link #problem} says why. */
  public static Optional<HostName> parse(String text) {
    if (text == null || problem(text).isPresent()) {
      return Optional.empty();
    }
    String host = text.toLowerCase(Locale.ROOT);
    boolean address =
        host.indexOf(':') >= 0
            || NUMBER.matcher(host.substring(host.lastIndexOf('.') + 1)).matches();
    if (!address) {
      return Optional.of(new HostName(host, null));
    }
    try {
      // Parsed, never looked up: the grammar has let nothing through but a literal.
      return Optional.of(new HostName(host, InetAddress.getByName(host)));
    } catch (UnknownHostException e) {
      return Optional.empty();
    }
  }

  /** Lower case, without brackets. */
  public String text() {
    return text;
  }

  /** The address, where the text is one; null for a name. */
  public InetAddress literal() {
    return literal;
  }

  /** Whether it is an IPv6 literal of the form IPv4-mapped (RFC 4291 section 2.5.5.2). */
  public boolean embedsIpv4() {
    return literal != null && text.indexOf(':') >= 0 && literal.getAddress().length == 4;
  }

  /** As it stands in a URL: an IPv6 literal in brackets. */
  public String inUrl() {
    return text.indexOf(':') >= 0 ? "[" + text + "]" : text;
  }

  @Override
  public String toString() {
    return text;
  }

  /**
   * Why a text is not a host, as the end of a sentence that begins with the field's name; empty
   * where it is one. The text itself is never repeated.
   */
  public static Optional<String> problem(String host) {
    if (host.isEmpty()) {
      return Optional.of("must not be empty");
    }
    if (host.length() > MAX_LENGTH) {
      return Optional.of("must have at most " + MAX_LENGTH + " characters");
    }
    if (host.indexOf(':') >= 0) {
      return isIpv6(host)
          ? Optional.empty()
          : Optional.of(
              "must be one host without a port; an IPv6 address stands without brackets and zone");
    }
    if (host.endsWith(".")) {
      return Optional.of("must not end with a dot");
    }
    String[] labels = host.split("\\.", -1);
    if (NUMBER.matcher(labels[labels.length - 1]).matches()) {
      return isDottedQuad(labels)
          ? Optional.empty()
          : Optional.of("must be a host name, or an IPv4 address of four decimal numbers");
    }
    for (String label : labels) {
      if (!LABEL.matcher(label).matches()) {
        return Optional.of(
            "must be one host name of letters, digits, hyphens and dots, or one IP address");
      }
    }
    return Optional.empty();
  }

  private static boolean isDottedQuad(String[] labels) {
    if (labels.length != 4) {
      return false;
    }
    for (String label : labels) {
      if (!OCTET.matcher(label).matches()) {
        return false;
      }
    }
    return true;
  }

  private static boolean isIpv6(String host) {
    int gap = host.indexOf("::");
    if (gap < 0) {
      return groups(host, true) == IPV6_GROUPS;
    }
    if (host.indexOf("::", gap + 1) >= 0) {
      return false;
    }
    int before = groups(host.substring(0, gap), false);
    int after = groups(host.substring(gap + 2), true);
    // The gap stands for at least one group.
    return before >= 0 && after >= 0 && before + after < IPV6_GROUPS;
  }

  /** Counts the 16-bit groups of a part; -1 where it is not well-formed. */
  private static int groups(String part, boolean quadMayEnd) {
    if (part.isEmpty()) {
      return 0;
    }
    String[] groups = part.toLowerCase(Locale.ROOT).split(":", -1);
    int count = 0;
    for (int i = 0; i < groups.length; i++) {
      boolean last = i == groups.length - 1;
      if (GROUP.matcher(groups[i]).matches()) {
        count++;
      } else if (last && quadMayEnd && isDottedQuad(groups[i].split("\\.", -1))) {
        count += 2;
      } else {
        return -1;
      }
    }
    return count;
  }
}
