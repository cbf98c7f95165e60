package io.sluice.probe;

import com.ongres.scram.client.ScramClient;
import com.ongres.scram.common.StringPreparation;
import com.ongres.scram.common.exception.ScramException;
import com.ongres.scram.common.exception.ScramInvalidServerSignatureException;
import io.sluice.drivers.Driver;
import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.bson.BsonArray;
import org.bson.BsonBinary;
import org.bson.BsonBoolean;
import org.bson.BsonDocument;
import org.bson.BsonInt32;
import org.bson.BsonString;
import org.bson.BsonValue;

/**
 * The conversation with MongoDB, and with what speaks its protocol: TLS from the first byte, {@code
 * hello}, a login by SCRAM (RFC 5802, RFC 7677; MongoDB's "Authentication" specification of
 * drivers), the names of a database's collections, {@code ping}.
 *
 * <p>Not the maker's driver: that one opens connections of its own to watch the servers, and goes
 * to every member that one of them names. Here nothing but the one checked socket is used, and what
 * the server says of other members is not read.
 */
final class MongoConversation implements Conversation {
  /** The option that names the database in which the user is defined. */
  static final String AUTH_SOURCE = "authSource";

  private static final String AUTH_MECHANISM = "authMechanism";
  private static final String ADMIN = "admin";
  private static final String SCRAM_SHA_256 = "SCRAM-SHA-256";
  private static final String SCRAM_SHA_1 = "SCRAM-SHA-1";

  /** Below it a captured login is too easy to guess from (RFC 7677 section 4). */
  private static final int MIN_ITERATIONS = 4096;

  /** What a server may ask of this machine's processor: a tenth of a second. */
  private static final int MAX_ITERATIONS = 100_000;

  private static final int COMMAND_NOT_FOUND = 59;
  private static final int UNAUTHORIZED = 13;

  private final TestRun run;
  private final Login login;
  private final Connection connection;
  private MongoWire wire;
  private boolean credentialsSent;

  MongoConversation(TestRun run, Login login) {
    this.run = run;
    this.login = login;
    this.connection = run.connection();
  }

  /**
   * @throws Refusal naming the field when the settings cannot be tested at all
   */
  static void check(Driver driver, Connection connection) {
    connection.options().forEach((name, value) -> JdbcCall.allowed(driver, name, value));
    if (connection.database() != null
        && !driver.database().matcher(connection.database()).matches()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD,
          Field.DATABASE.wireName(),
          "No database of MongoDB can have this name.");
    }
    if (connection.username() != null && connection.password() == null) {
      throw missing(Field.PASSWORD);
    }
    if (connection.username() == null && connection.password() != null) {
      throw missing(Field.USERNAME);
    }
  }

  private static Refusal missing(Field field) {
    return Refusal.ofField(
        Reason.MISSING_FIELD,
        field.wireName(),
        "Send username and password, or none of them to a server without access control.");
  }

  /** Where the user is defined, as far as a sender says. */
  static String authSource(Connection connection) {
    return connection.options().getOrDefault(AUTH_SOURCE, ADMIN);
  }

  @Override
  public void hold() throws TestEnded {
    run.begin(connection.tls() == null ? Name.LOGIN : Name.TLS);
    try {
      Socket socket = run.takeSocket();
      if (connection.tls() != null) {
        SSLSocket secured = VerifiedTls.over(socket, run);
        secured.startHandshake();
        VerifiedTls.passed(secured.getSession(), run);
        socket = secured;
      }
      run.requireTls();
      wire = new MongoWire(socket.getInputStream(), socket.getOutputStream());
      talk();
      run.journal().succeed();
    } catch (MongoWire.Refused e) {
      refused(e);
    } catch (IOException | ScramException | RuntimeException | StackOverflowError e) {
      diagnose(e);
    } finally {
      run.finish();
    }
  }

  private void talk() throws IOException, ScramException, MongoWire.Refused, TestEnded {
    BsonDocument hello = hello();
    if (connection.username() == null) {
      enterWithoutLogin();
    } else {
      logIn(mechanism(hello));
      login.accepted();
    }
    run.pass(null);
    if (connection.database() == null) {
      run.journal().passAlong(Name.DATABASE);
    } else {
      run.begin(Name.DATABASE);
      lookInto(connection.database());
      run.pass(null);
    }
    run.begin(Name.QUERY);
    wire.command(
        connection.database() == null ? ADMIN : connection.database(),
        new BsonDocument(run.driver().validationQuery(), new BsonInt32(1)));
    run.pass(null);
  }

  private BsonDocument hello() throws IOException, MongoWire.Refused {
    try {
      return hello("hello");
    } catch (MongoWire.Refused e) {
      if (e.code() != COMMAND_NOT_FOUND) {
        throw e;
      }
      // Its name until MongoDB 4.4.
      return hello("isMaster");
    }
  }

  private BsonDocument hello(String name) throws IOException, MongoWire.Refused {
    BsonDocument command = new BsonDocument(name, new BsonInt32(1));
    if (connection.username() != null) {
      command.append(
          "saslSupportedMechs",
          new BsonString(authSource(connection) + "." + connection.username()));
    }
    BsonDocument client = new BsonDocument();
    client.append("application", new BsonDocument("name", new BsonString("sluice")));
    client.append(
        "driver",
        new BsonDocument("name", new BsonString("sluice")).append("version", new BsonString("1")));
    client.append("os", new BsonDocument("type", new BsonString("unknown")));
    command.append("client", client);
    BsonDocument answer = wire.command(ADMIN, command);
    if (MongoWire.number(answer, "maxWireVersion") == 0) {
      throw new MongoWire.Malformed("Every server that knows this message names its versions.");
    }
    return answer;
  }

  /** The stronger one, unless the user can only have the other. */
  private String mechanism(BsonDocument hello) {
    String asked = connection.options().get(AUTH_MECHANISM);
    if (asked != null) {
      return asked;
    }
    BsonValue offered = hello.get("saslSupportedMechs");
    boolean weakerOnly = false;
    if (offered != null && offered.isArray()) {
      BsonArray names = offered.asArray();
      weakerOnly =
          names.contains(new BsonString(SCRAM_SHA_1))
              && !names.contains(new BsonString(SCRAM_SHA_256));
    }
    return weakerOnly ? SCRAM_SHA_1 : SCRAM_SHA_256;
  }

  private void logIn(String mechanism)
      throws IOException, ScramException, MongoWire.Refused, TestEnded {
    boolean strong = mechanism.equals(SCRAM_SHA_256);
    StringPreparation preparation =
        strong ? StringPreparation.SASL_PREPARATION : StringPreparation.NO_PREPARATION;
    char[] password = password(strong);
    try {
      preparation.normalize(password);
    } catch (IllegalArgumentException e) {
      throw run.fail(
          Reason.AUTH_FAILED,
          Field.PASSWORD,
          "The password has a character that SASLprep (RFC 4013) does not allow, so no user can"
              + " have it.");
    }
    ScramClient scram =
        ScramClient.builder()
            .advertisedMechanisms(List.of(mechanism))
            .username(connection.username())
            .password(password)
            .stringPreparation(preparation)
            .build();
    BsonDocument start = new BsonDocument("saslStart", new BsonInt32(1));
    start.append("mechanism", new BsonString(mechanism));
    start.append("payload", payload(scram.clientFirstMessage().toString()));
    start.append("autoAuthorize", new BsonInt32(1));
    start.append("options", new BsonDocument("skipEmptyExchange", BsonBoolean.TRUE));
    credentialsSent = true;
    BsonDocument first = wire.command(authSource(connection), start);
    int iterations = scram.serverFirstMessage(payload(first)).getIterationCount();
    if (iterations < MIN_ITERATIONS || iterations > MAX_ITERATIONS) {
      throw run.fail(
          Reason.PROTOCOL_MISMATCH,
          null,
          "The server asks for a login with fewer than "
              + MIN_ITERATIONS
              + " or more than "
              + MAX_ITERATIONS
              + " iterations of SCRAM (scramIterationCount, scramSHA256IterationCount).");
    }
    BsonValue id = first.get("conversationId");
    BsonDocument last = proceed(id, scram.clientFinalMessage().toString());
    try {
      scram.serverFinalMessage(payload(last));
    } catch (ScramInvalidServerSignatureException e) {
      throw run.fail(
          Reason.PROTOCOL_MISMATCH,
          Field.HOST,
          "The server took the login without a proof that it knows the password: it may not be the"
              + " one that it seems to be.");
    }
    if (!done(last) && !done(proceed(id, ""))) {
      throw new MongoWire.Malformed("The login has no end.");
    }
  }

  private BsonDocument proceed(BsonValue id, String payload) throws IOException, MongoWire.Refused {
    BsonDocument next = new BsonDocument("saslContinue", new BsonInt32(1));
    next.append("conversationId", id);
    next.append("payload", payload(payload));
    return wire.command(authSource(connection), next);
  }

  private static boolean done(BsonDocument answer) {
    return answer.getBoolean("done", BsonBoolean.FALSE).getValue();
  }

  private static BsonBinary payload(String text) {
    return new BsonBinary(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String payload(BsonDocument answer) {
    return new String(answer.getBinary("payload").getData(), StandardCharsets.UTF_8);
  }

  /** The weaker mechanism was introduced over the digests that servers had stored before it. */
  private char[] password(boolean strong) {
    String password = connection.password().reveal();
    if (strong) {
      return password.toCharArray();
    }
    try {
      byte[] digest =
          MessageDigest.getInstance("MD5")
              .digest(
                  (connection.username() + ":mongo:" + password).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest).toCharArray();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every JVM has MD5.", e);
    }
  }

  /** A server with access control greets and answers pings without a login, but no more. */
  private void enterWithoutLogin() throws IOException, MongoWire.Refused, TestEnded {
    try {
      lookInto(connection.database() == null ? ADMIN : connection.database());
    } catch (MongoWire.Refused e) {
      if (e.code() != UNAUTHORIZED) {
        throw e;
      }
      throw run.fail(
          Reason.AUTH_FAILED,
          Field.USERNAME,
          "The server asks for a login: send username and password.");
    }
  }

  /**
   * A question that needs any right in the database. It is for one name, as all of them could be
   * many, and a list that is not read to its end stays open at the server.
   */
  private void lookInto(String database) throws IOException, MongoWire.Refused {
    BsonDocument command = new BsonDocument("listCollections", new BsonInt32(1));
    command.append("filter", new BsonDocument("name", new BsonString("sluice")));
    command.append("nameOnly", BsonBoolean.TRUE);
    command.append("authorizedCollections", BsonBoolean.TRUE);
    wire.command(database, command);
  }

  private void refused(MongoWire.Refused e) {
    Name at = run.journal().current();
    Optional<Driver.ErrorRule> rule = run.driver().rule(e.code(), null, run.circumstances());
    if (rule.isPresent()) {
      Diagnosis.ruled(run, rule.get(), null, null, login, credentialsSent);
    } else if (at != Name.LOGIN) {
      run.journal().fail(at, Reason.PERMISSION_DENIED, null, null);
    } else {
      Diagnosis.unknownLoginEnd(run);
    }
  }

  /** Says what an exception means. Its text is never used: it may quote the peer. */
  private void diagnose(Throwable e) {
    Name at = run.journal().current();
    TlsOutcome tls = run.tlsOutcome();
    SSLException alert = Diagnosis.cause(e, SSLException.class);
    boolean answered = wire != null && wire.answered();
    if (tls.reason() != null) {
      run.journal().fail(Name.TLS, tls.reason(), tls.field(), tls.hint());
    } else if (at == Name.TLS) {
      diagnoseHandshake(e);
    } else if (!run.traffic().looksLike(run.greeting()) && run.traffic().startsLikeTls()) {
      run.journal()
          .fail(
              at, Reason.PROTOCOL_MISMATCH, Field.SSL, "The server speaks TLS: send ssl as true.");
    } else if (run.traffic().overflowed()
        || !run.traffic().looksLike(run.greeting())
        || !(e instanceof IOException)
        || e instanceof MongoWire.Malformed) {
      run.journal().fail(at, Reason.PROTOCOL_MISMATCH, null, null);
    } else if (connection.tls() != null
        && !answered
        && ((alert != null && !Diagnosis.cut(alert)) || connection.tls().certificate() != null)) {
      // TLS 1.3 refuses a client's certificate after the client thinks it is through.
      run.journal().fail(Name.TLS, Reason.TLS_CLIENT_CERT_REFUSED, null, null);
    } else {
      run.journal().fail(at, Reason.UNREACHABLE, null, answered ? null : silentEnd());
    }
  }

  private String silentEnd() {
    return "The server closed the connection without an answer: it has no free connection, or is no "
        + run.driver().title()
        + (connection.tls() == null
            ? ", or takes TLS only (send ssl as true)."
            : ", or asks for another client's certificate.");
  }

  private void diagnoseHandshake(Throwable e) {
    Traffic traffic = run.traffic();
    if (traffic.received() == 0 && Diagnosis.cause(e, IOException.class) != null) {
      run.journal()
          .fail(
              Name.TLS,
              Reason.TLS_NOT_OFFERED,
              null,
              "The server closed the connection at the first word of TLS, as one without TLS does;"
                  + " one without a free connection does the same.");
    } else if (traffic.received() > 0 && !traffic.looksLike(run.greeting())) {
      run.journal()
          .fail(
              Name.TLS,
              traffic.looksLike(run.driver().greeting())
                  ? Reason.TLS_NOT_OFFERED
                  : Reason.PROTOCOL_MISMATCH,
              null,
              null);
    } else {
      Diagnosis.tls(run, e);
    }
  }
}
