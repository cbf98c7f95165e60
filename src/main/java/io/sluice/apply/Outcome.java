package io.sluice.apply;

import io.sluice.model.Report;
import io.sluice.store.DataSource;
import java.util.UUID;

/**
 * An update that passed its test, or one that waits for its database.
 *
 * @param dataSource what is live now, or what would be after a dry run; null for one that waits
 * @param pending the id of an update that waits; null for one that is live
 */
public record Outcome(DataSource dataSource, Report report, UUID pending) {
  static Outcome live(DataSource dataSource, Report report) {
    return new Outcome(dataSource, report, null);
  }
}
