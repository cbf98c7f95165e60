package io.sluice.probe;

import io.sluice.drivers.Driver;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLSocket;

/**
 * Stands between a driver that takes no socket from others and the one socket that its test has
 * connected and checked: a loopback listener on a port of the system's choice, for one connection.
 *
 * <p>The driver knows no other address than this one, and {@link DriverSockets} lets it go to no
 * other. TLS, where it is asked for, ends here and not in the driver, so that certificate and host
 * name are verified the same way for all of them. The listener stays until the test is over, as
 * whoever took over its port would be given the driver's login.
 *
 * <p>The thread that opens it and its own threads share it; it has one acceptor and one thread for
 * each direction, which end with the sockets.
 */
final class Relay implements Closeable {
  private static final int BUFFER_BYTES = 8192;

  private final ServerSocket listener;
  private final Socket upstream;
  private final InputStream answers;
  private final Closeable permission;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final Traffic said = new Traffic(Optional.empty());
  private volatile Socket downstream;
  private volatile IOException failure;

  private Relay(Socket upstream, TestRun run, ClassLoader driver) throws IOException {
    this.upstream = upstream;
    InputStream heard = said.counted(upstream.getInputStream());
    this.answers =
        run.driver().family() == Driver.Family.ORACLE ? new TnsAnswers(heard, run) : heard;
    this.listener = new ServerSocket(0, 1, InetAddress.getByAddress(new byte[] {127, 0, 0, 1}));
    this.permission = DriverSockets.permit(driver, listener.getLocalPort());
  }

  /**
   * Makes the TLS handshake where one is asked for, and listens.
   *
   * @param driver whose classes may connect here
   * @throws IOException when there is no TLS as asked for; the run's {@link TlsOutcome} knows why
   * @throws TestEnded when the test has ended meanwhile
   */
  static Relay open(TestRun run, ClassLoader driver) throws IOException, TestEnded {
    Socket upstream = run.takeSocket();
    if (run.connection().tls() != null) {
      SSLSocket secured = VerifiedTls.over(upstream, run);
      secured.startHandshake();
      VerifiedTls.passed(secured.getSession(), run);
      upstream = secured;
    }
    Relay relay = new Relay(upstream, run, driver);
    run.relayed(relay.said);
    run.own((Closeable) relay);
    relay.start("accept", relay::accept);
    return relay;
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Whether the driver has come here at all, and so has asked the server something. */
  boolean used() {
    return downstream != null;
  }

  /** The status with which an HTTP server has begun its answer; empty: it is none. */
  OptionalInt httpStatus() {
    return said.httpStatus();
  }

  /** How the server's side ended while the driver still used it; null: it did not. */
  IOException failure() {
    return failure;
  }

  private void start(String name, Runnable work) {
    Thread thread = new Thread(work, "relay-" + port() + "-" + name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (!closed.get()) {
        Socket socket = listener.accept();
        if (downstream != null || !LoopbackPeer.isThisUser(socket)) {
          socket.close();
        } else {
          downstream = socket;
          socket.setTcpNoDelay(true);
          start("up", this::up);
          start("down", this::down);
        }
      }
    } catch (IOException e) {
      // Closed, which is how it ends.
    }
  }

  private void up() {
    try {
      copy(downstream.getInputStream(), upstream.getOutputStream());
    } catch (IOException e) {
      // The reader of the other direction learns it too, and with the server's last words.
    }
  }

  private void down() {
    try {
      copy(answers, downstream.getOutputStream());
      failed(new EOFException("The server has closed the connection."));
    } catch (IOException e) {
      failed(e);
    }
    try {
      // Not closed: what the server said last is still on its way to the driver.
      downstream.shutdownOutput();
    } catch (IOException e) {
      // The driver has closed its side first.
    }
  }

  private void failed(IOException e) {
    if (!closed.get()) {
      failure = e;
    }
  }

  private static void copy(InputStream from, OutputStream to) throws IOException {
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
      to.write(buffer, 0, n);
      to.flush();
    }
  }

  /** Ends listener and driver's connection; the server's belongs to the run. */
  @Override
  public void close() throws IOException {
    if (closed.compareAndSet(false, true)) {
      permission.close();
      listener.close();
      Socket socket = downstream;
      if (socket != null) {
        socket.close();
      }
    }
  }
}
