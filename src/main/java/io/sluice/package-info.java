/**
 * Sluice: a gate for data source connections. {@link io.sluice.Sluice} starts it; the flow is in
 * the folder {@code routes}, and each package holds what one stage of it cannot say by itself.
 */
package io.sluice;
