package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostNameTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "db",
        "db.example",
        "DB.Example",
        "a-b.c1",
        "127.0.0.1",
        "10.255.0.9",
        "::1",
        "fd00::1:2",
        "2001:db8::",
        "1db.example"
      })
  void namesQuadsAndIpv6LiteralsAreHosts(String text) {
    assertThat(HostName.parse(text)).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "db ",
        "db.",
        ".db",
        "a..b",
        "-a",
        "a-",
        "a_b",
        "db:3306",
        "user@db",
        "db/x",
        "db,other",
        "db?x=y",
        "db#x",
        "db%2e",
        "(host=db)",
        "address=(host=db)",
        "[::1]",
        "::1%lo",
        "fe80::1%25eth0",
        "127.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "1.2.3",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.4.",
        "1.2.3.4.5",
        "ｄb",
        "db\u212A",
        "１２７.0.0.1",
        "db\u0000",
        "db\n",
        "::1::",
        "12345::",
        ":",
        "1:2"
      })
  void noOtherSpellingIsAHost(String text) {
    assertThat(HostName.parse(text)).isEmpty();
  }

  @Test
  void ipv4InsideIpv6IsSeen() {
    assertThat(HostName.parse("::ffff:127.0.0.1").orElseThrow().embedsIpv4()).isTrue();
    assertThat(HostName.parse("::ffff:7f00:1").orElseThrow().embedsIpv4()).isTrue();
    assertThat(HostName.parse("::1").orElseThrow().embedsIpv4()).isFalse();
  }

  @Property(tries = 3000)
  void aHostHoldsNoCharacterThatADriverGivesAMeaning(@ForAll String text) {
    HostName.parse(text)
        .ifPresent(host -> assertThat(host.text()).matches("[a-z0-9.-]+|[0-9a-f:.]+"));
  }
}
