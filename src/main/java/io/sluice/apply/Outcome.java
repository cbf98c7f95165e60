package io.sluice.apply;

import io.sluice.model.Report;
import io.sluice.store.DataSource;

/**
 * An update that passed its test.
 *
 * @param dataSource what is live now, or what would be after a dry run
 */
public record Outcome(DataSource dataSource, Report report) {}
