package io.sluice.probe;

import io.sluice.drivers.DriverJars;
import java.io.Closeable;
import java.io.IOException;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps drivers that came from a jar of their own from opening connections by themselves. The JDK
 * asks the default selector before a plain {@link java.net.Socket} connects; where code of such a
 * driver is on the stack, on whatever thread, only the addresses of its own relays are allowed.
 *
 * <p>What it cannot see: {@code java.nio} channels, and sockets made with an explicit proxy. The
 * files of drivers that have such a mode switch it off.
 */
final class DriverSockets extends ProxySelector {
  private static final StackWalker STACK =
      StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
  private static final String LOOPBACK = "127.0.0.1";

  /** The ports of this machine that each driver may connect to at the moment. */
  private static final Map<Integer, ClassLoader> PERMITTED = new ConcurrentHashMap<>();

  private final ProxySelector others;

  private DriverSockets(ProxySelector others) {
    this.others = others;
  }

  /** Begins to watch, for the rest of the process; a second time it does nothing. */
  static synchronized void watch() {
    ProxySelector present = ProxySelector.getDefault();
    if (!(present instanceof DriverSockets)) {
      ProxySelector.setDefault(new DriverSockets(present));
    }
  }

  /** Lets a driver connect to a loopback port until the result is closed. */
  static Closeable permit(ClassLoader driver, int port) {
    PERMITTED.put(port, driver);
    return () -> PERMITTED.remove(port, driver);
  }

  /**
   * @throws SecurityException when a driver wants to go where it may not
   */
  @Override
  public List<Proxy> select(URI uri) {
    Optional<ClassLoader> driver =
        STACK.walk(
            frames ->
                frames
                    .map(frame -> frame.getDeclaringClass().getClassLoader())
                    .filter(Objects::nonNull)
                    .filter(DriverJars::isolates)
                    .findFirst());
    if (driver.isEmpty()) {
      return others == null ? List.of(Proxy.NO_PROXY) : others.select(uri);
    }
    if (LOOPBACK.equals(uri.getHost()) && PERMITTED.get(uri.getPort()) == driver.get()) {
      return List.of(Proxy.NO_PROXY);
    }
    TestRun.noteStray();
    throw new SecurityException("A driver may connect to its relay only.");
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException e) {
    if (others != null) {
      others.connectFailed(uri, address, e);
    }
  }
}
