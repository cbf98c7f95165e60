package io.sluice.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One bastion before the last, as an item of {@code sshJump} names it: {@code user@host:port}, as
 * OpenSSH's ProxyJump has it, and after one space its host key. An IPv6 address stands in brackets.
 *
 * @param destination the item without the key, as its sender wrote it
 * @param username null: {@code sshUsername}
 * @param port 22 where the item names none
 * @param hostKey an {@code SHA256:} fingerprint or a known_hosts key, not yet looked at; null: none
 */
public record JumpHost(
    String destination, String username, HostName host, int port, String hostKey) {
  /** Hops before {@code sshHost}. */
  public static final int MAX_HOPS = 4;

  /** What an item is, as the end of a sentence. */
  public static final String GRAMMAR =
      "must be user@host:port, where user and port may be left out, and after a space its host key";

  /** Stands between the items where they are one text; no item can hold it. */
  public static final String SEPARATOR = ",";

  private static final int DEFAULT_PORT = 22;
  private static final int MAX_PORT = 65_535;
  private static final int MAX_USERNAME = 256;

  // The user may hold an @, the host may not. A colon in the user would be a password in clear.
  private static final Pattern ITEM =
      Pattern.compile(
          "(?<destination>(?:(?<user>[^ ,:]+)@)?"
              + "(?:\\[(?<ipv6>[^\\[\\] ]+)]|(?<name>[^@:\\[\\] ]+))"
              + "(?::(?<port>[1-9][0-9]{0,4}))?)"
              + "(?: (?<key>[^ ].*))?");

  /** Empty when the text is not an item. */
  public static Optional<JumpHost> parse(String item) {
    Matcher matcher = ITEM.matcher(item);
    if (!matcher.matches() || item.contains(SEPARATOR)) {
      return Optional.empty();
    }
    String ipv6 = matcher.group("ipv6");
    String digits = matcher.group("port");
    String user = matcher.group("user");
    int port = digits == null ? DEFAULT_PORT : Integer.parseInt(digits);
    if (port > MAX_PORT
        || (user != null && user.length() > MAX_USERNAME)
        || (ipv6 != null && ipv6.indexOf(':') < 0)) {
      return Optional.empty();
    }
    return HostName.parse(ipv6 == null ? matcher.group("name") : ipv6)
        .map(
            host ->
                new JumpHost(matcher.group("destination"), user, host, port, matcher.group("key")));
  }

  /** The items of a stored list; null has none. */
  public static List<JumpHost> list(String text) {
    List<JumpHost> hops = new ArrayList<>();
    if (text != null) {
      for (String item : text.split(SEPARATOR, -1)) {
        hops.add(
            parse(item)
                .orElseThrow(() -> new IllegalArgumentException("What is stored is no hop.")));
      }
    }
    return hops;
  }

  /** A list as one text, as it is stored; null where there are no items. */
  public static String text(List<JumpHost> hops) {
    return hops.isEmpty()
        ? null
        : String.join(SEPARATOR, hops.stream().map(JumpHost::toString).toList());
  }

  /** The same hop with that host key. */
  public JumpHost withHostKey(String key) {
    return new JumpHost(destination, username, host, port, key);
  }

  /** Whether both lead to the same server, however they are written. */
  public boolean sameDestination(JumpHost other) {
    return host.text().equals(other.host.text()) && port == other.port;
  }

  /** As an item of {@code sshJump}. */
  @Override
  public String toString() {
    return hostKey == null ? destination : destination + " " + hostKey;
  }
}
