package io.sluice.probe;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * One host as a sender may write it: an RFC 1123 name, a dotted quad or an IPv6 literal, and no
 * other spelling. The many further forms that resolvers and drivers understand (short and octal
 * quads, numbers, hex, brackets, zones, ports, lists, user info, paths) are no host here.
 *
 * @param text lower case, without brackets
 * @param literal the address, when the text is one; null for a name
 * @param embedsIpv4 an IPv6 literal that is written around an IPv4 address (RFC 4291 section 2.5.5)
 */
record HostName(String text, InetAddress literal, boolean embedsIpv4) {
  private static final Pattern NAME =
      Pattern.compile(
          "(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*");
  // A last label of digits, or of hex as inet_aton reads it, makes the whole an address, not a
  // name.
  private static final Pattern NUMERIC_END = Pattern.compile("(.*\\.)?([0-9]+|0x[0-9a-f]*)");
  private static final Pattern QUAD =
      Pattern.compile(
          "(0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
              + "(\\.(0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])){3}");
  private static final Pattern IPV6_CHARACTERS = Pattern.compile("[0-9a-f:.]{2,45}");

  /** Empty when the text is not a host. */
  static Optional<HostName> parse(String text) {
    if (text == null) {
      return Optional.empty();
    }
    // Only ASCII letters change: a Kelvin sign must not become a k.
    if (!text.chars().allMatch(c -> c > ' ' && c < 127)) {
      return Optional.empty();
    }
    String host = text.toLowerCase(Locale.ROOT);
    try {
      if (host.indexOf(':') >= 0) {
        if (!IPV6_CHARACTERS.matcher(host).matches()) {
          return Optional.empty();
        }
        // A text with a colon is never looked up, it is parsed or refused.
        InetAddress address = InetAddress.getByName(host);
        return Optional.of(new HostName(host, address, address.getAddress().length == 4));
      }
      if (QUAD.matcher(host).matches()) {
        return Optional.of(new HostName(host, InetAddress.getByName(host), false));
      }
    } catch (UnknownHostException e) {
      return Optional.empty();
    }
    return NAME.matcher(host).matches() && !NUMERIC_END.matcher(host).matches()
        ? Optional.of(new HostName(host, null, false))
        : Optional.empty();
  }

  /** As it stands in a URL: an IPv6 literal in brackets. */
  String inUrl() {
    return text.indexOf(':') >= 0 ? "[" + text + "]" : text;
  }
}
