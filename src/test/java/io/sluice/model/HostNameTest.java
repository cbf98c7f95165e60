package io.sluice.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A host is one name or one address, and nothing can hide in it. */
class HostNameTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "localhost",
        "db",
        "db.example.com",
        "a-b.c1",
        "1db.example",
        "DB-1.Example.COM",
        "a",
        "1a.2b",
        "3com.com",
        "xn--bcher-kva.example",
        "0.0.0.0",
        "127.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "1::",
        "2001:DB8::1",
        "2001:db8::",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7::",
        "::ffff:127.0.0.1",
        "64:ff9b::1.2.3.4",
        "1:2:3:4:5:6:1.2.3.4",
        "us-east-1",
        "0x7f.example"
      })
  void oneHost(String host) {
    assertThat(HostName.problem(host)).isEmpty();
    assertThat(HostName.parse(host).orElseThrow().text()).isEqualTo(host.toLowerCase(Locale.ROOT));
  }

  static Stream<String> noHost() {
    return Stream.concat(
        Stream.of(
            "",
            " ",
            ".",
            "a.",
            "a..b",
            ".a",
            "-a",
            "a-",
            "a.-b",
            "a_b",
            "address=(host=db)",
            "ｄb",
            "db\u212A",
            "１２７.0.0.1",
            "bücher.example",
            "a b",
            " a",
            "a ",
            "a\n",
            "a\0",
            "a\u200b",
            "a\uFF0Eb",
            "\u0661.1.1.1",
            "a:1",
            "a,b",
            "a;b",
            "u@a",
            "a/b",
            "a\\b",
            "a?b",
            "a#b",
            "a%2eb",
            "(a)",
            "[::1]",
            "a=b",
            "jdbc:x",
            "//a",
            "a'",
            "a\"",
            "$a",
            "{a}",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "0X7F",
            "0x",
            "a.0x",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.01",
            "127.0.0.1.1",
            "256.0.0.1",
            "1.2.3.1000",
            "1.2.3",
            "1",
            "a.1",
            "a.0x1",
            "127.0.0.1.",
            "1e3.1",
            ":",
            ":::",
            "1:2",
            "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9",
            "1::2::3",
            "12345::",
            "g::1",
            "::1%eth0",
            "::1%25eth0",
            "::1/64",
            "1:2:3:4:5:6:7::8:9",
            ":1",
            "1:",
            "1.2.3.4::",
            "::1.2.3",
            "::1.2.3.256",
            "::01.2.3.4",
            "1:2:3:4:5:6:7:1.2.3.4",
            "0:0:0:0:0:0:0:0::",
            "::1:",
            "fe80::1%1"),
        Stream.of("a".repeat(64), "a".repeat(64) + ".b", "ab.".repeat(84) + "ab"));
  }

  @ParameterizedTest
  @MethodSource
  void noHost(String host) {
    assertThat(HostName.problem(host)).isPresent();
    assertThat(HostName.parse(host)).isEmpty();
    if (host.length() > 3) {
      assertThat(HostName.problem(host).orElseThrow()).doesNotContain(host);
    }
  }

  @Test
  void anAddressIsParsedAndANameIsNot() throws UnknownHostException {
    assertThat(HostName.parse(null)).isEmpty();
    assertThat(HostName.parse("db.example").orElseThrow().literal()).isNull();
    assertThat(HostName.parse("10.0.0.1").orElseThrow().literal())
        .isEqualTo(InetAddress.getByAddress(new byte[] {10, 0, 0, 1}));
    HostName six = HostName.parse("FD00::1").orElseThrow();
    assertThat(six.literal()).isInstanceOf(Inet6Address.class);
    assertThat(six.inUrl()).isEqualTo("[fd00::1]");
  }

  @Test
  void ipv4InsideIpv6IsSeen() {
    assertThat(HostName.parse("::ffff:127.0.0.1").orElseThrow().embedsIpv4()).isTrue();
    assertThat(HostName.parse("::ffff:7f00:1").orElseThrow().embedsIpv4()).isTrue();
    assertThat(HostName.parse("::1").orElseThrow().embedsIpv4()).isFalse();
    assertThat(HostName.parse("127.0.0.1").orElseThrow().embedsIpv4()).isFalse();
  }

  @Property(tries = 2000)
  void whatPassesHasOnlyTheCharactersOfAHost(@ForAll("nearHosts") String text) {
    if (HostName.problem(text).isEmpty()) {
      assertThat(text).matches("[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+");
    }
  }

  @Provide
  Arbitrary<String> nearHosts() {
    return Arbitraries.oneOf(
        Arbitraries.strings().all().ofMaxLength(20),
        Arbitraries.strings().withChars("ab01.-:x%[]@,/ ").ofMaxLength(20));
  }

  @Property(tries = 500)
  void everyWayToWriteAnIpv6AddressPasses(@ForAll @Size(16) byte[] address)
      throws UnknownHostException {
    String written = Inet6Address.getByAddress("x", address, -1).getHostAddress();
    assertThat(HostName.problem(written)).isEmpty();
  }

  /**
   * Java's parser takes more spellings than this grammar; what this one takes, Java reads alike.
   */
  @Property(tries = 2000)
  void whatReadsAsAnAddressIsOne(@ForAll("nearAddresses") String text) throws Exception {
    boolean address = text.indexOf(':') >= 0 || text.matches("(.*\\.)?[0-9]+");
    if (address && HostName.problem(text).isEmpty()) {
      assertThat(HostName.parse(text).orElseThrow().literal())
          .isEqualTo(InetAddress.getByName(text));
    }
  }

  @Provide
  Arbitrary<String> nearAddresses() {
    return Arbitraries.of(List.of("0", "1", "ff", "255", "::", ":", ".", "127.0.0.1", "8"))
        .list()
        .ofMaxSize(12)
        .map(parts -> String.join("", parts));
  }
}
