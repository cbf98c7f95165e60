package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SshServer;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A test goes to addresses that were checked, and to no others, whatever a resolver says. */
class EgressTest {
  private static InetAddress[] addresses(String... texts) {
    InetAddress[] addresses = new InetAddress[texts.length];
    for (int i = 0; i < texts.length; i++) {
      addresses[i] = HostName.parse(texts[i]).orElseThrow().literal();
    }
    return addresses;
  }

  private static Prober prober(EgressPolicy policy, Resolver resolver) {
    return new Prober(Probe.DRIVERS, policy, ProbeSettings.defaults(), Clock.systemUTC(), resolver);
  }

  /** The name exists for the first question only; a second one, of whomever, is answered badly. */
  @ParameterizedTest
  @CsvSource({
    "mariadb, false", "mysql, false", "postgresql, false",
    "mariadb, true", "mysql, true", "postgresql, true"
  })
  void aNameIsLookedUpOnce(String driver, boolean tls) {
    AtomicInteger asked = new AtomicInteger();
    try (MuteServer elsewhere = MuteServer.start();
        Prober prober =
            prober(
                Probe.LOOPBACK,
                name -> {
                  if (asked.incrementAndGet() == 1) {
                    return addresses("127.0.0.1");
                  }
                  return addresses("169.254.169.254");
                })) {
      Probe.Target target = Targets.at(driver, Targets.NAME, Targets.port(driver));
      Tested tested = prober.test((tls ? target.tls(Targets.CA.certificatePem()) : target).build());

      assertThat(tested.report().passed()).as("%s", tested.report()).isTrue();
      assertThat(asked).hasValue(1);
      assertThat(elsewhere.connections()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"10.9.9.9", "169.254.169.254", "::ffff:127.0.0.1", "::127.0.0.1", "::"})
  void oneDeniedAddressAmongTheAnswersDeniesTheName(String denied) {
    EgressPolicy policy = new EgressPolicy(List.of(), List.of("10.0.0.0/8"), true, List.of());
    boolean mapped = denied.startsWith("::ffff");
    try (MuteServer server = MuteServer.start();
        Prober prober =
            prober(policy, name -> addresses("127.0.0.1", mapped ? "10.1.1.1" : denied))) {
      Tested direct = prober.test(Probe.target("mariadb", "two.example", server.port()).build());
      assertThat(direct.report().reason()).isEqualTo(Reason.POLICY_DENIED);
      assertThat(Probe.steps(direct)).startsWith("policy POLICY_DENIED", "dns skipped");

      Tested bastion =
          prober.test(
              Probe.target("mariadb", "db.example", 3306)
                  .via("two.example", server.port(), "hop", "x", null, null, true)
                  .build());
      assertThat(bastion.report().reason()).isEqualTo(Reason.POLICY_DENIED);
      assertThat(bastion.report().steps().get(0).field()).isEqualTo("sshHost");
      assertThat(server.connections()).isZero();
    }
  }

  @Test
  void aBastionsNameIsLookedUpOnceAndTheDatabasesNever() {
    AtomicInteger asked = new AtomicInteger();
    try (SshServer bastion = SshServer.setup().user("hop", "hop-password").start();
        Prober prober =
            prober(
                Probe.LOOPBACK,
                name -> {
                  asked.incrementAndGet();
                  if (name.equals("bastion.invalid")) {
                    return addresses("127.0.0.1");
                  }
                  throw new UnknownHostException(name);
                })) {
      Tested tested =
          prober.test(
              Targets.at("mariadb", "127.0.0.1", Targets.port("mariadb"))
                  .via("bastion.invalid", bastion.port(), "hop", "hop-password", null, null, true)
                  .build());

      assertThat(tested.report().passed()).as("%s", tested.report()).isTrue();
      assertThat(asked).hasValue(1);
    }
  }

  @Test
  void theServicesOwnPortsAreDeniedByEveryNameAndForTheBastionToo() {
    try (MuteServer own = MuteServer.start()) {
      EgressPolicy policy =
          new EgressPolicy(List.of(), List.of(), true, List.of("127.0.0.1:" + own.port()));
      try (Prober prober = prober(policy, name -> addresses("127.0.0.1"))) {
        for (String host : List.of("127.0.0.1", "store.example", "127.9.9.9", "::1")) {
          Tested direct = prober.test(Probe.target("mariadb", host, own.port()).build());
          assertThat(direct.report().reason()).as(host).isEqualTo(Reason.POLICY_DENIED);
          Tested bastion =
              prober.test(
                  Probe.target("mariadb", "db.example", 3306)
                      .via(host, own.port(), "hop", "x", null, null, true)
                      .build());
          assertThat(bastion.report().reason()).as(host).isEqualTo(Reason.POLICY_DENIED);
        }
        assertThat(own.connections()).isZero();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "127.1",
        "127.0.1",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.01",
        "127.0.0.1.",
        "localhost.",
        "[::1]",
        "::1%lo",
        "::1%1",
        "0:0:0:0:0:0:0:1%0",
        "\uFF11\uFF12\uFF17.0.0.1",
        "\u2460\u2461\u2466.0.0.1",
        "127\u30020\u30020\u30021",
        "127.0.0.1,db.example",
        "db.example,127.0.0.1",
        "127.0.0.1:3306",
        "u@127.0.0.1",
        "127.0.0.1/x",
        "127.0.0.1#x",
        "127.0.0.1?x",
        "%31%32%37.0.0.1",
        "127.0.0.1\\x",
        "(ADDRESS=127.0.0.1)",
        "_mysql._tcp.example",
        "jdbc:mysql://127.0.0.1",
        "127.0.0.1 x"
      })
  void aSpellingThatOthersMightReadAsAnAddressIsNoHost(String spelling) {
    try (Prober prober =
        prober(
            Probe.LOOPBACK,
            name -> {
              throw new AssertionError("Nothing is looked up.");
            })) {
      assertThatThrownBy(() -> prober.test(Probe.target("mariadb", spelling, 3306).build()))
          .isInstanceOf(Refusal.class);
      assertThatThrownBy(
              () ->
                  prober.test(
                      Probe.target("mariadb", "db.example", 3306)
                          .via(spelling, 22, "hop", "x", null, null, true)
                          .build()))
          .isInstanceOf(Refusal.class);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "::169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:FF9B::A9FE:A9FE",
        "2002:a9fe:a9fe::",
        "2002:A9FE:A9FE::1",
        "2001:0:a9fe:a9fe::",
        "::ffff:0:169.254.169.254",
        "0:0:0:0:0:ffff:169.254.169.254",
        "fd00:ec2::254",
        "FD00:0EC2:0000:0000:0000:0000:0000:0254",
        "0.0.0.0",
        "::"
      })
  void everySpellingOfADeniedAddressIsDenied(String spelling) {
    try (Prober prober = prober(Probe.LOOPBACK, name -> addresses("127.0.0.1"))) {
      Tested tested = prober.test(Probe.target("mariadb", spelling, 3306).build());
      assertThat(tested.report().reason()).isEqualTo(Reason.POLICY_DENIED);
    }
  }

  /** What "xn--" hides is for the resolver to say, as for any other name; its answer is checked. */
  @Test
  void aNameInPunycodeIsJudgedByItsAddresses() {
    try (Prober prober = prober(Probe.LOOPBACK, name -> addresses("169.254.169.254"))) {
      Tested tested = prober.test(Probe.target("mariadb", "xn--7-0ga.example", 3306).build());
      assertThat(tested.report().reason()).isEqualTo(Reason.POLICY_DENIED);
    }
  }
}
