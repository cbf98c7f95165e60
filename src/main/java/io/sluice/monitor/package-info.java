/**
 * What happens between updates: stored connections are tested again on a schedule ({@code
 * routes/70-monitor}). {@link io.sluice.monitor.Monitor} has the steps, {@code Verdict} decides
 * what a check means, {@code Expiry} which certificates are worth an event. A change that waits for
 * its database is tried again by {@link io.sluice.monitor.PendingChanges} ({@code
 * routes/71-pending}). The schedules are in the store, so that instances share them.
 */
package io.sluice.monitor;
