package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.drivers.DriverCatalogue;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * The table of the page about drivers is made from the catalogue. With {@code
 * -Dsluice.regenerate=true} the test writes it anew.
 */
final class DriverTableTest {
  @Test
  void thePageListsTheCatalogueAsItIs() throws IOException {
    String table =
        DriversPage.table(DriverCatalogue.load(Path.of("config/drivers"), Path.of("drivers")));
    if (Boolean.getBoolean("sluice.regenerate")) {
      DriversPage.writeTable(table);
    }
    assertThat(DriversPage.text())
        .as("mvn test -Dtest=DriverTableTest -Dsluice.regenerate=true writes it")
        .contains(table);
  }
}
