/**
 * Secrets that can be told from everything else, and a search of everything that leaves for them.
 */
package io.sluice.canary;
