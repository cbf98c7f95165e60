/**
 * What happens between updates: stored connections are tested again on a schedule ({@code
 * routes/70-monitor}). {@link io.sluice.monitor.Monitor} has the steps, {@code Verdict} decides
 * what a check means, {@code Expiry} which certificates are worth an event. The schedule itself is
 * in the store, so that instances share it.
 */
package io.sluice.monitor;
