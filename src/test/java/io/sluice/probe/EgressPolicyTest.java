package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.HostName;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
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
}
