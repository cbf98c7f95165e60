package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.apply.Outcome;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Connection;
import io.sluice.model.Intake;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.model.Update;
import io.sluice.probe.Prober;
import io.sluice.probe.Tested;
import io.sluice.store.DataSources;
import io.sluice.store.Statement;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * Tests that keep nothing: of settings that are sent, and of what is stored. Contract section 1.
 */
public final class Trials {
  private static final String ONLY = "only";

  private final DataSources dataSources;
  private final Answers answers;
  private final ObjectMapper json;

  /** */
  public Trials(DataSources dataSources, Answers answers, ObjectMapper json) {
    this.dataSources = dataSources;
    this.answers = answers;
    this.json = json;
  }

  /** {@code POST /datasources/test}: a new data source that is not kept. */
  public void trial(
      @Body Update update,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      Exchange exchange) {
    extent(request, exchange);
    // An id of its own: a trial meets no stored data source, whatever id its body names.
    NativeApi.submit(
        exchange,
        Intake.HTTP,
        caller,
        Operation.CREATE,
        UUID.randomUUID().toString(),
        update,
        null,
        true,
        false);
  }

  /** {@code ?only=tunnel}: how far a test is to go; {@code ?force=true}: whatever was refused. */
  private static void extent(HttpRequest request, Exchange exchange) {
    Query query = new Query(request, Set.of(ONLY, NativeApi.FORCE));
    boolean tunnel = query.word(ONLY, Set.of("tunnel")) != null;
    exchange.setProperty(Prober.FORCED, query.flag(NativeApi.FORCE));
    query.check();
    exchange.setProperty(
        Prober.Extent.PROPERTY, tunnel ? Prober.Extent.TUNNEL : Prober.Extent.WHOLE);
  }

  /** 200 with the report of a test that passed. */
  public HttpAnswer tested(@Body Outcome outcome) {
    return answers.ok(json.valueToTree(outcome.report()));
  }

  /** {@code POST /datasources/{id}/test}: asks the store for what is to be tested. */
  public Statement find(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path,
      Exchange exchange) {
    extent(request, exchange);
    return NativeApi.byId("find-data-source", caller, path);
  }

  /** The connection that is stored. */
  public Connection stored(
      @Body List<Map<String, Object>> rows, @ExchangeProperty(Caller.PROPERTY) Caller caller) {
    return dataSources
        .one(caller.workspace(), rows)
        .map(dataSource -> Connection.of(dataSource.settings()))
        .orElseThrow(NativeApi::noSuchDataSource);
  }

  /** 200 with the report, or the failure with it. */
  public HttpAnswer testedStored(@Body Tested tested) {
    Report report = tested.report();
    if (!report.passed()) {
      throw Refusal.ofTest(report);
    }
    return answers.ok(json.valueToTree(report));
  }
}
