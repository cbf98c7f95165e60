package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Connection;
import io.sluice.model.Secret;
import io.sluice.secrets.Redaction;
import io.sluice.servers.MuteServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.Test;

/** What holds for every test, whoever asks for it. */
final class TestConnectionTest {
  private final List<String> secrets = new ArrayList<>();

  private Secret secret() {
    String text = "s-" + UUID.randomUUID();
    secrets.add(text);
    return Secret.of(text);
  }

  @Test
  void noSecretOfATestStandsInATextThatLeaves() throws Exception {
    ProbeSettings settings = Probe.impatient(Duration.ofSeconds(1), Duration.ofSeconds(2));
    try (MuteServer mute = MuteServer.start();
        Prober prober = new Prober(Probe.DRIVERS, Probe.LOOPBACK, settings);
        DefaultCamelContext camel = new DefaultCamelContext()) {
      Connection connection =
          new Connection(
              "mariadb",
              mute.host(),
              mute.port(),
              "nobody",
              secret(),
              null,
              new Connection.Tls(null, "no certificate", secret(), secret()),
              new Connection.Bastion(
                  mute.host(), mute.port(), "nobody", secret(), secret(), null, true, List.of()),
              secret(),
              secret(),
              new TreeMap<>());
      String text = "Somebody wrote " + String.join(", ", secrets);
      assertThat(Redaction.scrub(text)).isEqualTo(text);

      Exchange exchange = new DefaultExchange(camel);
      exchange.getMessage().setBody(connection);
      CountDownLatch ended = new CountDownLatch(1);
      new TestConnection(prober).process(exchange, synchronously -> ended.countDown());

      assertThat(Redaction.scrub(text)).doesNotContain(secrets);
      assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(secrets).hasSize(7);
    }
  }
}
