package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeoutException;

/**
 * The way of one test through the network: policy, lookup, connection and, with a bastion, the SSH
 * steps. Every address is looked up once and checked, and only checked addresses are connected to.
 */
final class NetworkPath {
  private final TestRun run;
  private final HostName bastion;
  private final EgressPolicy policy;
  private final Lookups lookups;
  private final Bastions bastions;
  private final Runnable bastionRefused;

  /**
   * @param bastion null: none
   * @param bastionRefused told when the bastion has refused the login
   */
  NetworkPath(
      TestRun run,
      HostName bastion,
      EgressPolicy policy,
      Lookups lookups,
      Bastions bastions,
      Runnable bastionRefused) {
    this.run = run;
    this.bastion = bastion;
    this.policy = policy;
    this.lookups = lookups;
    this.bastions = bastions;
    this.bastionRefused = bastionRefused;
  }

  /** From the policy to a connected socket. */
  void walk() throws TestEnded, IOException {
    Connection c = run.connection();
    boolean direct = !run.tunneled();
    if (!(direct
        ? policy.permitsName(run.host(), c.port())
        : policy.permitsBehindBastion(run.host(), c.port()))) {
      throw run.fail(Reason.POLICY_DENIED, Field.HOST, null);
    }
    if (bastion != null && !policy.permitsName(bastion, c.bastion().port())) {
      throw run.fail(Reason.POLICY_DENIED, Field.SSH_HOST, null);
    }
    run.pass(null);

    run.begin(Name.DNS);
    List<InetAddress> bastionAddresses =
        bastion == null ? List.of() : lookUp(bastion, c.bastion().port(), Field.SSH_HOST);
    List<InetAddress> addresses = direct ? lookUp(run.host(), c.port(), Field.HOST) : List.of();
    int n = direct ? addresses.size() : bastionAddresses.size();
    run.pass(n == 1 ? "1 address" : n + " addresses");

    if (direct) {
      Socket socket = connectTo(addresses, c.port());
      if (bastion != null) {
        // The database endpoint must also answer from the bastion.
        bastions.tunnel(run, bastionAddresses, bastionRefused).close();
      }
      run.own(socket);
    } else {
      run.own(bastions.tunnel(run, bastionAddresses, bastionRefused));
    }
  }

  /** Resolves once; every answer must be permitted, and only these are connected to. */
  private List<InetAddress> lookUp(HostName name, int port, Field field) throws TestEnded {
    List<InetAddress> addresses;
    if (name.literal() != null) {
      addresses = List.of(name.literal());
    } else {
      try {
        addresses = lookups.addresses(name.text(), run.remaining());
      } catch (UnknownHostException e) {
        throw run.fail(Reason.UNKNOWN_HOST, field, null);
      } catch (TimeoutException e) {
        throw run.fail(Reason.TIMEOUT, field, null);
      }
    }
    if (!policy.permits(name, addresses, port)) {
      run.journal().fail(Name.POLICY, Reason.POLICY_DENIED, field, null);
      throw new TestEnded();
    }
    return addresses;
  }

  private Socket connectTo(List<InetAddress> addresses, int port) throws TestEnded, IOException {
    run.begin(Name.TCP);
    IOException last = null;
    int left = addresses.size();
    for (InetAddress address : addresses) {
      Duration share = run.remaining().dividedBy(left--);
      DirectSocket socket = new DirectSocket(run.traffic());
      run.own(socket);
      try {
        socket.connect(new InetSocketAddress(address, port), (int) Math.max(share.toMillis(), 1));
        socket.setTcpNoDelay(true);
        run.pass(null);
        return socket;
      } catch (IOException e) {
        socket.close();
        last = e;
      }
    }
    if (last instanceof SocketTimeoutException) {
      throw run.fail(Reason.TIMEOUT, null, null);
    }
    throw last instanceof ConnectException && !unreachable(last)
        ? run.fail(Reason.CONNECTION_REFUSED, null, null)
        : run.fail(Reason.UNREACHABLE, null, null);
  }

  private static boolean unreachable(IOException e) {
    // The JDK has one class for "refused" and "timed out by the kernel"; only the text differs.
    return e.getMessage() != null && e.getMessage().contains("timed out");
  }
}
