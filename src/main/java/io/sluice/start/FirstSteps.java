package io.sluice.start;

import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.secrets.FirstToken;
import io.sluice.secrets.FirstToken.Origin;
import io.sluice.secrets.Scope;
import io.sluice.start.embedded.EmbeddedStore;
import io.sluice.store.Statement;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What happens right after the start: the first token is in force, the development profile has
 * something to play with, and the operator reads where everything is.
 */
final class FirstSteps {
  private static final Logger LOG = LoggerFactory.getLogger(FirstSteps.class);
  private static final List<String> SAMPLES = List.of("demo", "1767024000003890005");

  private final CamelContext camel;
  private final Wiring.Started started;
  private final Runnable open;
  private boolean tokenInForce;

  /**
   * @param open is run when the service may call itself ready
   */
  FirstSteps(CamelContext camel, Wiring.Started started, Runnable open) {
    this.camel = camel;
    this.started = started;
    this.open = open;
  }

  void take(PrintStream out) {
    Configuration configuration = started.configuration();
    try (ProducerTemplate routes = camel.createProducerTemplate()) {
      List<?> inForce =
          (List<?>)
              routes.requestBody(
                  "direct:store",
                  Statement.named("first-rows")
                      .with("org", configuration.org())
                      .with("workspace", configuration.workspace())
                      .with("hash", started.tokenHash())
                      .with("scopes", Scope.format(List.of(Scope.values())))
                      .with("replace", started.token().origin() == Origin.ENVIRONMENT));
      tokenInForce = !inForce.isEmpty();
      if (started.store().target() != null) {
        createSamples(routes, configuration.workspace());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (!tokenInForce) {
      LOG.atWarn()
          .log(
              "The token in {} gives no access: the first token of this store is another one, or was"
                  + " withdrawn. To replace that one, start with another SLUICE_TOKEN.",
              started.token().origin() == Origin.ENVIRONMENT
                  ? "SLUICE_TOKEN"
                  : configuration.data().resolve("token"));
    }
    open.run();
    greet(out);
  }

  /** Through the gate, as everybody else: tested, stored, announced. */
  private void createSamples(ProducerTemplate routes, String workspace) {
    List<?> rows =
        (List<?>)
            routes.requestBody(
                "direct:store",
                Statement.named("count-data-sources")
                    .with("workspace", workspace)
                    .with("driver", null)
                    .with("host", null)
                    .with("status", null));
    if (((Number) ((Map<?, ?>) rows.get(0)).get("count")).longValue() > 0) {
      return;
    }
    EmbeddedStore.Target target = started.store().target();
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    changes.put(Field.DRIVER, new Change.Set("postgresql"));
    changes.put(Field.HOST, new Change.Set(target.host()));
    changes.put(Field.PORT, new Change.Set(target.port()));
    changes.put(Field.DATABASE, new Change.Set(target.database()));
    changes.put(Field.USERNAME, new Change.Set(target.user()));
    changes.put(Field.PASSWORD, new Change.Replace(target.password()));
    for (String id : SAMPLES) {
      Exchange done =
          routes.send(
              "direct:apply-update",
              exchange ->
                  exchange.setProperty(
                      Submission.PROPERTY,
                      new Submission(
                          UUID.randomUUID(),
                          Intake.HTTP,
                          Operation.CREATE,
                          workspace,
                          id,
                          new Update(null, changes, new TreeMap<>()),
                          "start",
                          null,
                          false,
                          null,
                          null)));
      if (done.getException() != null) {
        LOG.atWarn()
            .addKeyValue("id", id)
            .addKeyValue("failure", done.getException().getMessage())
            .log("A sample data source could not be made.");
      }
    }
  }

  /** In one piece, so that a reader of the output never sees half of it. */
  private void greet(PrintStream out) {
    Configuration configuration = started.configuration();
    FirstToken token = started.token();
    boolean show = configuration.dev() || token.origin() == Origin.CREATED;
    String address = "http://localhost:" + configuration.http().port();
    String greeting =
        """
        Sluice is ready.
          API         %1$s  (contract: %1$s/openapi.json)
          Health      http://localhost:%2$d/observe/health/ready
          Kafka       %3$s
          Workspace   %4$s  (organization %5$s)
          Token       %6$s
        """
            .formatted(
                address,
                configuration.http().managementPort(),
                started.brokers(),
                configuration.workspace(),
                configuration.org(),
                tokenInForce
                    ? show ? token.token().reveal() : "as configured"
                    : "another one, see the log");
    if (started.store().target() != null) {
      greeting +=
          sample(
              address, tokenInForce ? token.token().reveal() : "$TOKEN", started.store().target());
    }
    out.print(greeting);
    out.flush();
  }

  private static String sample(String address, String token, EmbeddedStore.Target target) {
    return """
      Target      postgresql://%1$s:%2$d/%3$s  user %4$s  password %5$s
    Try it:
      curl -i -X PUT %6$s/datasources/demo -H "Authorization: Bearer %7$s" \
    -H 'content-type: application/json' -d '{"driver":"postgresql","host":"%1$s","port":%2$d,\
    "database":"%3$s","username":"%4$s","password":"%5$s"}'
    """
        .formatted(
            target.host(),
            target.port(),
            target.database(),
            target.user(),
            target.password().reveal(),
            address,
            token);
  }
}
