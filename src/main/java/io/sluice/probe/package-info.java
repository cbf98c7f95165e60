/**
 * The connection test. {@link io.sluice.probe.Prober} takes a {@link io.sluice.model.Connection}
 * through its steps and answers with a {@link io.sluice.model.Report}.
 *
 * <p>The way through the package:
 *
 * <ul>
 *   <li>{@code TestConnection} is the step of the route. {@code Prober} is the gate and the worker:
 *       {@code Turnstile} bounds how many tests run, {@code LockoutGuard} keeps refused credentials
 *       from being tried again.
 *   <li>{@code TestRun} is one test: its {@code Journal} of steps, its deadline, its sockets.
 *       {@code Watchdog} tells which tests are slow, and closes the sockets when the deadline
 *       passes.
 *   <li>{@code Lookups} asks the {@code Resolver} for addresses, with a deadline.
 *   <li>{@link io.sluice.model.HostName} and {@link io.sluice.probe.EgressPolicy} decide where a
 *       test may go; the connection is made to an address that was checked ({@code DirectSocket}),
 *       or through {@code Bastions} ({@code ChannelSocket}).
 *   <li>{@code Bastions} takes a {@code Hop} after the other: {@code BastionClient} is the client,
 *       {@code Handshake} what a session shows, {@code HopChannel} what carries the next hop's
 *       session, {@code BastionCommand} the question that camel-ssh puts to the last one. {@code
 *       PrivateKeyText} reads keys.
 *   <li>{@code Traffic} counts what a server sends; {@code Frames} gives its messages to the driver
 *       one by one, and none that a test cannot need.
 *   <li>{@code JdbcCall} is what the driver gets, read back from what it makes of that. The driver
 *       takes the connected socket from a {@code Handed*SocketFactory} and TLS from {@code
 *       VerifiedTls}; both find the test on the thread that they run on. A driver without such
 *       hooks is given a {@code Relay}'s address, and {@code DriverSockets} lets it go to no other.
 *   <li>{@code TdsSocket} stands between the SQL Server driver and its server: it makes the TLS,
 *       and {@code TdsTokens} decides what the driver gets to read.
 *   <li>A {@code CloudService} has no JDBC driver: {@code HttpsConversation} holds its talk over an
 *       {@code HttpsClient}, whose sockets are the test's; {@code AwsTransport} and {@code
 *       GoogleTransport} put the makers' libraries on top of it.
 *   <li>{@code MongoConversation} speaks MongoDB's protocol itself, with the messages of {@code
 *       MongoWire}.
 *   <li>{@link io.sluice.probe.KeyMaterial} reads certificates and keys for those who only want to
 *       know whether they are usable.
 * </ul>
 */
package io.sluice.probe;
