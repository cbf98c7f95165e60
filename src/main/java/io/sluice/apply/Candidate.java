package io.sluice.apply;

import io.sluice.model.Settings;
import io.sluice.store.DataSource;
import java.util.Set;

/**
 * The settings that an update would make live: complete and valid, but not tested yet.
 *
 * @param current what is live now; null for a new data source
 * @param version the one that these settings would become
 * @param changed names of the fields that differ from {@code current}
 */
record Candidate(DataSource current, long version, Settings settings, Set<String> changed) {}
