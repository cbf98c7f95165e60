package io.sluice.apply;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.apply.Submission.Operation;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.Settings;
import io.sluice.model.Update;
import io.sluice.store.DataSource;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What a patch leaves of what is stored. */
class MergeTest {
  private static final DataSource STORED =
      new DataSource(
          "w",
          "d",
          1,
          "reachable",
          new Settings(
              Map.of(
                  Field.DRIVER, "postgresql",
                  Field.HOST, "db.example",
                  Field.PORT, 5432,
                  Field.USERNAME, "u",
                  Field.DATABASE, "shop"),
              Map.of(),
              new TreeMap<>(Map.of("schema", "sales"))),
          Map.of(),
          null,
          Instant.EPOCH,
          "a",
          "a");

  private static Candidate patched(boolean clearsOptions) throws IOException {
    Update update = new Update(null, Map.of(), new TreeMap<>(), clearsOptions);
    return new Merge(DriverCatalogue.load(Path.of("config/drivers"), Path.of("drivers")))
        .merge(
            new Submission(
                UUID.randomUUID(),
                Intake.HTTP,
                Operation.PATCH,
                "w",
                "d",
                update,
                "a",
                null,
                false,
                null,
                null),
            STORED,
            2);
  }

  @Test
  void aPatchThatClearsTheOptionsRemovesThemAll() throws IOException {
    assertThat(patched(true).settings().options()).isEmpty();
    assertThat(patched(true).changed()).contains("options.schema");
    assertThat(patched(false).settings().options()).containsEntry("schema", "sales");
  }
}
