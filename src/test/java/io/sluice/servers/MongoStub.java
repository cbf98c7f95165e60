package io.sluice.servers;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLSocket;
import org.bson.BsonArray;
import org.bson.BsonBinary;
import org.bson.BsonBoolean;
import org.bson.BsonDocument;
import org.bson.BsonDouble;
import org.bson.BsonInt32;
import org.bson.BsonInt64;
import org.bson.BsonString;
import org.bson.RawBsonDocument;
import org.bson.codecs.BsonDocumentCodec;

/**
 * A MongoDB server of a few commands, written from the published wire protocol and RFC 5802: users,
 * whose proofs are verified, rights on databases, TLS from the first byte. No line of a real server
 * is in it, so what passes here is emulated and no more.
 */
public final class MongoStub implements AutoCloseable {
  /** What the server does wrong, or differently. */
  public enum Fault {
    NONE,
    MUTE_AT_HELLO,
    MUTE_AT_LOGIN,
    MUTE_AT_PROOF,
    MUTE_AT_DATABASE,
    MUTE_AT_QUERY,
    /** Takes the login, but does not know the password itself. */
    WRONG_SIGNATURE,
    /** Takes the login, and sends no proof at all. */
    NO_SIGNATURE,
    /** Does not take up the client's nonce. */
    OTHER_NONCE,
    MANY_ITERATIONS,
    FEW_ITERATIONS,
    GIANT_LENGTH,
    NEGATIVE_LENGTH,
    OTHER_OPCODE,
    OTHER_RESPONSE_TO,
    /** A document that ends elsewhere than its message. */
    OTHER_DOCUMENT_LENGTH,
    /** Documents within documents, as many as a message can hold. */
    DEEP,
    /** Closes every connection at once, as a server does that has no free one. */
    FULL,
    SHUTTING_DOWN,
    /** Its password digests are of the first kind only. */
    SHA_1_ONLY,
    /** Knows the older name of the first command only. */
    OLD_NAMES,
    /** Never ends the login by itself: the client has to ask once more. */
    EMPTY_EXCHANGE
  }

  private static final int OP_MSG = 2013;
  private static final int UNAUTHORIZED = 13;
  private static final int AUTHENTICATION_FAILED = 18;
  private static final int COMMAND_NOT_FOUND = 59;
  private static final int SHUTDOWN_IN_PROGRESS = 91;
  private static final int MECHANISM_UNAVAILABLE = 334;
  private static final byte[] SALT = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

  private final ServerSocket listener;
  private final Setup setup;
  private final Set<Socket> clients = ConcurrentHashMap.newKeySet();
  private final List<String> commands = new CopyOnWriteArrayList<>();
  private volatile int connections;

  /** A server before its start. */
  public static final class Setup {
    private final Map<String, String> passwords = new HashMap<>();
    private final Map<String, Set<String>> readable = new HashMap<>();
    private TestCa.Issued identity;
    private Fault fault = Fault.NONE;
    private boolean clientCertificates;

    private Setup() {}

    /** A user defined in a database; without any user there is no access control. */
    public Setup user(String authSource, String name, String password, String... databases) {
      passwords.put(authSource + "." + name, password);
      readable.put(authSource + "." + name, Set.of(databases));
      return this;
    }

    public Setup tls(TestCa.Issued value) {
      identity = value;
      return this;
    }

    /** Only clients with a certificate of the authority that issued the server's. */
    public Setup clientCertificates() {
      clientCertificates = true;
      return this;
    }

    public Setup fault(Fault value) {
      fault = value;
      return this;
    }

    public MongoStub start() {
      return new MongoStub(this);
    }
  }

  public static Setup setup() {
    return new Setup();
  }

  private MongoStub(Setup setup) {
    this.setup = setup;
    try {
      listener = new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon("mongo-accept", this::accept);
  }

  public int port() {
    return listener.getLocalPort();
  }

  public int connections() {
    return connections;
  }

  /** The names of all commands that have come, with the database each was for. */
  public List<String> commands() {
    return List.copyOf(commands);
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
        daemon("mongo-client", () -> serve(client));
      } catch (IOException e) {
        // The listener was closed.
      }
    }
  }

  private void serve(Socket client) {
    try (client) {
      if (setup.fault == Fault.FULL) {
        return;
      }
      if (setup.identity == null) {
        new Session(client).run();
        return;
      }
      try (SSLSocket secured =
          (SSLSocket)
              setup
                  .identity
                  .sslContext()
                  .getSocketFactory()
                  .createSocket(client, Scratch.LOOPBACK, 0, true)) {
        secured.setUseClientMode(false);
        secured.setNeedClientAuth(setup.clientCertificates);
        secured.startHandshake();
        new Session(secured).run();
      }
    } catch (IOException | RuntimeException | GeneralSecurityException e) {
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
    private final InputStream in;
    private final OutputStream out;
    private String user;
    private String algorithm;
    private String bare;
    private String serverFirst;
    private boolean loggedIn;

    Session(Socket client) throws IOException {
      in = client.getInputStream();
      out = client.getOutputStream();
    }

    void run() throws IOException, GeneralSecurityException {
      while (true) {
        byte[] header = in.readNBytes(16);
        if (header.length < 16) {
          return;
        }
        ByteBuffer fields = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
        int length = fields.getInt();
        int id = fields.getInt();
        if (fields.getInt(12) != OP_MSG || length > 65_536) {
          return;
        }
        byte[] body = in.readNBytes(length - 16);
        BsonDocument command = new RawBsonDocument(body, 5, body.length - 5);
        reply(id, answer(command));
      }
    }

    private BsonDocument answer(BsonDocument command) throws IOException, GeneralSecurityException {
      String name = command.getFirstKey();
      String database = command.getString("$db").getValue();
      commands.add(name + " " + database);
      return switch (name) {
        case "hello" -> setup.fault == Fault.OLD_NAMES ? error(COMMAND_NOT_FOUND) : hello(command);
        case "isMaster" -> hello(command);
        case "saslStart" -> begin(command, database);
        case "saslContinue" -> proceed(command);
        case "listCollections" -> {
          hangAt(Fault.MUTE_AT_DATABASE);
          yield listing(database);
        }
        case "ping" -> {
          hangAt(Fault.MUTE_AT_QUERY);
          yield ok();
        }
        default -> error(COMMAND_NOT_FOUND);
      };
    }

    private BsonDocument hello(BsonDocument command) throws IOException {
      hangAt(Fault.MUTE_AT_HELLO);
      if (setup.fault == Fault.SHUTTING_DOWN) {
        return error(SHUTDOWN_IN_PROGRESS);
      }
      BsonDocument answer = new BsonDocument("isWritablePrimary", BsonBoolean.TRUE);
      answer.append("maxWireVersion", new BsonInt32(21));
      // Members that no client of one host may go to.
      answer.append("hosts", new BsonArray(List.of(new BsonString("127.0.0.1:1"))));
      answer.append("primary", new BsonString("127.0.0.1:1"));
      String asked = command.getString("saslSupportedMechs", new BsonString("")).getValue();
      if (setup.passwords.containsKey(asked)) {
        BsonArray names = new BsonArray(List.of(new BsonString("SCRAM-SHA-1")));
        if (setup.fault != Fault.SHA_1_ONLY) {
          names.add(new BsonString("SCRAM-SHA-256"));
        }
        answer.append("saslSupportedMechs", names);
      }
      return answer.append("ok", new BsonDouble(1));
    }

    private BsonDocument begin(BsonDocument command, String database) throws IOException {
      hangAt(Fault.MUTE_AT_LOGIN);
      algorithm = command.getString("mechanism").getValue().replace("SCRAM-", "");
      if (setup.fault == Fault.SHA_1_ONLY && !algorithm.equals("SHA-1")) {
        return error(MECHANISM_UNAVAILABLE);
      }
      String first = payload(command);
      bare = first.substring("n,,".length());
      String[] parts = bare.split(",", -1);
      user = database + "." + parts[0].substring(2).replace("=2C", ",").replace("=3D", "=");
      if (!setup.passwords.containsKey(user)) {
        return error(AUTHENTICATION_FAILED);
      }
      int iterations =
          switch (setup.fault) {
            case MANY_ITERATIONS -> 50_000_000;
            case FEW_ITERATIONS -> 1;
            default -> 15_000;
          };
      serverFirst =
          (setup.fault == Fault.OTHER_NONCE ? "r=other" : parts[1])
              + "server,s="
              + Base64.getEncoder().encodeToString(SALT)
              + ",i="
              + iterations;
      return ok().append("conversationId", new BsonInt32(7))
          .append("done", BsonBoolean.FALSE)
          .append("payload", binary(serverFirst));
    }

    private BsonDocument proceed(BsonDocument command)
        throws IOException, GeneralSecurityException {
      hangAt(Fault.MUTE_AT_PROOF);
      if (command.getInt32("conversationId").getValue() != 7) {
        return error(AUTHENTICATION_FAILED);
      }
      String last = payload(command);
      if (loggedIn && last.isEmpty()) {
        return ok().append("conversationId", new BsonInt32(7))
            .append("done", BsonBoolean.TRUE)
            .append("payload", binary(""));
      }
      int cut = last.lastIndexOf(",p=");
      byte[] salted = salted(setup.passwords.get(user));
      byte[] clientKey = hmac(salted, "Client Key");
      byte[] storedKey = MessageDigest.getInstance(algorithm).digest(clientKey);
      String exchange = bare + "," + serverFirst + "," + last.substring(0, cut);
      byte[] proof = Base64.getDecoder().decode(last.substring(cut + 3));
      byte[] signature = hmac(storedKey, exchange);
      for (int i = 0; i < proof.length; i++) {
        proof[i] ^= signature[i];
      }
      boolean pretends = setup.fault == Fault.WRONG_SIGNATURE || setup.fault == Fault.NO_SIGNATURE;
      if (!pretends && !MessageDigest.isEqual(proof, clientKey)) {
        return error(AUTHENTICATION_FAILED);
      }
      loggedIn = true;
      byte[] own =
          hmac(
              hmac(salted, setup.fault == Fault.WRONG_SIGNATURE ? "Other Key" : "Server Key"),
              exchange);
      return ok().append("conversationId", new BsonInt32(7))
          .append("done", BsonBoolean.valueOf(setup.fault != Fault.EMPTY_EXCHANGE))
          .append(
              "payload",
              binary(
                  setup.fault == Fault.NO_SIGNATURE
                      ? ""
                      : "v=" + Base64.getEncoder().encodeToString(own)));
    }

    private BsonDocument listing(String database) {
      if (!setup.passwords.isEmpty()
          && (!loggedIn || !setup.readable.get(user).contains(database))) {
        return error(UNAUTHORIZED);
      }
      return ok().append(
              "cursor",
              new BsonDocument("id", new BsonInt64(0))
                  .append("ns", new BsonString(database + ".$cmd.listCollections"))
                  .append("firstBatch", new BsonArray()));
    }

    private byte[] salted(String password) throws GeneralSecurityException {
      boolean first = algorithm.equals("SHA-1");
      String secret =
          first
              ? HexFormat.of()
                  .formatHex(
                      MessageDigest.getInstance("MD5")
                          .digest(
                              (user.substring(user.indexOf('.') + 1) + ":mongo:" + password)
                                  .getBytes(StandardCharsets.UTF_8)))
              : password;
      return SecretKeyFactory.getInstance(first ? "PBKDF2WithHmacSHA1" : "PBKDF2WithHmacSHA256")
          .generateSecret(new PBEKeySpec(secret.toCharArray(), SALT, 15_000, first ? 160 : 256))
          .getEncoded();
    }

    private byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
      String name = algorithm.equals("SHA-1") ? "HmacSHA1" : "HmacSHA256";
      Mac mac = Mac.getInstance(name);
      mac.init(new SecretKeySpec(key, name));
      return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
    }

    private void hangAt(Fault phase) throws IOException {
      if (setup.fault == phase) {
        while (in.read() >= 0) {
          // Until the client gives up.
        }
        throw new EOFException();
      }
    }

    private void reply(int id, BsonDocument answer) throws IOException {
      byte[] document = setup.fault == Fault.DEEP ? deep() : encoded(answer);
      int length = 21 + document.length;
      ByteBuffer message = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
      message.putInt(
          switch (setup.fault) {
            case GIANT_LENGTH -> Integer.MAX_VALUE;
            case NEGATIVE_LENGTH -> -length;
            default -> length;
          });
      message.putInt(4711);
      message.putInt(setup.fault == Fault.OTHER_RESPONSE_TO ? id + 1 : id);
      message.putInt(setup.fault == Fault.OTHER_OPCODE ? 2012 : OP_MSG);
      message.putInt(0).put((byte) 0).put(document);
      if (setup.fault == Fault.OTHER_DOCUMENT_LENGTH) {
        message.putInt(21, document.length - 1);
      }
      out.write(message.array());
      out.flush();
    }
  }

  private static byte[] encoded(BsonDocument document) {
    ByteBuffer bytes =
        new RawBsonDocument(document, new BsonDocumentCodec()).getByteBuffer().asNIO();
    byte[] copy = new byte[bytes.remaining()];
    bytes.get(copy);
    return copy;
  }

  /** Each level takes a length, a type, an empty name and two ends. */
  private static byte[] deep() {
    int bytes = 60_000;
    ByteBuffer nested = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int left = bytes;
    while (left >= 2 * 7) {
      nested.putInt(left).put((byte) 3).put((byte) 'a').put((byte) 0);
      left -= 8;
    }
    nested.putInt(left);
    return nested.array();
  }

  private static BsonDocument ok() {
    return new BsonDocument("ok", new BsonDouble(1));
  }

  private static BsonDocument error(int code) {
    return new BsonDocument("ok", new BsonDouble(0))
        .append("errmsg", new BsonString("words-of-the-server"))
        .append("code", new BsonInt32(code));
  }

  private static BsonBinary binary(String text) {
    return new BsonBinary(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String payload(BsonDocument command) {
    return new String(command.getBinary("payload").getData(), StandardCharsets.UTF_8);
  }
}
