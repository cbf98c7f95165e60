package io.sluice.probe;

import io.sluice.model.HostName;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Where connection tests may go. Built from the operator's configuration only; nothing that a
 * sender writes reaches it.
 *
 * <p>A rule names a destination and, after a colon, a port or a range of ports: {@code 10.0.0.0/8},
 * {@code 10.1.2.3:5432}, {@code [fd00::/8]:3306-3310}, {@code db.example}, {@code *.example:5432},
 * {@code *:22}. A rule with a name speaks about the name as it was written in the settings, one
 * with addresses about every address that the name resolves to.
 *
 * <p>Order: what is always denied, then {@code deny}, then {@code allow}. An empty allow list
 * allows everything else; otherwise the name must match one of its rules, or each of the addresses
 * must.
 *
 * <p>Always denied, whatever the lists say: unspecified, link-local, multicast, broadcast and
 * reserved addresses, the metadata services of cloud providers, IPv6 addresses that carry an IPv4
 * address (mapped, compatible, NAT64, 6to4, Teredo), this service's own endpoints, and loopback
 * unless it is switched on.
 *
 * <p>Thread-safe.
 */
public final class EgressPolicy {
  private static final List<AddressRange> ALWAYS_DENIED =
      Stream.of(
              // RFC 6890: this network, link-local (with most metadata services), multicast,
              // reserved
              "0.0.0.0/8",
              "169.254.0.0/16",
              "224.0.0.0/4",
              "240.0.0.0/4",
              "fe80::/10",
              "ff00::/8",
              // Metadata services outside of the link-local blocks: Alibaba, Azure, Oracle, AWS,
              // Google
              "100.100.100.200",
              "168.63.129.16",
              "192.0.0.192",
              "fd00:ec2::/32",
              "fd20:ce::254",
              // IPv4 inside IPv6: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380),
              // translated (RFC 2765)
              "64:ff9b::/96",
              "64:ff9b:1::/48",
              "2002::/16",
              "2001::/32",
              "::ffff:0:0:0/96")
          .map(AddressRange::of)
          .toList();
  private static final AddressRange LOOPBACK_4 = AddressRange.of("127.0.0.0/8");
  private static final AddressRange COMPATIBLE = AddressRange.of("::/96");

  // Own endpoints are named hosts that may move; looked up again after this time.
  private static final Duration OWN_LOOKUP = Duration.ofSeconds(30);

  private static final Pattern PORTS = Pattern.compile("([0-9]{1,5})(-([0-9]{1,5}))?");
  private static final Pattern NAME_RULE =
      Pattern.compile("\\*|(\\*\\.)?([a-z0-9-]+\\.)*[a-z0-9-]+");

  /** One line of a list. Either {@code name} or {@code range} is set. */
  private record Rule(String name, AddressRange range, int from, int to) {
    boolean named(HostName host, int port) {
      if (name == null || port < from || port > to) {
        return false;
      }
      return name.equals("*")
          || name.equals(host.text())
          || (name.startsWith("*.") && host.text().endsWith(name.substring(1)));
    }

    boolean addressed(InetAddress address, int port) {
      return range != null && port >= from && port <= to && range.contains(address);
    }
  }

  private record Own(String host, int port) {}

  /** Without addresses, as long as its name was never found: then its port is denied. */
  private record OwnAddresses(Own of, Set<InetAddress> addresses, boolean local) {
    boolean at(InetAddress address, int port) {
      return of.port() == port
          && (addresses.isEmpty()
              || addresses.contains(address)
              || (local && onThisMachine(address)));
    }
  }

  private final List<Rule> allow;
  private final List<Rule> deny;
  private final boolean allowLoopback;
  private final Resolver resolver;
  private volatile List<OwnAddresses> own;
  private volatile long ownLookedUpNanos;

  /**
   * @param allow rules; empty allows everything that is not denied
   * @param deny rules
   * @param allowLoopback whether 127.0.0.0/8 and ::1 may be targets
   * @param ownEndpoints {@code host:port} of the store, the brokers and this service's own ports;
   *     an endpoint on this machine is denied on every address of the machine
   * @throws IllegalArgumentException naming every rule that cannot be read
   */
  public EgressPolicy(
      List<String> allow, List<String> deny, boolean allowLoopback, List<String> ownEndpoints) {
    this(allow, deny, allowLoopback, ownEndpoints, InetAddress::getAllByName);
  }

  EgressPolicy(
      List<String> allow,
      List<String> deny,
      boolean allowLoopback,
      List<String> ownEndpoints,
      Resolver resolver) {
    List<String> problems = new ArrayList<>();
    this.allow = rules("allow", allow, problems);
    this.deny = rules("deny", deny, problems);
    this.allowLoopback = allowLoopback;
    this.resolver = resolver;
    List<OwnAddresses> endpoints = new ArrayList<>();
    for (String text : ownEndpoints) {
      int colon = text.lastIndexOf(':');
      String host = colon < 0 ? "" : text.substring(0, colon).replaceAll("^\\[|\\]$", "");
      String port = text.substring(colon + 1);
      if (host.isEmpty() || !PORTS.matcher(port).matches() || port.indexOf('-') >= 0) {
        problems.add("own endpoint " + text + " must be host:port");
      } else {
        endpoints.add(new OwnAddresses(new Own(host, Integer.parseInt(port)), Set.of(), false));
      }
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException("Egress policy: " + String.join("; ", problems));
    }
    this.own = List.copyOf(endpoints);
    lookUpOwn();
  }

  /** Whether a text can be a rule. */
  public static boolean reads(String text) {
    return rule(text.strip().toLowerCase(Locale.ROOT)).isPresent();
  }

  private static List<Rule> rules(String list, List<String> texts, List<String> problems) {
    List<Rule> rules = new ArrayList<>();
    for (String text : texts) {
      Optional<Rule> rule = rule(text.strip().toLowerCase(Locale.ROOT));
      rule.ifPresentOrElse(rules::add, () -> problems.add(list + " rule " + text));
    }
    return List.copyOf(rules);
  }

  private static Optional<Rule> rule(String text) {
    String host = text;
    String ports = null;
    int colon = text.lastIndexOf(':');
    if (text.startsWith("[")) {
      int bracket = text.indexOf(']');
      if (bracket < 0) {
        return Optional.empty();
      }
      host = text.substring(1, bracket);
      String rest = text.substring(bracket + 1);
      if (rest.startsWith(":")) {
        ports = rest.substring(1);
      } else if (!rest.isEmpty()) {
        return Optional.empty();
      }
    } else if (colon >= 0 && text.indexOf(':') == colon) {
      host = text.substring(0, colon);
      ports = text.substring(colon + 1);
    }
    int from = 1;
    int to = 65_535;
    if (ports != null) {
      Matcher matcher = PORTS.matcher(ports);
      if (!matcher.matches()) {
        return Optional.empty();
      }
      from = Integer.parseInt(matcher.group(1));
      to = matcher.group(3) == null ? from : Integer.parseInt(matcher.group(3));
      if (from > to || to > 65_535) {
        return Optional.empty();
      }
    }
    Optional<AddressRange> range = AddressRange.parse(host);
    if (range.isPresent()) {
      return Optional.of(new Rule(null, range.get(), from, to));
    }
    return NAME_RULE.matcher(host).matches() && HostName.parse(host.replace("*", "x")).isPresent()
        ? Optional.of(new Rule(host, null, from, to))
        : Optional.empty();
  }

  /** Whether the name may be looked up at all: false when a rule denies it by its name. */
  boolean permitsName(HostName host, int port) {
    return !host.embedsIpv4() && deny.stream().noneMatch(rule -> rule.named(host, port));
  }

  /**
   * Whether a connection to one of the addresses may be tried.
   *
   * @param answers every address that the name resolved to; one that is denied denies the whole
   */
  boolean permits(HostName host, List<InetAddress> answers, int port) {
    if (!permitsName(host, port) || answers.isEmpty()) {
      return false;
    }
    for (InetAddress address : answers) {
      if (alwaysDenied(address)
          || ownEndpoint(address, port)
          || deny.stream().anyMatch(rule -> rule.addressed(address, port))) {
        return false;
      }
    }
    return allow.isEmpty()
        || allow.stream().anyMatch(rule -> rule.named(host, port))
        || answers.stream()
            .allMatch(address -> allow.stream().anyMatch(rule -> rule.addressed(address, port)));
  }

  /**
   * Whether a target behind a bastion may be named: literals and names are checked; what a name
   * resolves to at the bastion cannot be.
   */
  boolean permitsBehindBastion(HostName host, int port) {
    if (!permitsName(host, port)) {
      return false;
    }
    InetAddress literal = host.literal();
    if (literal == null) {
      return allow.isEmpty() || allow.stream().anyMatch(rule -> rule.named(host, port));
    }
    // Loopback is the bastion itself there, a common place for a database.
    if (!literal.isLoopbackAddress()) {
      return permits(host, List.of(literal), port);
    }
    return deny.stream().noneMatch(rule -> rule.addressed(literal, port))
        && (allow.isEmpty() || allow.stream().anyMatch(rule -> rule.addressed(literal, port)));
  }

  private boolean alwaysDenied(InetAddress address) {
    if (address.isAnyLocalAddress()) {
      return true;
    }
    if (address.isLoopbackAddress()) {
      return !allowLoopback;
    }
    return COMPATIBLE.contains(address)
        || LOOPBACK_4.contains(address)
        || ALWAYS_DENIED.stream().anyMatch(range -> range.contains(address));
  }

  private boolean ownEndpoint(InetAddress address, int port) {
    if (own.stream().noneMatch(endpoint -> endpoint.of().port() == port)) {
      return false;
    }
    if (System.nanoTime() - ownLookedUpNanos > OWN_LOOKUP.toNanos()) {
      lookUpOwn();
    }
    return own.stream().anyMatch(endpoint -> endpoint.at(address, port));
  }

  /** A name that is not found now keeps the addresses that it had. */
  void lookUpOwn() {
    ownLookedUpNanos = System.nanoTime();
    own = own.stream().map(this::lookedUp).toList();
  }

  private OwnAddresses lookedUp(OwnAddresses before) {
    try {
      Set<InetAddress> addresses = Set.copyOf(List.of(resolver.lookUp(before.of().host())));
      boolean local = addresses.stream().anyMatch(EgressPolicy::onThisMachine);
      return new OwnAddresses(before.of(), addresses, local);
    } catch (UnknownHostException e) {
      return before;
    }
  }

  private static boolean onThisMachine(InetAddress address) {
    try {
      return address.isAnyLocalAddress()
          || address.isLoopbackAddress()
          || NetworkInterface.getByInetAddress(address) != null;
    } catch (SocketException e) {
      // The interfaces cannot be read: assume the worst.
      return true;
    }
  }
}
