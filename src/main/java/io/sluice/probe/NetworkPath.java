package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/**
 * The way of one test through the network: policy, lookup, connection and, with a bastion, the SSH
 * steps. Every address is looked up once and checked, and only checked addresses are connected to.
 */
final class NetworkPath {
  private final TestRun run;
  private final List<Hop> hops;
  private final EgressPolicy policy;
  private final Lookups lookups;
  private final Bastions bastions;
  private final Bastions.Logins logins;
  private final Reason unknownHost;
  private final Map<String, List<InetAddress>> known = new HashMap<>();

  /**
   * @param hops none without a bastion
   * @param logins what is known of the hops' logins
   * @param unknownHost what it means that the database's host does not resolve
   */
  NetworkPath(
      TestRun run,
      List<Hop> hops,
      EgressPolicy policy,
      Lookups lookups,
      Bastions bastions,
      Bastions.Logins logins,
      Reason unknownHost) {
    this.run = run;
    this.hops = hops;
    this.policy = policy;
    this.lookups = lookups;
    this.bastions = bastions;
    this.logins = logins;
    this.unknownHost = unknownHost;
  }

  /** From the policy to a connected socket. */
  void walk() throws TestEnded, IOException {
    try {
      go();
    } catch (Obstacle e) {
      throw e.end(run);
    }
  }

  private void go() throws TestEnded, IOException {
    Connection c = run.connection();
    boolean direct = !run.tunneled();
    // What lies behind a bastion is judged when the test has come there, as a name is that the
    // bastion does not know: before, its place in the report would tell the two apart.
    if (direct && !policy.permitsName(run.host(), c.port())) {
      throw run.fail(Reason.POLICY_DENIED, Field.HOST, null);
    }
    if (!hops.isEmpty() && !policy.permitsName(hops.get(0).host(), hops.get(0).port())) {
      throw run.fail(Reason.POLICY_DENIED, hops.get(0).field(Field.SSH_HOST), null);
    }
    run.pass(null);

    run.begin(Name.DNS);
    List<InetAddress> bastionAddresses =
        hops.isEmpty()
            ? List.of()
            : lookUp(hops.get(0).host(), hops.get(0).port(), hops.get(0).field(Field.SSH_HOST));
    List<InetAddress> addresses = direct ? lookUp(run.host(), c.port(), Field.HOST) : List.of();
    int n = direct ? addresses.size() : bastionAddresses.size();
    run.pass(n == 1 ? "1 address" : n + " addresses");

    if (direct) {
      run.begin(Name.TCP);
      Socket socket = connectTo(addresses, c.port(), run::own);
      run.pass(null);
      if (!hops.isEmpty()) {
        // The database endpoint must also answer from the bastion.
        bastions.probe(way(bastionAddresses, true));
      }
      run.own(socket);
    } else {
      Bastions.Way way = way(bastionAddresses, policy.permitsBehindBastion(run.host(), c.port()));
      if (c.bastion().tunneling()) {
        run.own(bastions.tunnel(way));
      } else {
        bastions.probe(way);
      }
    }
  }

  private Bastions.Way way(List<InetAddress> addresses, boolean onward) {
    return new Bastions.Way(
        run,
        hops,
        addresses,
        hop -> policy.permitsBehindBastion(hop.host(), hop.port()),
        onward,
        logins);
  }

  /**
   * A further connection, on the test's port, to a host that a service's talk needs: looked up
   * once, checked and watched like the first. It takes no step of its own.
   *
   * @throws Obstacle when it is not to be had
   */
  Socket dial(HostName host) throws IOException {
    int port = run.connection().port();
    if (!policy.permitsName(host, port)) {
      throw new Obstacle(Name.POLICY, Reason.POLICY_DENIED, Field.HOST, null);
    }
    try {
      return connectTo(lookUp(host, port, Field.HOST), port, socket -> run.own((Closeable) socket));
    } catch (TestEnded e) {
      throw new IOException("The connection test has ended.", e);
    }
  }

  /** Resolves once; every answer must be permitted, and only these are connected to. */
  private List<InetAddress> lookUp(HostName name, int port, Field field) throws Obstacle {
    String key = name.text() + ":" + port;
    List<InetAddress> addresses = known.get(key);
    if (addresses != null) {
      return addresses;
    }
    if (name.literal() != null) {
      addresses = List.of(name.literal());
    } else {
      try {
        addresses = lookups.addresses(name.text(), run.remaining());
      } catch (UnknownHostException e) {
        Reason reason = field == Field.HOST ? unknownHost : Reason.UNKNOWN_HOST;
        throw new Obstacle(null, reason, field, null);
      } catch (TimeoutException e) {
        throw new Obstacle(null, Reason.TIMEOUT, field, null);
      }
    }
    if (!policy.permits(name, addresses, port)) {
      throw new Obstacle(Name.POLICY, Reason.POLICY_DENIED, field, null);
    }
    known.put(key, addresses);
    return addresses;
  }

  /** Where a socket goes before it is connected, so that the watchdog can close it. */
  @FunctionalInterface
  private interface Owner {
    void own(Socket socket) throws TestEnded;
  }

  private Socket connectTo(List<InetAddress> addresses, int port, Owner owner)
      throws TestEnded, IOException {
    IOException last = null;
    int left = addresses.size();
    for (InetAddress address : addresses) {
      Duration share = run.remaining().dividedBy(left--);
      DirectSocket socket = new DirectSocket(run.traffic());
      owner.own(socket);
      try {
        socket.connect(new InetSocketAddress(address, port), (int) Math.max(share.toMillis(), 1));
        socket.setTcpNoDelay(true);
        return socket;
      } catch (IOException e) {
        socket.close();
        last = e;
      }
    }
    if (last instanceof SocketTimeoutException) {
      throw new Obstacle(null, Reason.TIMEOUT, null, null);
    }
    throw last instanceof ConnectException && !unreachable(last)
        ? new Obstacle(null, Reason.CONNECTION_REFUSED, null, null)
        : new Obstacle(null, Reason.UNREACHABLE, null, null);
  }

  private static boolean unreachable(IOException e) {
    // The JDK has one class for "refused" and "timed out by the kernel"; only the text differs.
    return e.getMessage() != null && e.getMessage().contains("timed out");
  }
}
