package io.sluice.servers;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/**
 * A TCP proxy on loopback that does to a connection what networks do. Every toxic acts on the
 * connections that exist as well as on later ones, until {@link #heal()}. Byte counts are of one
 * connection and one direction.
 *
 * <p>Methods may be called from any thread.
 */
public final class ToxicProxy implements AutoCloseable {
  /** Which way bytes go. */
  public enum Direction {
    TO_SERVER,
    TO_CLIENT
  }

  private static final int RECORD_LIMIT_BYTES = 4 * 1024 * 1024;
  private static final int TURN_LIMIT = 10_000;
  private static final int CHUNK_BYTES = 16 * 1024;
  private static final Duration CONNECT_LIMIT = Duration.ofSeconds(5);

  /** What a server's side of a conversation can do instead of answering. */
  public enum Fault {
    /** What is sent is taken, and nothing comes back. */
    MUTE,
    /** A byte at a time, with a pause after each. */
    DRIP,
    /** Both ends get a reset (RST). */
    RESET,
    /** Both ends get an orderly end (FIN). */
    CLOSE,
    /** Nothing is taken and nothing comes, as behind a filter that has forgotten the connection. */
    BLACK_HOLE
  }

  /** When a fault begins: at a byte of the answers, or with the answer to a turn of the client. */
  private record Strike(Fault fault, int turn, long answerBytes, Duration pause) {
    static final Strike NONE =
        new Strike(Fault.MUTE, Integer.MAX_VALUE, Long.MAX_VALUE, Duration.ZERO);

    boolean ends() {
      return fault == Fault.RESET || fault == Fault.CLOSE;
    }
  }

  private enum End {
    NEVER,
    MUTE,
    RESET,
    DROP
  }

  /** What happens in one direction. */
  private record Toxic(Duration latency, int sliceBytes, Duration pause, End end, long afterBytes) {
    static final Toxic NONE = new Toxic(Duration.ZERO, CHUNK_BYTES, Duration.ZERO, End.NEVER, 0);

    Toxic ending(End value, long bytes) {
      return new Toxic(latency, sliceBytes, pause, value, bytes);
    }
  }

  private final String host;
  private final int port;
  private final ServerSocket listener;
  private final Set<Pair> pairs = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private final ByteArrayOutputStream toServer = new ByteArrayOutputStream();
  private final ByteArrayOutputStream toClient = new ByteArrayOutputStream();
  private volatile Toxic requests = Toxic.NONE;
  private volatile Toxic answers = Toxic.NONE;
  private volatile boolean refusing;
  private volatile Strike strike = Strike.NONE;
  private volatile UnaryOperator<byte[]> rewriting = UnaryOperator.identity();
  private final List<ByteArrayOutputStream> turns = new ArrayList<>();

  private ToxicProxy(String host, int port) {
    this.host = host;
    this.port = port;
    try {
      listener = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon("toxic-accept", this::accept);
  }

  public static ToxicProxy to(String host, int port) {
    return new ToxicProxy(host, port);
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Every chunk waits this long, both ways. */
  public ToxicProxy latency(Duration delay) {
    set(Direction.TO_SERVER, new Toxic(delay, CHUNK_BYTES, Duration.ZERO, End.NEVER, 0));
    return set(Direction.TO_CLIENT, requests);
  }

  /** Bytes go in pieces of this size with a pause after each. */
  public ToxicProxy slice(Direction direction, int bytes, Duration pause) {
    return set(direction, new Toxic(Duration.ZERO, bytes, pause, End.NEVER, 0));
  }

  /** One byte a second, which keeps every read timeout of a driver quiet for ever. */
  public ToxicProxy drip(Direction direction) {
    return slice(direction, 1, Duration.ofSeconds(1));
  }

  /** After this many bytes nothing more arrives, and the connection stays open. */
  public ToxicProxy muteAfter(Direction direction, long bytes) {
    return set(direction, Toxic.NONE.ending(End.MUTE, bytes));
  }

  /** After this many bytes both ends get a reset (RST). */
  public ToxicProxy resetAfter(Direction direction, long bytes) {
    return set(direction, Toxic.NONE.ending(End.RESET, bytes));
  }

  /** After this many bytes both ends get an orderly end (FIN). */
  public ToxicProxy dropAfter(Direction direction, long bytes) {
    return set(direction, Toxic.NONE.ending(End.DROP, bytes));
  }

  /**
   * The answer to the client's n-th turn meets this fault, and all after it. A turn is what the
   * client sends before the server answers; 0 is what the server says unasked.
   *
   * @param pause between the bytes of a {@link Fault#DRIP}
   */
  public ToxicProxy strikeAtTurn(Fault fault, int turn, Duration pause) {
    strike = new Strike(fault, turn, Long.MAX_VALUE, pause);
    return this;
  }

  /** After this many bytes of answers they meet this fault. */
  public ToxicProxy strikeAfter(Fault fault, long answerBytes, Duration pause) {
    strike = new Strike(fault, Integer.MAX_VALUE, answerBytes, pause);
    return this;
  }

  /** Every answer from now on meets this fault, and so do the connections that are open. */
  public ToxicProxy strikeNow(Fault fault, Duration pause) {
    strikeAtTurn(fault, 0, pause);
    if (strike.ends()) {
      pairs.forEach(Pair::struck);
    }
    return this;
  }

  /** What the client said in each turn, of all connections, up to 10,000; the first is turn 1. */
  public List<byte[]> turns() {
    synchronized (turns) {
      return turns.stream().map(ByteArrayOutputStream::toByteArray).toList();
    }
  }

  /** Puts something else in the place of what the server sends, chunk by chunk as it arrives. */
  public ToxicProxy rewriteAnswers(UnaryOperator<byte[]> change) {
    rewriting = change;
    return this;
  }

  /** New connections are accepted and reset at once; existing ones are reset now. */
  public ToxicProxy cut() {
    refusing = true;
    pairs.forEach(Pair::reset);
    return this;
  }

  /** No more toxics. A connection that was muted stays so: its bytes are gone. */
  public ToxicProxy heal() {
    requests = Toxic.NONE;
    answers = Toxic.NONE;
    strike = Strike.NONE;
    rewriting = UnaryOperator.identity();
    refusing = false;
    return this;
  }

  /** How many connections have been accepted so far. */
  public int connections() {
    return accepted.get();
  }

  /** How many connections are open now. */
  public int open() {
    return pairs.size();
  }

  /** What clients have sent through, of all connections in the order of arrival, up to 4 MiB. */
  public byte[] recorded(Direction direction) {
    ByteArrayOutputStream record = record(direction);
    synchronized (record) {
      return record.toByteArray();
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    pairs.forEach(Pair::end);
  }

  private ToxicProxy set(Direction direction, Toxic toxic) {
    switch (direction) {
      case TO_SERVER -> requests = toxic;
      case TO_CLIENT -> answers = toxic;
    }
    return this;
  }

  private Toxic toxic(Direction direction) {
    return direction == Direction.TO_SERVER ? requests : answers;
  }

  private ByteArrayOutputStream record(Direction direction) {
    return direction == Direction.TO_SERVER ? toServer : toClient;
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        accepted.incrementAndGet();
        daemon("toxic-connect", () -> connect(client));
      } catch (IOException e) {
        // The listener was closed, or one client was gone before it was accepted.
      }
    }
  }

  private void connect(Socket client) {
    Pair pair = new Pair(client, new Socket());
    pairs.add(pair);
    try {
      if (refusing || listener.isClosed()) {
        pair.reset();
        return;
      }
      pair.server.connect(new InetSocketAddress(host, port), (int) CONNECT_LIMIT.toMillis());
      pair.server.setTcpNoDelay(true);
      client.setTcpNoDelay(true);
      if (strike.turn == 0 && strike.ends()) {
        pair.struck();
        return;
      }
      daemon("toxic-answers", () -> pair.pump(Direction.TO_CLIENT));
      pair.pump(Direction.TO_SERVER);
    } catch (IOException e) {
      pair.reset();
    }
  }

  private static void daemon(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** One client's connection and the one to the server that belongs to it. */
  private final class Pair {
    private final Socket client;
    private final Socket server;
    private final CountDownLatch over = new CountDownLatch(1);
    private volatile int turn;
    private volatile boolean clientSpeaks;

    Pair(Socket client, Socket server) {
      this.client = client;
      this.server = server;
    }

    void pump(Direction direction) {
      Socket from = direction == Direction.TO_SERVER ? client : server;
      Socket to = direction == Direction.TO_SERVER ? server : client;
      byte[] chunk = new byte[CHUNK_BYTES];
      long sent = 0;
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int length = in.read(chunk); length >= 0; length = in.read(chunk)) {
          if (waited(toxic(direction).latency)) {
            return;
          }
          if (direction == Direction.TO_SERVER) {
            if (listened(chunk, length)) {
              return;
            }
          } else {
            clientSpeaks = false;
            byte[] rewritten = rewriting.apply(Arrays.copyOf(chunk, length));
            chunk = Arrays.copyOf(rewritten, Math.max(rewritten.length, CHUNK_BYTES));
            length = rewritten.length;
          }
          for (int offset = 0; offset < length; ) {
            Toxic toxic = toxic(direction);
            int size = Math.min(toxic.sliceBytes, length - offset);
            if (direction == Direction.TO_CLIENT) {
              Strike now = strike;
              long left = turn >= now.turn ? 0 : now.answerBytes - sent;
              if (left > 0) {
                size = (int) Math.min(size, left);
              } else if (now.fault == Fault.DRIP) {
                size = 1;
                toxic = new Toxic(Duration.ZERO, 1, now.pause, End.NEVER, 0);
              } else {
                suffer(now.fault, in, chunk);
                return;
              }
            }
            if (toxic.end != End.NEVER) {
              size = (int) Math.min(size, toxic.afterBytes - sent);
            }
            if (size <= 0) {
              if (toxic.end == End.MUTE) {
                swallow(in, chunk);
              }
              finish(toxic.end);
              return;
            }
            record(direction, chunk, offset, size);
            out.write(chunk, offset, size);
            out.flush();
            offset += size;
            sent += size;
            if (waited(toxic.pause)) {
              return;
            }
          }
        }
        to.shutdownOutput();
        if (from.isOutputShutdown()) {
          end();
        }
      } catch (IOException e) {
        reset();
      }
    }

    /** Notes what the client says. True when the connection is over. */
    private boolean listened(byte[] chunk, int length) throws IOException {
      synchronized (turns) {
        if (!clientSpeaks) {
          clientSpeaks = true;
          turn++;
          if (turns.size() < TURN_LIMIT) {
            turns.add(new ByteArrayOutputStream());
          }
        }
        if (turns.size() < TURN_LIMIT) {
          turns.get(turns.size() - 1).write(chunk, 0, length);
        }
      }
      Strike now = strike;
      if (turn >= now.turn && now.fault != Fault.MUTE && now.fault != Fault.DRIP) {
        suffer(now.fault, null, chunk);
        return true;
      }
      return false;
    }

    private void suffer(Fault fault, InputStream in, byte[] chunk) throws IOException {
      switch (fault) {
        case MUTE -> {
          swallow(in, chunk);
          end();
        }
        case RESET -> reset();
        case CLOSE, DRIP -> end();
        case BLACK_HOLE -> {
          try {
            over.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        }
      }
    }

    void struck() {
      if (strike.fault == Fault.RESET) {
        reset();
      } else {
        end();
      }
    }

    /** Keeps the connection open until its other end is done with it. */
    private void swallow(InputStream in, byte[] chunk) throws IOException {
      while (in.read(chunk) >= 0) {
        // What arrives is lost.
      }
    }

    private void finish(End end) {
      switch (end) {
        case RESET -> reset();
        case NEVER, MUTE, DROP -> end();
      }
    }

    /** True when the connection ended meanwhile. */
    private boolean waited(Duration pause) {
      if (pause.isZero()) {
        return false;
      }
      try {
        return over.await(pause.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return true;
      }
    }

    void reset() {
      linger(client);
      linger(server);
      end();
    }

    void end() {
      over.countDown();
      pairs.remove(this);
      shut(client);
      shut(server);
    }
  }

  private void record(Direction direction, byte[] chunk, int offset, int size) {
    ByteArrayOutputStream record = record(direction);
    synchronized (record) {
      record.write(chunk, offset, Math.min(size, RECORD_LIMIT_BYTES - record.size()));
    }
  }

  /** A close with linger 0 sends RST instead of FIN. */
  private static void linger(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
    } catch (IOException e) {
      // It is closed already.
    }
  }

  private static void shut(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // Nothing is left to do with it.
    }
  }
}
