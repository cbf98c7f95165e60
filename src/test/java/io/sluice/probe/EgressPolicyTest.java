package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.HostName;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EgressPolicyTest {
  private static final HostName NAME = HostName.parse("db.example").orElseThrow();

  private static EgressPolicy policy(List<String> allow, List<String> deny) {
    return new EgressPolicy(allow, deny, false, List.of());
  }

  private static boolean permits(EgressPolicy policy, String address, int port) {
    HostName host = HostName.parse(address).orElseThrow();
    return policy.permits(host, List.of(host.literal()), port);
  }

  private static InetAddress address(String text) throws UnknownHostException {
    return InetAddress.getByName(text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "169.254.1.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "::",
        "::1",
        "fe80::1",
        "febf::1",
        "ff02::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::10.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2002:a00:1::",
        "2001:0:1::1",
        "::ffff:0:a00:1"
      })
  void someAddressesAreAlwaysDenied(String text) {
    assertThat(permits(policy(List.of(), List.of()), text, 3306)).isFalse();
    assertThat(permits(policy(List.of("0.0.0.0/0", "::/0", "*"), List.of()), text, 3306)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.0.0.1", "192.168.1.1", "8.8.8.8", "fd00::1", "2a00::1"})
  void everyOtherAddressIsAllowedByDefault(String text) {
    assertThat(permits(policy(List.of(), List.of()), text, 3306)).isTrue();
  }

  @Test
  void oneDeniedAnswerDeniesTheName() throws UnknownHostException {
    EgressPolicy policy = policy(List.of(), List.of("10.0.0.0/8"));

    assertThat(policy.permits(NAME, List.of(address("8.8.8.8")), 3306)).isTrue();
    assertThat(policy.permits(NAME, List.of(address("8.8.8.8"), address("10.1.1.1")), 3306))
        .isFalse();
    assertThat(policy.permits(NAME, List.of(address("8.8.8.8"), address("127.0.0.1")), 3306))
        .isFalse();
    assertThat(policy.permits(NAME, List.of(), 3306)).isFalse();
  }

  @Test
  void rulesNameRangesNamesAndPorts() throws UnknownHostException {
    EgressPolicy policy =
        policy(
            List.of("10.0.0.0/8:3306-3310", "[fd00::/8]:5432", "*.example:5432"),
            List.of("bad.example", "10.6.6.0/24", "*:3307"));

    assertThat(permits(policy, "10.0.0.1", 3306)).isTrue();
    assertThat(permits(policy, "10.0.0.1", 3311)).isFalse();
    assertThat(permits(policy, "10.0.0.1", 3307)).isFalse();
    assertThat(permits(policy, "10.6.6.6", 3306)).isFalse();
    assertThat(permits(policy, "11.0.0.1", 3306)).isFalse();
    assertThat(permits(policy, "fd00::1", 5432)).isTrue();
    assertThat(permits(policy, "fd00::1", 5433)).isFalse();
    assertThat(policy.permits(NAME, List.of(address("8.8.8.8")), 5432)).isTrue();
    assertThat(policy.permits(NAME, List.of(address("8.8.8.8")), 5433)).isFalse();
    HostName bad = HostName.parse("BAD.example").orElseThrow();
    assertThat(policy.permits(bad, List.of(address("8.8.8.8")), 5432)).isFalse();
  }

  @Test
  void theServicesOwnPortsAreDeniedOnEveryAddressOfTheMachine() throws UnknownHostException {
    EgressPolicy policy =
        new EgressPolicy(List.of(), List.of(), true, List.of("localhost:5432", "0.0.0.0:9876"));

    assertThat(permits(policy, "127.0.0.1", 5432)).isFalse();
    assertThat(permits(policy, "::1", 5432)).isFalse();
    assertThat(permits(policy, "127.0.0.9", 9876)).isFalse();
    assertThat(permits(policy, "127.0.0.1", 5433)).isTrue();
    assertThat(permits(policy, "8.8.8.8", 5432)).isTrue();
  }

  @Test
  void anOwnEndpointWhoseNameIsNotFoundStaysDenied() throws UnknownHostException {
    InetAddress store = address("10.0.0.5");
    List<InetAddress> found = new ArrayList<>();
    EgressPolicy policy =
        new EgressPolicy(
            List.of(),
            List.of(),
            false,
            List.of("store.example:5432"),
            name -> {
              if (found.isEmpty()) {
                throw new UnknownHostException(name);
              }
              return found.toArray(InetAddress[]::new);
            });

    // It may be anywhere.
    assertThat(permits(policy, "10.0.0.5", 5432)).isFalse();
    assertThat(permits(policy, "10.0.0.6", 5432)).isFalse();
    assertThat(permits(policy, "10.0.0.5", 5433)).isTrue();
    found.add(store);
    policy.lookUpOwn();
    assertThat(permits(policy, "10.0.0.5", 5432)).isFalse();
    assertThat(permits(policy, "10.0.0.6", 5432)).isTrue();
    found.clear();
    policy.lookUpOwn();
    assertThat(permits(policy, "10.0.0.5", 5432)).isFalse();
    assertThat(permits(policy, "10.0.0.6", 5432)).isTrue();
  }

  @Test
  void behindABastionLiteralsAndNamesAreChecked() {
    EgressPolicy policy = policy(List.of(), List.of("*.secret", "10.0.0.0/8"));

    assertThat(behind(policy, "127.0.0.1")).isTrue();
    assertThat(behind(policy, "db.example")).isTrue();
    assertThat(behind(policy, "db.secret")).isFalse();
    assertThat(behind(policy, "10.1.1.1")).isFalse();
    assertThat(behind(policy, "169.254.169.254")).isFalse();
    assertThat(behind(policy, "::ffff:127.0.0.1")).isFalse();
    assertThat(behind(policy(List.of("192.168.0.0/16"), List.of()), "db.example")).isFalse();
  }

  private static boolean behind(EgressPolicy policy, String host) {
    return policy.permitsBehindBastion(HostName.parse(host).orElseThrow(), 3306);
  }

  @Test
  void everyRuleThatCannotBeReadIsNamed() {
    assertThatThrownBy(
            () ->
                new EgressPolicy(
                    List.of("10.0.0.0/33", "db.example:0-x"),
                    List.of("a b"),
                    false,
                    List.of("nohost")))
        .hasMessageContainingAll("10.0.0.0/33", "db.example:0-x", "a b", "nohost");
  }

  private static final EgressPolicy OPEN =
      new EgressPolicy(List.of("0.0.0.0/0", "::/0", "*"), List.of(), false, List.of());

  /** The JDK's own reading of an address is the referee. */
  @Property(tries = 1000)
  void ipv4IsJudgedByItsBlock(@ForAll @Size(4) byte[] bytes) throws UnknownHostException {
    InetAddress address = InetAddress.getByAddress(bytes);
    int first = bytes[0] & 0xff;
    boolean denied =
        first == 0
            || first >= 224
            || address.isLoopbackAddress()
            || address.isLinkLocalAddress()
            || List.of("100.100.100.200", "168.63.129.16", "192.0.0.192")
                .contains(address.getHostAddress());

    assertThat(permits(OPEN, address.getHostAddress(), 3306)).isEqualTo(!denied);
  }

  @Property(tries = 600)
  void anIpv6AddressIsTheSameInEverySpelling(
      @ForAll @Size(16) byte[] bytes, @ForAll @IntRange(max = 14) int zerosFrom, @ForAll int how)
      throws UnknownHostException {
    // Often with a gap, and often in a block that is denied.
    for (int i = zerosFrom; i < 14 && (how & 1) == 0; i++) {
      bytes[i] = 0;
    }
    InetAddress address = InetAddress.getByAddress(bytes);
    boolean expected = OPEN.permits(NAME, List.of(address), 3306);
    for (String spelling : spellings(bytes)) {
      assertThat(HostName.parse(spelling)).as(spelling).isPresent();
      assertThat(HostName.parse(spelling).orElseThrow().literal())
          .as(spelling)
          .isEqualTo(InetAddress.getByName(spelling))
          .isEqualTo(address);
      if (address.getAddress().length == 16) {
        assertThat(permits(OPEN, spelling, 3306)).as(spelling).isEqualTo(expected);
      } else {
        assertThat(permits(OPEN, spelling, 3306)).as(spelling).isFalse();
      }
    }
    if (address.isMulticastAddress()
        || address.isLinkLocalAddress()
        || address.isLoopbackAddress()
        || address.isAnyLocalAddress()) {
      assertThat(expected).isFalse();
    }
  }

  /** With leading zeros, without, with a gap, in capitals, with a dotted quad at the end. */
  private static List<String> spellings(byte[] bytes) {
    List<String> full = new ArrayList<>();
    List<String> brief = new ArrayList<>();
    for (int i = 0; i < 16; i += 2) {
      int group = ((bytes[i] & 0xff) << 8) | (bytes[i + 1] & 0xff);
      full.add(String.format(Locale.ROOT, "%04x", group));
      brief.add(Integer.toHexString(group));
    }
    String quad =
        (bytes[12] & 0xff)
            + "."
            + (bytes[13] & 0xff)
            + "."
            + (bytes[14] & 0xff)
            + "."
            + (bytes[15] & 0xff);
    String text = String.join(":", brief);
    List<String> spellings = new ArrayList<>();
    spellings.add(text);
    spellings.add(text.toUpperCase(Locale.ROOT));
    spellings.add(String.join(":", full));
    spellings.add(String.join(":", brief.subList(0, 6)) + ":" + quad);
    for (int from = 0; from < 8; from++) {
      int to = from;
      while (to < 8 && brief.get(to).equals("0")) {
        to++;
        spellings.add(
            String.join(":", brief.subList(0, from))
                + "::"
                + String.join(":", brief.subList(to, 8)));
      }
    }
    return spellings;
  }

  @Property(tries = 200)
  void ipv4InsideIpv6IsDeniedWhateverItIs(@ForAll @Size(4) byte[] quad)
      throws UnknownHostException {
    String text = InetAddress.getByAddress(quad).getHostAddress();
    String hex =
        String.format(
            Locale.ROOT,
            "%02x%02x:%02x%02x",
            quad[0] & 0xff,
            quad[1] & 0xff,
            quad[2] & 0xff,
            quad[3] & 0xff);
    for (String spelling :
        List.of(
            "::ffff:" + text,
            "::ffff:" + hex,
            "0:0:0:0:0:FFFF:" + text,
            "::" + text,
            "64:ff9b::" + text,
            "64:ff9b:1::" + text,
            "2002:" + hex + "::",
            "2002:" + hex + ":1:2:3:4:5",
            "2001::" + text,
            "2001:0:" + hex + ":8000:63bf:3fff:fdd2",
            "::ffff:0:" + text)) {
      assertThat(permits(OPEN, spelling, 3306)).as(spelling).isFalse();
    }
  }

  @Property(tries = 600)
  void aBlockHoldsWhatSharesItsPrefix(
      @ForAll @Size(4) byte[] network,
      @ForAll @Size(4) byte[] other,
      @ForAll @IntRange(max = 32) int prefix)
      throws UnknownHostException {
    EgressPolicy policy =
        policy(
            List.of(), List.of(InetAddress.getByAddress(network).getHostAddress() + "/" + prefix));
    long mask = prefix == 0 ? 0 : (0xffff_ffffL << (32 - prefix)) & 0xffff_ffffL;
    long a = new BigInteger(1, network).longValue();
    // Half of them near the block's edge.
    long b =
        other[0] % 2 == 0
            ? new BigInteger(1, other).longValue()
            : a ^ (1L << Math.floorMod(other[1], 32));
    InetAddress address =
        InetAddress.getByAddress(
            new byte[] {(byte) (b >> 24), (byte) (b >> 16), (byte) (b >> 8), (byte) b});
    boolean anyway = OPEN.permits(NAME, List.of(address), 3306);

    assertThat(permits(policy, address.getHostAddress(), 3306))
        .isEqualTo(anyway && (a & mask) != (b & mask));
  }
}
