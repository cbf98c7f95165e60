/**
 * The real servers that tests run against, one class each: {@link
 * io.sluice.servers.PostgresServer}, {@link io.sluice.servers.MariaDbServer}, {@link
 * io.sluice.servers.KafkaServer}, {@link io.sluice.servers.SshServer} and {@link
 * io.sluice.servers.OpenSshServer}; with {@link io.sluice.servers.TestCa} for their certificates,
 * and {@link io.sluice.servers.ToxicProxy}, {@link io.sluice.servers.MuteServer} and {@link
 * io.sluice.servers.BlackHole} for what goes wrong on the way to them.
 *
 * <p>{@link io.sluice.servers.SluiceProcess} is the product itself, and {@link
 * io.sluice.servers.Installation} all of it on servers of its own.
 *
 * <p>Every server listens on loopback only, on a port that was free, and keeps its files in a
 * directory of its own that goes with it. {@code shared()} gives one server to a whole test JVM; it
 * ends with the JVM, and a test that stops or breaks a server starts its own.
 */
package io.sluice.servers;
