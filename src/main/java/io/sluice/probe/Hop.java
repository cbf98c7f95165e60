package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.JumpHost;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One SSH server on the way to the database: an item of {@code sshJump}, or {@code sshHost}, which
 * is the last.
 *
 * @param position from 1
 * @param count of all hops of the way
 * @param destination as its sender wrote it
 * @param pin the approved host key; null: none yet
 * @param login what stands for this login in the {@link LockoutGuard}
 */
record Hop(
    int position,
    int count,
    String destination,
    HostName host,
    int port,
    String username,
    HostKeyPin pin,
    String login) {

  /**
   * The hops of a connection, the first one to be connected to first.
   *
   * @param bastion null: no hops
   * @throws Refusal when a host or a host key is none
   */
  static List<Hop> of(Connection.Bastion bastion, LockoutGuard guard) {
    List<Hop> hops = new ArrayList<>();
    if (bastion == null) {
      return hops;
    }
    HostName host =
        HostName.parse(bastion.host())
            .orElseThrow(
                () ->
                    Refusal.ofField(
                        Reason.INVALID_FIELD,
                        Field.SSH_HOST.wireName(),
                        "Send one host name, IPv4 or IPv6 address, without a port."));
    List<JumpHost> way = new ArrayList<>(bastion.jumps());
    way.add(
        new JumpHost(bastion.host(), bastion.username(), host, bastion.port(), bastion.hostKey()));
    String path = "ssh";
    for (JumpHost each : way) {
      int position = hops.size() + 1;
      String username = each.username() == null ? bastion.username() : each.username();
      hops.add(
          new Hop(
              position,
              way.size(),
              each.destination(),
              each.host(),
              each.port(),
              username,
              pin(
                  each,
                  position == way.size()
                      ? Field.SSH_HOST_KEY.wireName()
                      : Field.SSH_JUMP.wireName() + "[" + (position - 1) + "]"),
              guard.fingerprint(
                  path,
                  each.host().text(),
                  each.port(),
                  username,
                  bastion.password(),
                  bastion.identity())));
      path = path(hops);
    }
    return hops;
  }

  private static HostKeyPin pin(JumpHost server, String field) {
    if (server.hostKey() == null || server.hostKey().isBlank()) {
      return null;
    }
    Optional<HostKeyPin> pin = HostKeyPin.parse(server.hostKey());
    return pin.orElseThrow(
        () ->
            Refusal.ofField(
                Reason.INVALID_FIELD,
                field,
                field + " has a host key that cannot be read. " + HostKeyPin.EXPECTED));
  }

  /** What tells a server behind these hops from one of the same address elsewhere. */
  static String path(List<Hop> hops) {
    StringBuilder path = new StringBuilder();
    hops.forEach(hop -> path.append(hop.host.text()).append(':').append(hop.port).append('>'));
    return path.toString();
  }

  boolean first() {
    return position == 1;
  }

  /** Whether this is {@code sshHost}. */
  boolean last() {
    return position == count;
  }

  /**
   * The field that names what a failure at this hop is about.
   *
   * @param field the one that it would be at {@code sshHost}
   */
  Field field(Field field) {
    return last()
            || (field != Field.SSH_HOST && field != Field.SSH_PORT && field != Field.SSH_HOST_KEY)
        ? field
        : Field.SSH_JUMP;
  }

  /**
   * A hint that says which hop it is about, where there are several.
   *
   * @param own null: the reason's own
   */
  String hint(Reason reason, String own) {
    return count == 1
        ? own
        : "Hop %d of %d, %s: %s"
            .formatted(position, count, destination, own == null ? reason.hint() : own);
  }

  /** What a passed step says of all hops; {@code own} may be null. */
  String detail(String own) {
    String hops = count + " hops";
    if (count == 1) {
      return own;
    }
    return own == null ? hops : hops + ", " + own;
  }
}
