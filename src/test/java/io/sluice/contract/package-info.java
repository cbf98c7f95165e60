/**
 * What lies in files and is read by others: the contracts in {@code config/} against the model and
 * against their own examples, and the packaging against the settings. No server is started here.
 */
package io.sluice.contract;
