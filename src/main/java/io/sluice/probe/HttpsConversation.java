package io.sluice.probe;

import io.sluice.drivers.Driver;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import java.io.IOException;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** The conversation with a cloud service: TLS, then what the service's library says over HTTP. */
final class HttpsConversation implements Conversation {
  private final TestRun run;
  private final NetworkPath path;
  private final Login login;
  private final CloudService service;

  HttpsConversation(TestRun run, NetworkPath path, Login login, CloudService service) {
    this.run = run;
    this.path = path;
    this.login = login;
    this.service = service;
  }

  @Override
  public void hold() throws TestEnded {
    run.begin(Name.TLS);
    HttpsClient https = new HttpsClient(run, path, service.others(run.connection()));
    try {
      https.greet();
      service.talk(run, https, login);
      run.journal().succeed();
    } catch (ServiceError e) {
      refused(e);
    } catch (IOException | RuntimeException | LinkageError | StackOverflowError e) {
      diagnose(e, https);
    } finally {
      run.finish();
    }
  }

  private void refused(ServiceError e) {
    Name at = run.journal().current();
    Optional<Driver.ErrorRule> rule =
        e.codes().stream().flatMap(code -> run.driver().rule(code).stream()).findFirst();
    if (rule.isPresent()) {
      Diagnosis.ruled(run, rule.get(), e.field(), e.hint(), login, true);
    } else if (e.status() >= 500) {
      run.journal().fail(at, Reason.UNREACHABLE, null, Diagnosis.ownError(e.status()));
    } else if (e.codes().isEmpty()) {
      // Every error of these services has a code: something else answers.
      run.journal().fail(at, Reason.PROTOCOL_MISMATCH, null, null);
    } else if (at == Name.LOGIN) {
      Diagnosis.unknownLoginEnd(run);
    } else {
      run.journal().fail(at, Reason.PERMISSION_DENIED, null, null);
    }
  }

  /** Says what an exception means. Its text is never used: it may quote the peer. */
  private void diagnose(Throwable e, HttpsClient https) {
    Name at = run.journal().current();
    TlsOutcome tls = run.tlsOutcome();
    Obstacle obstacle = Diagnosis.cause(e, Obstacle.class);
    if (obstacle != null) {
      obstacle.end(run);
    } else if (Diagnosis.cause(e, HttpsClient.Elsewhere.class) != null) {
      run.journal().fail(at, Reason.REDIRECT_REFUSED, null, null);
    } else if (tls.reason() != null) {
      run.journal().fail(Name.TLS, tls.reason(), tls.field(), tls.hint());
    } else if (run.traffic().overflowed()
        || !run.traffic().looksLike(run.greeting())
        || Diagnosis.cause(e, HttpsClient.NoAnswer.class) != null) {
      run.journal().fail(at, Reason.PROTOCOL_MISMATCH, null, null);
    } else if (at == Name.TLS) {
      Diagnosis.tls(run, e);
    } else if (run.connection().tls().certificate() != null
        && Diagnosis.cause(e, SSLException.class) != null) {
      // TLS 1.3 refuses a client's certificate after the client thinks it is through.
      run.journal().fail(Name.TLS, Reason.TLS_CLIENT_CERT_REFUSED, null, null);
    } else if (https.cut()) {
      run.journal().fail(at, Reason.UNREACHABLE, null, null);
    } else {
      // The library cannot make sense of the answer.
      run.journal().fail(at, Reason.PROTOCOL_MISMATCH, null, null);
    }
  }
}
