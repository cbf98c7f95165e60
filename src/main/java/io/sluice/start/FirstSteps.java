package io.sluice.start;

import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.secrets.FirstToken;
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
import org.apache.camel.ProducerTemplate;

/**
 * What happens right after the start: the first token is in force, the development profile has
 * something to play with, and the operator reads where everything is.
 */
final class FirstSteps {
  private static final List<String> SAMPLES = List.of("demo", "1767024000003890005");

  private final CamelContext camel;
  private final Wiring.Started started;

  FirstSteps(CamelContext camel, Wiring.Started started) {
    this.camel = camel;
    this.started = started;
  }

  void take(PrintStream out) {
    Configuration configuration = started.configuration();
    try (ProducerTemplate routes = camel.createProducerTemplate()) {
      routes.requestBody(
          "direct:store",
          Statement.named("first-rows")
              .with("org", configuration.org())
              .with("workspace", configuration.workspace())
              .with("hash", started.tokenHash())
              .with("scopes", Scope.format(List.of(Scope.values()))));
      if (started.target() != null) {
        createSamples(routes, configuration.workspace());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
    EmbeddedStore.Target target = started.target();
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    changes.put(Field.DRIVER, new Change.Set("postgresql"));
    changes.put(Field.HOST, new Change.Set(target.host()));
    changes.put(Field.PORT, new Change.Set(target.port()));
    changes.put(Field.DATABASE, new Change.Set(target.database()));
    changes.put(Field.USERNAME, new Change.Set(target.user()));
    changes.put(Field.PASSWORD, new Change.Replace(target.password()));
    for (String id : SAMPLES) {
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
    }
  }

  private void greet(PrintStream out) {
    String address = "http://localhost:" + started.configuration().http().port();
    out.println("Sluice is ready.");
    out.println("  API         " + address + "  (contract: " + address + "/openapi.json)");
    out.println(
        "  Health      http://localhost:"
            + started.configuration().http().managementPort()
            + "/observe/health/ready");
    out.println("  Kafka       " + started.brokers());
    out.println(
        "  Workspace   "
            + started.configuration().workspace()
            + "  (organization "
            + started.configuration().org()
            + ")");
    boolean show =
        started.configuration().dev() || started.token().origin() == FirstToken.Origin.CREATED;
    out.println("  Token       " + (show ? started.token().token().reveal() : "as configured"));
    if (started.target() != null) {
      EmbeddedStore.Target target = started.target();
      out.println(
          "  Target      postgresql://"
              + target.host()
              + ":"
              + target.port()
              + "/"
              + target.database()
              + "  user "
              + target.user()
              + "  password "
              + target.password().reveal());
      out.println("Try it:");
      out.println(
          "  curl -i -X PUT "
              + address
              + "/datasources/demo"
              + " -H 'Authorization: Bearer "
              + started.token().token().reveal()
              + "'"
              + " -H 'content-type: application/json'"
              + " -d '{\"driver\":\"postgresql\",\"host\":\""
              + target.host()
              + "\",\"port\":"
              + target.port()
              + ",\"database\":\""
              + target.database()
              + "\",\"username\":\""
              + target.user()
              + "\",\"password\":\""
              + target.password().reveal()
              + "\"}'");
    }
    out.flush();
  }
}
