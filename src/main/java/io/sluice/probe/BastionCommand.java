package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.Report.Name;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.Producer;
import org.apache.camel.component.ssh.SshComponent;
import org.apache.camel.component.ssh.SshConfiguration;
import org.apache.camel.component.ssh.SshEndpoint;
import org.apache.camel.support.DefaultExchange;
import org.apache.sshd.client.ClientBuilder;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.client.future.ConnectFuture;
import org.apache.sshd.client.future.DefaultConnectFuture;
import org.apache.sshd.common.keyprovider.KeyPairProvider;

/**
 * Asks the last bastion, by a command that camel-ssh runs there, whether the database's port
 * answers.
 *
 * <p>camel-ssh logs in and runs the command. The connection that it does so on is ours: to the
 * checked address or through the hops before, with our algorithms, and with a host key that was
 * compared before camel-ssh begins the login. Left alone camel-ssh would look the host up again,
 * compare host keys by a part of their text, and wait for the end of the command without limit.
 */
final class BastionCommand {
  /** Of the step's limit; the rest is for a channel, where the command does not end. */
  private static final double SHARE = 0.6;

  /** How much of the output is looked at. */
  private static final int MAX_ANSWER_BYTES = 4096;

  /**
   * For any login shell, run by a POSIX shell. Tries the port with bash, else with nc; says what
   * came of it in one word. The sum shows that the line was run and not just echoed.
   *
   * <p>Host and port are the only parts that a sender chooses: the grammar of {@code HostName} lets
   * no character through that means something to a shell.
   */
  private static final String COMMAND =
      """
      sh -c 'LC_ALL=C; export LC_ALL; r=nothing; t=; \
      if command -v timeout >/dev/null 2>&1; then t="timeout %1$d"; fi; \
      if command -v bash >/dev/null 2>&1; then \
      e=$($t bash -c "exec 3<>/dev/tcp/%2$s/%3$d" 2>&1); s=$?; r=tried; \
      elif command -v nc >/dev/null 2>&1; then \
      e=$(nc -z -v -w %1$d %2$s %3$d </dev/null 2>&1); s=$?; r=tried; fi; \
      if [ $r = tried ]; then case "$s $e" in \
      "0 "*) r=open;; \
      *[Rr]efused*) r=refused;; \
      *"not known"*|*esolution*|*esolve*|*"ad address"*|*"nknown host"*|*"o address"*) r=unknown;; \
      *"o such file"*) r=nothing;; \
      *) r=silent;; esac; fi; \
      echo $((%4$d+%5$d)) $r'""";

  private final Bastions bastions;
  private final Bastions.Way way;
  private final TestRun run;
  private final Hop hop;
  private volatile BastionSession session;
  private volatile Future<?> limit;

  /** Left when the login has succeeded, or when what came of it has been told. */
  private final AtomicReference<Turnstile.Pass> attempt = new AtomicReference<>();

  BastionCommand(Bastions bastions, Bastions.Way way) {
    this.bastions = bastions;
    this.way = way;
    this.run = way.run();
    this.hop = way.target();
  }

  /**
   * Takes the steps of the last hop.
   *
   * @param before the session of the hop before; null where there is none
   * @return false when the bastion did not run the command, or had nothing to try a port with
   */
  boolean passes(BastionSession before) throws TestEnded, IOException {
    try {
      return asks(before);
    } finally {
      leaveAttempt();
    }
  }

  private void leaveAttempt() {
    Turnstile.Pass left = attempt.getAndSet(null);
    if (left != null) {
      left.leave();
    }
  }

  private boolean asks(BastionSession before) throws TestEnded, IOException {
    int a = ThreadLocalRandom.current().nextInt(1, 1_000_000);
    int b = ThreadLocalRandom.current().nextInt(1, 1_000_000);
    Optional<String> word = run(command(a, b), before).flatMap(said -> word(said, a + b));
    if (run.journal().ended()) {
      throw new TestEnded();
    }
    if (run.journal().current() != Name.SSH_FORWARD) {
      // camel-ssh gave up before the bastion let it in.
      throw Bastions.notLetIn(way, hop, session);
    }
    return switch (word.orElse("")) {
      case "open" -> {
        run.pass("by a command on the bastion");
        yield true;
      }
      case "refused" -> throw Bastions.Refused.NOTHING_LISTENS.at(run, hop, false);
      case "unknown" -> throw Bastions.Refused.UNKNOWN_NAME.at(run, hop, false);
      case "silent" -> throw Bastions.Refused.OTHER.at(run, hop, false);
      default -> false;
    };
  }

  private String command(int a, int b) {
    long seconds = Math.max(1, patience().toSeconds() - 1);
    return COMMAND.formatted(seconds, run.host().text(), run.connection().port(), a, b);
  }

  private Duration patience() {
    return Duration.ofNanos((long) (run.allowance(Name.SSH_FORWARD).toNanos() * SHARE));
  }

  /** The word beside the sum. */
  private static Optional<String> word(String said, int sum) {
    return said.lines()
        .map(line -> line.strip().split(" "))
        .filter(words -> words.length == 2 && words[0].equals(Integer.toString(sum)))
        .map(words -> words[1])
        .findFirst();
  }

  /** What the command wrote; empty when it was not run, or not to its end. */
  private Optional<String> run(String command, BastionSession before) {
    SshConfiguration configuration = new SshConfiguration();
    configuration.setHost(hop.host().text());
    configuration.setPort(hop.port());
    configuration.setUsername(hop.username());
    // The watchdog ends a login that is not answered. Were camel-ssh first by a few milliseconds,
    // it would look as if the bastion had hung up.
    configuration.setTimeout(run.allowance(Name.SSH_AUTH).multipliedBy(2).toMillis());
    configuration.setClientBuilder(
        new ClientBuilder() {
          @Override
          public SshClient build(boolean isFillWithDefaultValues) {
            return new OneConnection(before, configuration);
          }
        });
    CamelContext camel = bastions.camel();
    SshComponent component = new SshComponent();
    component.setCamelContext(camel);
    SshEndpoint endpoint = new SshEndpoint("ssh:bastion", component, configuration);
    Exchange exchange = new DefaultExchange(camel);
    exchange.getIn().setBody(command);
    try (Producer producer = endpoint.createProducer()) {
      producer.start();
      producer.process(exchange);
      InputStream output = exchange.getMessage().getBody(InputStream.class);
      return output == null
          ? Optional.empty()
          : Optional.of(new String(output.readNBytes(MAX_ANSWER_BYTES), StandardCharsets.US_ASCII));
    } catch (Exception e) {
      // What it means stands in the journal, or is judged by how far the steps have come. Its text
      // may hold what the bastion said.
      return Optional.empty();
    } finally {
      if (limit != null) {
        limit.cancel(false);
      }
      if (session != null) {
        session.close(true);
      }
    }
  }

  /**
   * What camel-ssh takes for its client: it starts it, connects once, and stops it. The threads are
   * those of the client that all tests share.
   */
  private final class OneConnection extends SshClient {
    private final BastionSession before;
    private final SshConfiguration configuration;

    OneConnection(BastionSession before, SshConfiguration configuration) {
      this.before = before;
      this.configuration = configuration;
    }

    @Override
    public void start() {}

    @Override
    public void stop() {}

    @Override
    public ConnectFuture connect(String username, String host, int port) throws IOException {
      Handshake handshake = bastions.handshake(hop, BastionCommand.this::loggedIn);
      try {
        session = bastions.connect(way, hop, before, handshake);
        bastions.exchangeKeys(way, hop, session, handshake);
        run.begin(Name.SSH_AUTH);
        attempt.set(Bastions.attempt(way, hop));
        // camel-ssh reads them when it is connected.
        Connection.Bastion credentials = way.credentials();
        if (credentials.identity() != null) {
          configuration.setKeyPairProvider(
              KeyPairProvider.wrap(Bastions.identity(run, credentials)));
        } else if (credentials.password() != null) {
          configuration.setPassword(credentials.password().reveal());
        }
      } catch (TestEnded e) {
        throw new IOException("The test has ended.", e);
      }
      ConnectFuture connected = new DefaultConnectFuture(hop.destination(), null);
      connected.setSession(session);
      return connected;
    }
  }

  /** On the I/O thread: the command comes next, and must end. */
  private void loggedIn() {
    way.logins().guard().accepted(hop.login());
    leaveAttempt();
    run.pass(hop.detail(null));
    try {
      run.begin(Name.SSH_FORWARD);
    } catch (TestEnded e) {
      session.close(true);
      return;
    }
    limit = bastions.later(patience(), () -> session.close(true));
  }
}
