package io.sluice.rig;

import static io.sluice.servers.Installation.json;
import static org.awaitility.Awaitility.await;

import io.sluice.servers.Alteration;
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
                    "method: ring",
                    Alteration.delay(5000)))) {
      SluiceProcess instance = stand.instances().get(0);
      instance.start();
      stand.create(ID, plant.mariadbAccounts().get(0));
      record(stand, "first");
      // It is in the store, and its offset is about to be committed, when the second comes and the
      // broker goes.
      await("the record to be stored")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(
              () -> stand.value("select count(*) from updates where intake = 'kafka'").equals("1"));
      record(stand, "second");
      plant.broker().kill();
      try {
        await("the commit to fail")
            .atMost(LIMIT)
            .pollInterval(Duration.ofMillis(100))
            .until(() -> instance.logged().contains("Records cannot be taken now"));
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
