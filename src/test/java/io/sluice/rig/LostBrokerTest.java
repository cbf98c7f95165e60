package io.sluice.rig;

import static io.sluice.servers.Installation.json;
import static org.awaitility.Awaitility.await;

import io.sluice.servers.SluiceProcess;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A broker that goes away while an offset is committed costs no record. */
final class LostBrokerTest {
  private static final Duration LIMIT = Duration.ofSeconds(90);
  private static final String ID = "a";

  @Test
  void aRecordBehindOneWhoseOffsetCannotBeCommittedIsNotSkipped() {
    Plant plant = Plant.shared();
    try (Stand stand =
        new Stand(
            plant,
            1,
            Duration.ofSeconds(6),
            instance ->
                Alteration.after(
                    instance.routes().resolve("12-accept-kafka.camel.yaml"),
                    "method: commit",
                    Alteration.delay(5000)))) {
      SluiceProcess instance = stand.instances().get(0);
      instance.start();
      stand.create(ID, plant.mariadbAccounts().get(0));
      record(stand, "first");
      // The route has committed it, and Camel is about to, when the second comes and the broker
      // goes.
      await("the offset to be committed")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> stand.committed() == 1);
      record(stand, "second");
      plant.broker().kill();
      try {
        await("the commit to fail")
            .atMost(LIMIT)
            .pollInterval(Duration.ofMillis(100))
            .until(() -> instance.logged().contains("caught by thread"));
      } finally {
        plant.broker().start();
      }
      await("both records")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(200))
          .until(
              () -> stand.value("select count(*) from updates where intake = 'kafka'").equals("2"));
    }
  }

  private static void record(Stand stand, String key) {
    stand
        .plant()
        .broker()
        .send(
            stand.updates(),
            ID,
            json(stand.plant().mariadbAccounts().get(0).settings()),
            Map.of("idempotency-key", key));
  }
}
