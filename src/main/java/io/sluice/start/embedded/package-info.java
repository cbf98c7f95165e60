/**
 * The servers that the development profile brings along, so that one command is enough to try
 * Sluice: a PostgreSQL ({@link io.sluice.start.embedded.EmbeddedStore}) and a Kafka broker ({@link
 * io.sluice.start.embedded.EmbeddedBroker}), both started by {@link
 * io.sluice.start.embedded.Embedded}. They keep their data between runs, commit for real, and
 * listen on loopback only.
 *
 * <p>{@code DataDirectory} makes sure that one process at a time uses a directory, {@code
 * LoopbackPort} finds a port, and {@code StrayPostgres} ends the server that a killed run left
 * behind.
 */
package io.sluice.start.embedded;
