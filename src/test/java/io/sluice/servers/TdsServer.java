package io.sluice.servers;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import javax.net.ssl.SSLSocket;

/**
 * A SQL Server of a few messages, written from the published protocol ([MS-TDS]): terms, TLS within
 * packets, a login that is checked, one query. No line of a real server is in it, so what passes
 * here is emulated and no more.
 */
public final class TdsServer implements AutoCloseable {
  /** What the server does wrong. */
  public enum Fault {
    NONE,
    MUTE_AT_TERMS,
    MUTE_IN_HANDSHAKE,
    MUTE_AT_LOGIN,
    MUTE_AT_QUERY,
    /** A byte every now and then, from the first on. */
    DRIP,
    /** Says that it takes no TLS. */
    NO_TLS,
    /** Says that TLS is for the login only, and then waits for a login in clear. */
    TLS_OFF,
    /** A packet of 64 KiB, of which a part comes. */
    GIANT_PACKET,
    /** Names a packet size of gigabytes, and goes on in a second packet. */
    GIANT_PACKET_SIZE,
    /** Acknowledges a feature with gigabytes of data. */
    GIANT_FEATURE,
    /** Informs without end. */
    ENDLESS_TOKENS,
    /** Answers the login, and accepts it with no word. */
    NO_LOGIN_ACK,
    /** Sends the client on to another server. */
    ROUTE,
    /** Names a mirror, and asks to have its address remembered. */
    MIRROR,
    /** Sends rows of a type that was not asked for. */
    OTHER_COLUMNS,
    /** Changes to a packet size of gigabytes together with the row. */
    GIANT_PACKET_SIZE_AT_QUERY
  }

  /** A login as it was decoded. */
  public record Login(String user, String password, String database, String server, String host) {}

  private static final int PRELOGIN = 0x12;
  private static final int LOGIN7 = 0x10;
  private static final int BATCH = 0x01;
  private static final int RESPONSE = 0x04;
  private static final int PACKET_BYTES = 4096;
  private static final Duration DRIP_PAUSE = Duration.ofMillis(150);

  private final ServerSocket listener;
  private final Setup setup;
  private final Set<Socket> clients = ConcurrentHashMap.newKeySet();
  private final List<Login> logins = new CopyOnWriteArrayList<>();
  private final ByteArrayOutputStream received = new ByteArrayOutputStream();
  private volatile int connections;
  private volatile int routedPort;

  /** A server before its start: no users, TLS with the certificate. */
  public static final class Setup {
    private final TestCa.Issued identity;
    private final Map<String, String> passwords = new HashMap<>();
    private final Map<String, Integer> refusals = new HashMap<>();
    private final Map<String, Set<String>> databases = new HashMap<>();
    private Fault fault = Fault.NONE;
    private boolean clientCertificates;
    private String[] protocols = {"TLSv1.2"};

    private Setup(TestCa.Issued identity) {
      this.identity = identity;
    }

    public Setup user(String name, String password) {
      passwords.put(name, password);
      return this;
    }

    /** Every login of this user ends with this error, whatever the password. */
    public Setup refuse(String user, int error) {
      refusals.put(user, error);
      return this;
    }

    public Setup database(String name, String... users) {
      databases.put(name, Set.of(users));
      return this;
    }

    public Setup fault(Fault value) {
      fault = value;
      return this;
    }

    /** Only clients with a certificate of the authority that issued the server's. */
    public Setup clientCertificates() {
      clientCertificates = true;
      return this;
    }

    public Setup protocols(String... values) {
      protocols = values.clone();
      return this;
    }

    public TdsServer start() {
      return new TdsServer(this);
    }
  }

  public static Setup setup(TestCa.Issued identity) {
    return new Setup(identity);
  }

  private TdsServer(Setup setup) {
    this.setup = setup;
    try {
      listener = new ServerSocket(0, 128, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon("tds-accept", this::accept);
  }

  public int port() {
    return listener.getLocalPort();
  }

  public int connections() {
    return connections;
  }

  /** How many clients have not closed yet. */
  public int open() {
    return clients.size();
  }

  /** Every login that could be decoded. */
  public List<Login> logins() {
    return List.copyOf(logins);
  }

  /** Every byte that came before TLS, or without it. */
  public byte[] receivedInClear() {
    synchronized (received) {
      return received.toByteArray();
    }
  }

  /** Where {@link Fault#ROUTE} sends clients to. */
  public TdsServer routeTo(int port) {
    routedPort = port;
    return this;
  }

  private static void daemon(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    thread.start();
  }

  @SuppressWarnings("NonAtomicVolatileUpdate") // One thread accepts.
  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        connections++;
        clients.add(client);
        daemon("tds-client", () -> serve(client));
      } catch (IOException e) {
        // The listener was closed.
      }
    }
  }

  private void serve(Socket client) {
    try (client) {
      client.setTcpNoDelay(true);
      Session session = new Session(client);
      try {
        session.run();
      } finally {
        session.close();
      }
    } catch (IOException | RuntimeException e) {
      // The client went away, or does not speak the protocol: a server closes then.
    } finally {
      clients.remove(client);
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
      for (Socket client : clients) {
        client.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** One client. */
  private final class Session {
    private final Socket client;
    private InputStream in;
    private OutputStream out;
    private Framed framed;
    private boolean columnEncryption;

    Session(Socket client) throws IOException {
      this.client = client;
      in = recorded(client.getInputStream());
      out = client.getOutputStream();
    }

    void close() throws IOException {
      if (framed != null) {
        framed.close();
      }
    }

    void run() throws IOException {
      message(PRELOGIN);
      if (setup.fault == Fault.MUTE_AT_TERMS) {
        hang();
      }
      int encryption =
          switch (setup.fault) {
            case NO_TLS -> 2;
            case TLS_OFF -> 0;
            default -> 1;
          };
      byte[] terms = {
        0, 0, 11, 0, 6, 1, 0, 17, 0, 1, (byte) 0xff, 16, 0, 0x10, 0x37, 0, 0, (byte) encryption
      };
      if (setup.fault == Fault.DRIP) {
        drip(packets(RESPONSE, terms));
      }
      send(RESPONSE, terms);
      if (encryption == 1) {
        secure();
      }
      Login login = decode(message(LOGIN7));
      logins.add(login);
      answer(login);
      query();
    }

    private void secure() throws IOException {
      if (setup.fault == Fault.MUTE_IN_HANDSHAKE) {
        packet();
        hang();
      }
      framed = new Framed(client, client.getInputStream(), client.getOutputStream());
      SSLSocket tls =
          (SSLSocket)
              setup
                  .identity
                  .sslContext()
                  .getSocketFactory()
                  .createSocket(framed, Scratch.LOOPBACK, 0, true);
      tls.setUseClientMode(false);
      tls.setNeedClientAuth(setup.clientCertificates);
      tls.setEnabledProtocols(setup.protocols);
      try {
        tls.startHandshake();
      } finally {
        // Also the alert that says why not.
        framed.over();
      }
      in = tls.getInputStream();
      out = tls.getOutputStream();
    }

    private void answer(Login login) throws IOException {
      switch (setup.fault) {
        case MUTE_AT_LOGIN -> hang();
        case GIANT_PACKET -> {
          out.write(new byte[] {RESPONSE, 1, (byte) 0xff, (byte) 0xff, 0, 0, 1, 0, 1, 2, 3});
          out.flush();
          hang();
        }
        case ENDLESS_TOKENS -> {
          while (true) {
            out.write(packets(RESPONSE, info(), false));
            out.flush();
          }
        }
        default -> {
          // As it should be, or wrong further down.
        }
      }
      Integer refused = setup.refusals.get(login.user());
      Set<String> permitted = setup.databases.get(login.database());
      boolean known = login.password().equals(setup.passwords.get(login.user()));
      if (refused != null) {
        send(RESPONSE, error(refused, 1, 14), done(2));
      } else if (!known) {
        send(RESPONSE, error(18456, 1, 14), done(2));
      } else if (!login.database().isEmpty() && permitted == null) {
        // A real server adds the login's own failure.
        send(RESPONSE, error(4060, 1, 11), error(18456, 1, 14), done(2));
      } else if (permitted != null && !permitted.contains(login.user())) {
        send(RESPONSE, error(916, 1, 14), error(18456, 1, 14), done(2));
      } else {
        welcome(login);
        return;
      }
      throw new EOFException("A refused client is closed.");
    }

    private void welcome(Login login) throws IOException {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      all.writeBytes(change(1, login.database().isEmpty() ? "master" : login.database(), "master"));
      all.writeBytes(info());
      all.writeBytes(
          new byte[] {(byte) 0xe3, 8, 0, 7, 5, 9, 4, (byte) 0xd0, 0, 0x34, 0}); // Collation.
      switch (setup.fault) {
        case GIANT_PACKET_SIZE -> all.writeBytes(change(4, "2000000000", "4096"));
        case GIANT_FEATURE ->
            all.writeBytes(new byte[] {(byte) 0xae, 4, (byte) 0xff, (byte) 0xff, -1, 0x7f, 1});
        case MIRROR -> {
          all.writeBytes(change(13, "mirror.example", ""));
          all.writeBytes(new byte[] {(byte) 0xae, 0x0b, 1, 0, 0, 0, 1, (byte) 0xff});
        }
        default -> all.writeBytes(change(4, "4096", "4096"));
      }
      if (setup.fault != Fault.NO_LOGIN_ACK) {
        all.writeBytes(loginAck());
      }
      if (setup.fault == Fault.ROUTE) {
        all.writeBytes(route("localhost", routedPort));
      } else if (setup.fault != Fault.MIRROR && setup.fault != Fault.GIANT_FEATURE) {
        // Column encryption, as a real server acknowledges it: the columns then look different.
        all.writeBytes(new byte[] {(byte) 0xae, 4, 1, 0, 0, 0, 1, (byte) 0xff});
        columnEncryption = true;
      }
      if (setup.fault == Fault.GIANT_PACKET_SIZE) {
        out.write(packets(RESPONSE, all.toByteArray(), false));
        out.flush();
        send(RESPONSE, done(0));
        return;
      }
      send(RESPONSE, all.toByteArray(), done(0));
    }

    private void query() throws IOException {
      while (true) {
        byte[] batch = message(BATCH);
        int headers = ByteBuffer.wrap(batch).order(ByteOrder.LITTLE_ENDIAN).getInt();
        String sql =
            new String(batch, headers, batch.length - headers, StandardCharsets.UTF_16LE).trim();
        if (setup.fault == Fault.MUTE_AT_QUERY) {
          hang();
        }
        if (!sql.equalsIgnoreCase("SELECT 1")) {
          send(RESPONSE, error(102, 1, 15), done(2));
        } else if (setup.fault == Fault.OTHER_COLUMNS) {
          // nvarchar(max): a value of any length.
          byte[] text = {(byte) 0xe7, -1, -1, 9, 4, (byte) 0xd0, 0, 0x34};
          send(RESPONSE, columns(text), new byte[] {(byte) 0xd1}, new byte[64], done(0x10));
        } else {
          byte[] row = {(byte) 0xd1, 1, 0, 0, 0};
          boolean bomb = setup.fault == Fault.GIANT_PACKET_SIZE_AT_QUERY;
          if (bomb) {
            out.write(
                packets(RESPONSE, join(columns(0x38), change(4, "2000000000", "4096")), false));
            out.flush();
            send(RESPONSE, row, done(0x10));
          } else {
            send(RESPONSE, columns(0x38), row, done(0x10));
          }
        }
      }
    }

    private byte[] columns(int... type) {
      return columns(bytes(type));
    }

    private byte[] columns(byte[] type) {
      return join(
          new byte[] {(byte) 0x81, 1, 0},
          columnEncryption ? new byte[2] : new byte[0],
          new byte[] {0, 0, 0, 0, 0x20, 0},
          type,
          new byte[1]);
    }

    private byte[] packet() throws IOException {
      byte[] header = in.readNBytes(8);
      if (header.length < 8) {
        throw new EOFException();
      }
      int length = Short.toUnsignedInt(ByteBuffer.wrap(header).getShort(2));
      byte[] packet = new byte[length];
      System.arraycopy(header, 0, packet, 0, 8);
      in.readNBytes(packet, 8, length - 8);
      return packet;
    }

    private byte[] message(int type) throws IOException {
      ByteArrayOutputStream data = new ByteArrayOutputStream();
      byte[] packet;
      do {
        packet = packet();
        if (packet[0] != type) {
          throw new IOException("Not the message that is due.");
        }
        data.write(packet, 8, packet.length - 8);
      } while ((packet[1] & 1) == 0);
      return data.toByteArray();
    }

    private void send(int type, byte[]... data) throws IOException {
      out.write(packets(type, join(data)));
      out.flush();
    }

    private void hang() throws IOException {
      while (in.read() >= 0) {
        // Until the client gives up.
      }
      throw new EOFException();
    }

    private void drip(byte[] bytes) throws IOException {
      for (byte b : bytes) {
        out.write(b);
        out.flush();
        LockSupport.parkNanos(DRIP_PAUSE.toNanos());
      }
      hang();
    }
  }

  private InputStream recorded(InputStream raw) {
    return new InputStream() {
      @Override
      public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        int n = raw.read(buffer, offset, length);
        if (n > 0) {
          synchronized (received) {
            received.write(buffer, offset, n);
          }
        }
        return n;
      }
    };
  }

  private static Login decode(byte[] login) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(login).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getInt(0) != login.length) {
      throw new IOException("The login has another length than it says.");
    }
    if ((login[27] & 0x10) != 0) {
      int feature = in.getInt(Short.toUnsignedInt(in.getShort(56)));
      while (login[feature] != -1) {
        feature += 5 + in.getInt(feature + 1);
      }
      if (feature != login.length - 1) {
        throw new IOException("The features do not end where the login does.");
      }
    }
    byte[] password = field(login, in, 44);
    for (int i = 0; i < password.length; i++) {
      int b = Byte.toUnsignedInt(password[i]) ^ 0xa5;
      password[i] = (byte) (b >> 4 | b << 4);
    }
    return new Login(
        text(field(login, in, 40)),
        text(password),
        text(field(login, in, 68)),
        text(field(login, in, 52)),
        text(field(login, in, 36)));
  }

  private static byte[] field(byte[] login, ByteBuffer in, int at) {
    byte[] field = new byte[2 * Short.toUnsignedInt(in.getShort(at + 2))];
    System.arraycopy(login, Short.toUnsignedInt(in.getShort(at)), field, 0, field.length);
    return field;
  }

  private static String text(byte[] utf16) {
    return new String(utf16, StandardCharsets.UTF_16LE);
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  private static byte[] packets(int type, byte[] data) {
    return packets(type, data, true);
  }

  private static byte[] packets(int type, byte[] data, boolean complete) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int from = 0;
    int number = 1;
    do {
      int size = Math.min(PACKET_BYTES - 8, data.length - from);
      boolean last = from + size == data.length;
      out.write(type);
      out.write(last && complete ? 1 : 0);
      out.write((size + 8) >> 8);
      out.write(size + 8);
      out.writeBytes(new byte[] {0, 51});
      out.write(number++);
      out.write(0);
      out.write(data, from, size);
      from += size;
    } while (from < data.length);
    return out.toByteArray();
  }

  /** A token with a length of two bytes. */
  private static byte[] token(int type, byte[]... parts) {
    byte[] data = join(parts);
    return join(bytes(type, data.length, data.length >> 8), data);
  }

  private static byte[] shortText(String text) {
    return join(bytes(text.length()), text.getBytes(StandardCharsets.UTF_16LE));
  }

  private static byte[] longText(String text) {
    return join(bytes(text.length(), text.length() >> 8), text.getBytes(StandardCharsets.UTF_16LE));
  }

  private static byte[] change(int type, String to, String from) {
    return token(0xe3, bytes(type), shortText(to), shortText(from));
  }

  private static byte[] route(String host, int port) {
    byte[] data = join(bytes(0, port, port >> 8), longText(host));
    return token(0xe3, bytes(20, data.length, data.length >> 8), data, bytes(0, 0));
  }

  private static byte[] report(int token, int number, int state, int severity, String words) {
    return token(
        token,
        bytes(number, number >> 8, number >> 16, number >> 24, state, severity),
        longText(words),
        shortText("EMULATED"),
        shortText(""),
        bytes(1, 0, 0, 0));
  }

  private static byte[] error(int number, int state, int severity) {
    return report(0xaa, number, state, severity, "words-of-the-server");
  }

  private static byte[] info() {
    return report(0xab, 5701, 2, 0, "Changed database context.");
  }

  private static byte[] loginAck() {
    return token(
        0xad, bytes(1, 0x74, 0, 0, 4), shortText("Microsoft SQL Server"), bytes(16, 0, 0x10, 0x37));
  }

  private static byte[] done(int status) {
    return join(bytes(0xfd, status, 0, 0, 0), new byte[8]);
  }

  /** A connection whose bytes travel as data of packets, until the handshake is over. */
  private static final class Framed extends Socket {
    private final Socket client;
    private final InputStream in;
    private final OutputStream out;
    private final ByteArrayOutputStream flight = new ByteArrayOutputStream();
    private InputStream packet = InputStream.nullInputStream();
    private boolean over;

    Framed(Socket client, InputStream in, OutputStream out) {
      this.client = client;
      this.in = in;
      this.out = out;
    }

    void over() throws IOException {
      flight();
      over = true;
    }

    private void flight() throws IOException {
      if (flight.size() > 0) {
        out.write(packets(PRELOGIN, flight.toByteArray()));
        out.flush();
        flight.reset();
      }
    }

    @Override
    public boolean isConnected() {
      return true;
    }

    // The JDK's own answers to these would open a socket only to ask it.
    @Override
    public int getPort() {
      return client.getPort();
    }

    @Override
    public int getLocalPort() {
      return client.getLocalPort();
    }

    @Override
    public InetAddress getInetAddress() {
      return client.getInetAddress();
    }

    @Override
    public InetAddress getLocalAddress() {
      return client.getLocalAddress();
    }

    @Override
    public synchronized int getSoTimeout() throws SocketException {
      return client.getSoTimeout();
    }

    @Override
    public synchronized void setSoTimeout(int millis) throws SocketException {
      client.setSoTimeout(millis);
    }

    @Override
    public int getSoLinger() throws SocketException {
      return client.getSoLinger();
    }

    @Override
    public InputStream getInputStream() {
      return new InputStream() {
        @Override
        public int read() throws IOException {
          byte[] one = new byte[1];
          return read(one, 0, 1) < 0 ? -1 : Byte.toUnsignedInt(one[0]);
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
          if (packet.available() == 0 && over) {
            return in.read(buffer, offset, length);
          }
          if (packet.available() == 0) {
            flight();
            byte[] header = in.readNBytes(8);
            if (header.length < 8) {
              return -1;
            }
            int size = Short.toUnsignedInt(ByteBuffer.wrap(header).getShort(2)) - 8;
            packet = new ByteArrayInputStream(in.readNBytes(size));
          }
          return packet.read(buffer, offset, length);
        }
      };
    }

    @Override
    public OutputStream getOutputStream() {
      return new OutputStream() {
        @Override
        public void write(int b) throws IOException {
          write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] buffer, int offset, int length) throws IOException {
          if (over) {
            out.write(buffer, offset, length);
          } else {
            flight.write(buffer, offset, length);
          }
        }

        @Override
        public void flush() throws IOException {
          if (over) {
            out.flush();
          }
        }
      };
    }

    @Override
    public synchronized void close() throws IOException {
      try {
        // The alert that says why still has to go.
        flight();
      } finally {
        client.close();
        // What the JDK opened only to ask it would stay until it is collected.
        super.close();
      }
    }
  }
}
