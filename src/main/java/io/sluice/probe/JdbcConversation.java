package io.sluice.probe;

import io.sluice.drivers.Driver;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import java.io.EOFException;
import java.io.IOException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Optional;
import java.util.OptionalInt;
import javax.net.ssl.SSLException;

/** The conversation by way of a JDBC driver: TLS, login, database, one query of one row. */
final class JdbcConversation implements Conversation {
  private final TestRun run;
  private final Login login;
  private final java.sql.Driver jdbc;
  private final JdbcCall call;
  private Relay relay;

  JdbcConversation(TestRun run, Login login, java.sql.Driver jdbc, JdbcCall call) {
    this.run = run;
    this.login = login;
    this.jdbc = jdbc;
    this.call = call;
  }

  /** From the connected socket to one row. */
  @Override
  public void hold() throws TestEnded {
    run.begin(run.connection().tls() == null ? Name.LOGIN : Name.TLS);
    run.bind();
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    // Drivers look for their own resources there.
    thread.setContextClassLoader(jdbc.getClass().getClassLoader());
    java.sql.Connection database = null;
    try {
      database = connect();
      if (database == null) {
        throw run.fail(Reason.INTERNAL, null, null);
      }
      run.requireTls();
      boolean lazy = run.driver().lazy();
      if (!lazy) {
        loggedIn();
        run.begin(Name.QUERY);
      }
      Optional<String> option = optionToLookFor();
      String query =
          option
              .map(name -> run.driver().options().get(name).existence())
              .orElse(run.driver().validationQuery());
      boolean found;
      try (Statement statement = database.createStatement();
          ResultSet row = statement.executeQuery(query)) {
        if (!row.next()) {
          throw run.fail(Reason.PROTOCOL_MISMATCH, null, null);
        }
        found = row.getString(1) != null;
      }
      if (option.isPresent() && !found) {
        run.journal().fail(Name.DATABASE, notFound(option.get()));
        return;
      }
      if (lazy) {
        loggedIn();
        run.journal().passAlong(Name.QUERY);
      } else {
        run.pass(null);
      }
      run.journal().succeed();
    } catch (SQLException | IOException | RuntimeException | Error e) {
      diagnose(e);
    } finally {
      run.finish();
      close(database);
      thread.setContextClassLoader(before);
      TestRun.unbind();
    }
  }

  /** An option of which the driver's descriptor knows how to ask whether it names anything. */
  private Optional<String> optionToLookFor() {
    return run.connection().options().keySet().stream()
        .filter(name -> run.driver().options().get(name).existence() != null)
        .findFirst();
  }

  private static Failure notFound(String option) {
    return new Failure(
            Reason.DATABASE_NOT_FOUND,
            null,
            "Check the spelling of options." + option + ", or create it in this database.")
        .saying("The database has no " + option + " of this name.")
        .inOption(option);
  }

  private void loggedIn() throws TestEnded {
    login.accepted();
    if (run.traffic().redirects()) {
      // The driver is told not to go there, but whoever uses these settings later would.
      throw run.fail(Reason.REDIRECT_REFUSED, null, null);
    }
    run.pass(null);
    run.journal().passAlong(Name.DATABASE);
  }

  private java.sql.Connection connect() throws SQLException, IOException, TestEnded {
    if (!run.driver().relayed()) {
      return call.connect(jdbc);
    }
    relay = Relay.open(run, jdbc.getClass().getClassLoader());
    return call.through(relay.port()).connect(jdbc);
  }

  private void close(java.sql.Connection database) {
    if (database != null) {
      run.beginClose();
      try {
        database.close();
      } catch (SQLException | RuntimeException e) {
        // The answer is given; the raw socket is closed next.
      }
    }
  }

  /** Says what a driver's exception means. Its text is never used: it may quote the peer. */
  private void diagnose(Throwable e) {
    Name at = run.journal().current();
    TlsOutcome tls = run.tlsOutcome();
    if (run.redirected()) {
      run.journal().fail(at, Reason.REDIRECT_REFUSED, null, null);
      return;
    }
    TdsBreach breach = Diagnosis.cause(e, TdsBreach.class);
    if (breach != null) {
      run.journal().fail(at, breach.reason(), null, breach.hint());
      return;
    }
    if (tls.reason() != null) {
      run.journal().fail(Name.TLS, tls.reason(), tls.field(), tls.hint());
      return;
    }
    if (at == Name.TLS && answersWithoutTls()) {
      run.journal().fail(Name.TLS, Reason.TLS_NOT_OFFERED, null, null);
      return;
    }
    if (run.traffic().overflowed() || run.hearsAnotherProtocol()) {
      run.journal().fail(at, Reason.PROTOCOL_MISMATCH, null, null);
      return;
    }
    Optional<Driver.ErrorRule> rule = rule(e);
    if (rule.isPresent()) {
      Driver.ErrorRule found = rule.get();
      if (found.reason() == Reason.PROTOCOL_MISMATCH && noPasswordToGive()) {
        run.journal()
            .fail(
                Name.LOGIN,
                Reason.AUTH_FAILED,
                Field.PASSWORD,
                "The server asks for a password, and none is set.");
        return;
      }
      Diagnosis.ruled(run, found, null, null, login, run.traffic().credentialsAsked());
      return;
    }
    OptionalInt status = relay == null ? OptionalInt.empty() : relay.httpStatus();
    if (status.isPresent() && !brokeOff(relay.failure())) {
      diagnoseHttp(at, status.getAsInt());
    } else if (run.traffic().received() == 0 && (relay == null || relay.failure() == null)) {
      diagnoseSilence(at, e);
    } else {
      diagnoseBreak(at, relay == null || relay.failure() == null ? e : relay.failure());
    }
  }

  /** Whether it was not the server that ended the connection in good order. */
  private static boolean brokeOff(IOException failure) {
    return failure != null && !(failure instanceof EOFException);
  }

  /** An answer over HTTP of which the driver can make nothing and for which there is no rule. */
  private void diagnoseHttp(Name at, int status) {
    if (status >= 500) {
      run.journal().fail(at, Reason.UNREACHABLE, null, Diagnosis.ownError(status));
    } else {
      String refused =
          "The driver's request was refused with HTTP status "
              + status
              + ". Check that this is a port of "
              + run.driver().title()
              + ", and no proxy that wants a login of its own.";
      run.journal().fail(at, Reason.PROTOCOL_MISMATCH, null, status < 300 ? null : refused);
    }
  }

  /** The driver has given up while the server was still there and had not said a word. */
  private void diagnoseSilence(Name at, Throwable e) {
    if (relay == null ? Diagnosis.timedOut(e) : relay.used()) {
      // By a timer of the driver's own, since a server that hangs up would be known.
      run.journal().fail(at, Reason.TIMEOUT, null, run.silence(at));
    } else if (relay != null) {
      run.journal()
          .fail(
              at,
              Reason.DRIVER_UNSUPPORTED,
              null,
              "The driver gave up before it asked the server anything: it does not take these"
                  + " settings, or its jar does not work here.");
    } else {
      diagnoseBreak(at, e);
    }
  }

  /** Asked for a password that it was not given, this driver ends the login by itself. */
  private boolean noPasswordToGive() {
    return run.driver().family() == Driver.Family.POSTGRESQL
        && run.journal().current() == Name.LOGIN
        && run.connection().password() == null
        && run.traffic().credentialsAsked();
  }

  /** Whether a server that should have begun with TLS speaks the database's protocol instead. */
  private boolean answersWithoutTls() {
    return run.driver().tls() == Driver.Tls.IMPLICIT
        && !run.traffic().looksLike(run.greeting())
        && run.traffic().looksLike(run.driver().greeting());
  }

  private void diagnoseBreak(Name at, Throwable e) {
    if (run.traffic().received() == 0 && run.driver().family().answers()) {
      // A database answers what it does not understand; whoever hangs up is none, or has none now.
      run.journal().fail(at, new Failure(Reason.PROTOCOL_MISMATCH, null, closed()).perhapsLater());
      return;
    }
    SSLException alert = Diagnosis.cause(e, SSLException.class);
    if (at == Name.TLS) {
      Diagnosis.tls(run, e);
    } else if (run.connection().tls() != null
        && ((alert != null && !Diagnosis.cut(alert)) || cutAfterOurCertificate(at, e))) {
      // TLS 1.3 refuses a client's certificate after the client thinks it is through.
      run.journal().fail(Name.TLS, Reason.TLS_CLIENT_CERT_REFUSED, null, null);
    } else if (Diagnosis.cause(e, IOException.class) != null) {
      run.journal()
          .fail(at, Reason.UNREACHABLE, null, run.traffic().received() == 0 ? closed() : null);
    } else if (at == Name.LOGIN && e instanceof SQLException sql) {
      diagnoseUnknown(sql);
    } else if (e instanceof SQLException) {
      run.journal().fail(at, Reason.PERMISSION_DENIED, null, null);
    } else {
      run.journal().fail(at, Reason.PROTOCOL_MISMATCH, null, null);
    }
  }

  private String closed() {
    return "The connection was closed without an answer. Check that this is a port of "
        + run.driver().title()
        + "; a proxy whose database is down does the same.";
  }

  /** The alert is lost where the server closes while the login is already being written. */
  private boolean cutAfterOurCertificate(Name at, Throwable e) {
    return at == Name.LOGIN
        && run.connection().tls().certificate() != null
        && Diagnosis.cause(e, IOException.class) != null;
  }

  /** The descriptor's rule for what the server said, or for what the driver refused by itself. */
  private Optional<Driver.ErrorRule> rule(Throwable e) {
    for (Throwable each = e; each != null; each = each.getCause()) {
      // Without a number of the server's it may be the driver's report of a cut, or of a TLS
      // handshake that never began.
      boolean numbered = each instanceof SQLException sql && sql.getErrorCode() != 0;
      if (!numbered && (Diagnosis.cause(each, IOException.class) != null || handshaking())) {
        continue;
      }
      if (each instanceof SQLException sql) {
        Optional<Driver.ErrorRule> rule =
            run.driver().rule(sql.getErrorCode(), sql.getSQLState(), run.circumstances());
        if (rule.isPresent()) {
          return rule;
        }
      }
    }
    return Optional.empty();
  }

  private boolean handshaking() {
    return run.journal().current() == Name.TLS;
  }

  /** The end of a login for which the driver's descriptor has no rule. */
  private void diagnoseUnknown(SQLException e) {
    String state = e.getSQLState();
    if (state == null ? e.getErrorCode() == 0 : state.startsWith("08")) {
      // Class 08 is about the connection (ISO 9075); no code at all is the driver's own.
      run.journal()
          .fail(
              Name.LOGIN,
              Reason.PROTOCOL_MISMATCH,
              null,
              "Server and driver do not agree on how to log in.");
    } else {
      Diagnosis.unknownLoginEnd(run);
    }
  }
}
