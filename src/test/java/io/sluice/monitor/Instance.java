package io.sluice.monitor;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.zaxxer.hikari.HikariDataSource;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.probe.Prober;
import io.sluice.servers.PostgresServer;
import io.sluice.start.Wiring;
import io.sluice.store.Statement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.main.Main;

/**
 * The gate and the scheduled checks of one instance, in this JVM, without its APIs. A check comes
 * when a test makes it due, and not again within the hour.
 */
final class Instance implements AutoCloseable {
  static final String WORKSPACE = "w1";
  private static final String ROUTES =
      "file:routes/30-apply-update.camel.yaml,"
          + "file:routes/40-test-connection.camel.yaml,"
          + "file:routes/50-store.camel.yaml,"
          + "file:routes/70-monitor.camel.yaml,"
          + "file:routes/71-pending.camel.yaml";

  private final Main main = new Main();
  private final ProducerTemplate routes;

  /**
   * @param folder instances of one installation share it, as they share the store
   */
  Instance(PostgresServer store, String database, Path folder, Map<String, String> more) {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("sluice.data", folder.toString());
    settings.put("sluice.http.port", "0");
    settings.put("sluice.management.port", "0");
    settings.put("sluice.store.url", store.jdbcUrl(database));
    settings.put("sluice.store.user", "postgres");
    settings.put("sluice.store.password", store.superuserPassword());
    settings.put("sluice.store.pool-size", "6");
    settings.put("sluice.kafka.brokers", "127.0.0.1:9");
    settings.put("sluice.monitor.interval", "1h");
    settings.put("sluice.monitor.confirm", "1h");
    settings.put("sluice.monitor.refused", "2h");
    settings.put("sluice.monitor.jitter", "0ms");
    settings.put("sluice.monitor.poll", "20ms");
    settings.put("camel.main.routes-include-pattern", ROUTES);
    settings.put("camel.main.routes-reload-enabled", "false");
    settings.put("camel.server.enabled", "false");
    settings.put("camel.management.enabled", "false");
    settings.putAll(more);
    StringBuilder text = new StringBuilder();
    settings.forEach((name, value) -> text.append(name + "=" + value + "\n"));
    try {
      Path file =
          Files.writeString(Files.createTempFile(folder, "instance", ".properties"), text, UTF_8);
      main.setPropertyPlaceholderLocations(
          "file:"
              + file
              + ",file:config/application-dev.properties,file:config/application.properties");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    main.configure().addConfiguration(new Wiring(true, () -> {}));
    main.start();
    routes = main.getCamelContext().createProducerTemplate();
    routes.requestBody(
        "direct:store",
        Statement.named("first-rows")
            .with("org", "o1")
            .with("workspace", WORKSPACE)
            .with("hash", UUID.randomUUID().toString())
            .with("scopes", "admin")
            .with("replace", true));
  }

  /** Sends an update through the gate. */
  Exchange submit(Operation operation, String id, Map<Field, Change> changes) {
    return submit(operation, id, changes, false);
  }

  /**
   * @param hold whether the change may become a pending one
   */
  Exchange submit(Operation operation, String id, Map<Field, Change> changes, boolean hold) {
    Submission submission =
        new Submission(
            UUID.randomUUID(),
            Intake.HTTP,
            operation,
            WORKSPACE,
            id,
            new Update(null, changes, new TreeMap<>()),
            "tester",
            null,
            false,
            null,
            null,
            hold);
    return routes.request(
        "direct:apply-update", exchange -> exchange.setProperty(Submission.PROPERTY, submission));
  }

  /** A data source with settings that pass their test. */
  String create(Map<Field, Change> changes) {
    String id = "ds-" + UUID.randomUUID();
    Exchange done = submit(Operation.CREATE, id, changes);
    if (done.getException() instanceof Refusal refusal) {
      throw new IllegalStateException("Not created: " + refusal.reason(), refusal);
    }
    return id;
  }

  @Override
  public void close() {
    Prober prober = main.lookup("prober", Prober.class);
    HikariDataSource pool = main.lookup("store", HikariDataSource.class);
    main.stop();
    prober.close();
    pool.close();
  }
}
