package io.sluice.probe;

import io.sluice.drivers.Driver;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.sql.SQLTimeoutException;
import javax.net.ssl.SSLException;

/** What every kind of conversation reads from an exception in the same way. */
final class Diagnosis {
  private Diagnosis() {}

  /** The first of a type in a chain of causes; null when there is none. */
  static <T extends Throwable> T cause(Throwable e, Class<T> type) {
    for (Throwable each = e; each != null; each = each.getCause()) {
      if (type.isInstance(each) && !(each instanceof InterruptedIOException)) {
        return type.cast(each);
      }
    }
    return null;
  }

  /** Whether a timer of a library's own has ended the wait for an answer. */
  static boolean timedOut(Throwable e) {
    for (Throwable each = e; each != null; each = each.getCause()) {
      if (each instanceof SocketTimeoutException || each instanceof SQLTimeoutException) {
        return true;
      }
    }
    return false;
  }

  /**
   * Ends the test with what the driver's file says of the server's error, at the current step at
   * the earliest. Refused credentials are remembered.
   *
   * @param field the field to look at; null: the rule's own
   * @param hint what to do about it; null: the rule's own
   * @param credentialsSent whether the server has had the credentials before it
   */
  static void ruled(
      TestRun run,
      Driver.ErrorRule rule,
      Field field,
      String hint,
      Conversation.Login login,
      boolean credentialsSent) {
    Name at = run.journal().current();
    // What the watchdog has ended as timed out was not refused, whatever the driver makes of it.
    boolean stands =
        run.journal()
            .fail(
                rule.step().compareTo(at) < 0 ? at : rule.step(),
                rule.reason(),
                field == null ? rule.field() : field,
                hint == null ? rule.hint() : hint);
    if (stands && rule.lockout() && credentialsSent) {
      login.refused();
    }
  }

  /**
   * Ends the test at a login that the server has refused with an error for which the driver's file
   * has no rule. Only a rule knows that it was the credentials, so this neither says so nor counts
   * towards a lock-out.
   */
  static void unknownLoginEnd(TestRun run) {
    run.journal()
        .fail(
            Name.LOGIN,
            Reason.PROTOCOL_MISMATCH,
            null,
            "The server ended the login for a reason that is not known here; its own log names it.");
  }

  /** The hint for a service that is reached, but answers that it cannot serve. */
  static String ownError(int httpStatus) {
    return "The service answers with an error of its own (HTTP status "
        + httpStatus
        + "): try again, and look at its status or at the proxy in front of it.";
  }

  /** Ends the test at the step {@code tls}, where the hooks have noted no reason of their own. */
  static void tls(TestRun run, Throwable e) {
    SSLException alert = cause(e, SSLException.class);
    boolean started = run.tlsOutcome().started();
    if (!started && cause(e, IOException.class) == null) {
      run.journal().fail(Name.TLS, Reason.TLS_NOT_OFFERED, null, null);
    } else if (run.tlsOutcome().serverVerified()
        && run.connection().tls().certificate() != null
        && cause(e, IOException.class) != null) {
      // What is left of the handshake is the client's certificate. Its refusal often shows as a
      // cut only: the server closes while the rest of the handshake is still being written.
      run.journal().fail(Name.TLS, Reason.TLS_CLIENT_CERT_REFUSED, null, null);
    } else if (!started || alert == null || cut(alert) || run.traffic().received() == 0) {
      run.journal().fail(Name.TLS, Reason.UNREACHABLE, null, null);
    } else if (alert.getMessage() != null && alert.getMessage().contains("certificate")) {
      // The JDK's own words for an alert that the server sent (RFC 8446 section 6.2).
      run.journal().fail(Name.TLS, Reason.TLS_CLIENT_CERT_REFUSED, null, null);
    } else {
      run.journal()
          .fail(
              Name.TLS,
              Reason.PROTOCOL_MISMATCH,
              Field.SSL,
              "Client and server share no version or cipher of TLS 1.2 or newer.");
    }
  }

  /** Whether the JDK's exception only wraps that of a connection that broke. */
  static boolean cut(SSLException alert) {
    for (Throwable each = alert.getCause(); each != null; each = each.getCause()) {
      if (each instanceof IOException && !(each instanceof SSLException)) {
        return true;
      }
    }
    return false;
  }
}
