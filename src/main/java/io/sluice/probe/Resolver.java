package io.sluice.probe;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Where addresses of names come from: the system's resolver, or a test's that misbehaves. */
@FunctionalInterface
interface Resolver {
  /**
   * Blocks as long as it likes: names of senders are looked up on threads of {@link Lookups}.
   *
   * @return at least one address
   */
  InetAddress[] lookUp(String name) throws UnknownHostException;
}
