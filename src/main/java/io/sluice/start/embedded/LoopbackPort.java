package io.sluice.start.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Ports on loopback for servers that must know theirs before they start. */
final class LoopbackPort {
  /** By address, since a name may stand for IPv6 too, where the servers do not listen. */
  static final String HOST = "127.0.0.1";

  private LoopbackPort() {}

  static boolean isFree(int port) {
    try (ServerSocket probe = new ServerSocket()) {
      probe.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  static int free() {
    try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return probe.getLocalPort();
    } catch (IOException e) {
      throw new IllegalStateException("This machine has no free port on " + HOST + ".", e);
    }
  }
}
