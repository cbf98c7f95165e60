/**
 * The contracts in {@code config/} against the model and against their own examples. No server is
 * started here.
 */
package io.sluice.contract;
