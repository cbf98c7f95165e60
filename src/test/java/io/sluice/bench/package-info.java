/**
 * How fast Sluice is, measured against the bare driver in the same run. No tests: each class with a
 * {@code main} is a command that prints its table. {@code src/site/markdown/speed.md} has the
 * commands and the last results.
 */
package io.sluice.bench;
