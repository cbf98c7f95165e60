/**
 * The gate: merges an update with what is stored, validates the whole, has it tested, and turns the
 * result into one commit. The order of these steps is {@code routes/30-apply-update}.
 */
package io.sluice.apply;
