/**
 * What the world is told: CloudEvents, written to the outbox in the transaction that makes them
 * true and drained to Kafka by {@code routes/60-publish-events}.
 */
package io.sluice.publish;
