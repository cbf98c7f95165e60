package io.sluice.bench;

import io.sluice.model.Field;
import io.sluice.secrets.SecretAddress;
import io.sluice.secrets.Vault;
import io.sluice.servers.Installation;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;

/**
 * How much slower reading, listing and updating become from a thousand stored data sources to a
 * million. Every one is a whole row with a sealed password of its own, and has its version in the
 * history.
 *
 * <p>Settings: {@code -Dsluice.bench.few} (1000) and {@code -Dsluice.bench.many} (1000000) data
 * sources, {@code -Dsluice.bench.slice} seconds for each operation (8).
 */
public final class Scale {
  private static final PrintStream OUT = System.out;
  private static final int ROWS_OF_A_COPY = 10_000;
  private static final int CLIENTS = 2;
  private static final int PAGE = 50;
  private static final String ID = "ds-%07d";

  private final int few = Integer.getInteger("sluice.bench.few", 1_000);
  private final int many = Integer.getInteger("sluice.bench.many", 1_000_000);
  private final Duration slice = Duration.ofSeconds(Integer.getInteger("sluice.bench.slice", 8));

  private final Installation installation;
  private final Vault vault;
  private final Usage product;

  private Scale(Installation installation) {
    this.installation = installation;
    this.vault = Vault.open(installation.keyset(), false);
    this.product = new Usage(installation.process().handle());
  }

  public static void main(String[] arguments) {
    Command.run(Scale::onServers);
  }

  private static void onServers() throws Exception {
    try (Installation installation = Installation.started(Benchmark::asInProduction)) {
      new Scale(installation).measure();
    }
  }

  private void measure() throws SQLException, IOException {
    String template = installation.create();
    fill(template, 0, few);
    Map<String, Sample> warm = operations(few);
    Map<String, Sample> before = operations(few);
    fill(template, few, many);
    operations(many);
    Map<String, Sample> after = operations(many);
    OUT.printf(
        Locale.ROOT,
        "%nOn %s, %d processors, %d clients; warmed up with %d calls.%n%n",
        LocalDate.now(ZoneOffset.UTC),
        Runtime.getRuntime().availableProcessors(),
        CLIENTS,
        warm.values().stream().mapToInt(Sample::count).sum());
    OUT.printf("| call | p50 at %,d | p99 | p50 at %,d | p99 | ratio of p99 |%n", few, many);
    OUT.println("|---|---|---|---|---|---|");
    before.forEach(
        (name, small) -> {
          Sample large = after.get(name);
          OUT.printf(
              Locale.ROOT,
              "| %s | %.1f ms | %.1f ms | %.1f ms | %.1f ms | %.2f |%n",
              name,
              small.millis(0.5),
              small.millis(0.99),
              large.millis(0.5),
              large.millis(0.99),
              large.millis(0.99) / small.millis(0.99));
        });
  }

  private Map<String, Sample> operations(int stored) {
    Random random = new Random(stored);
    String body = Installation.text(Installation.json(installation.settings()));
    Supplier<String> anyOne = () -> ID.formatted(random.nextInt(stored));
    Map<String, Sample> samples = new LinkedHashMap<>();
    samples.put("GET one", run("GET", () -> "/datasources/" + anyOne.get(), ""));
    for (String sort : List.of("id", "-published_at")) {
      samples.put(
          "list, first page, by " + sort,
          run("GET", () -> "/datasources?_limit=" + PAGE + "&_sort=" + sort, ""));
    }
    String middle = ID.formatted(stored / 2);
    samples.put(
        "list, from the middle, by id",
        run("GET", () -> "/datasources?_limit=" + PAGE + "&_sort=id&_start=" + middle, ""));
    samples.put(
        "list, filtered by driver",
        run("GET", () -> "/datasources?_limit=" + PAGE + "&driver=mariadb", ""));
    samples.put("PUT one", run("PUT", () -> "/datasources/" + anyOne.get(), body));
    return samples;
  }

  private Sample run(String method, Supplier<String> path, String body) {
    return Crowd.run(
        CLIENTS,
        slice,
        product,
        number -> {
          HttpConnection connection = new HttpConnection(installation.process().api());
          return new Crowd.Client() {
            @Override
            public void act() throws Exception {
              byte[] request =
                  HttpConnection.request(method, path.get(), installation.process().token(), body);
              Updates.expect(200, connection.exchange(request));
            }

            @Override
            public void close() throws Exception {
              connection.close();
            }
          };
        });
  }

  private void fill(String template, int from, int to) throws SQLException, IOException {
    long begun = System.nanoTime();
    try (Connection store = installation.store().connect(installation.database());
        Statement statement = store.createStatement()) {
      statement.execute("create temp table sealed (id text, secret text)");
      CopyManager copy = store.unwrap(PGConnection.class).getCopyAPI();
      String workspace = installation.process().workspace();
      for (int start = from; start < to; start += ROWS_OF_A_COPY) {
        StringBuilder rows = new StringBuilder();
        for (int i = start; i < Math.min(start + ROWS_OF_A_COPY, to); i++) {
          String id = ID.formatted(i);
          rows.append(id)
              .append('\t')
              .append(
                  vault.seal(
                      installation.password(), SecretAddress.of(workspace, id, Field.PASSWORD)))
              .append('\n');
        }
        copy.copyIn("copy sealed from stdin", new StringReader(rows.toString()));
      }
      statement.execute(
          "insert into data_sources (workspace_id, id, version, driver, host, status, settings,"
              + " secrets, last_test, published_at, created_at, created_by, updated_by)"
              + " select t.workspace_id, s.id, 1, t.driver, t.host, t.status, t.settings,"
              + " jsonb_set(t.secrets, '{password,sealed}', to_jsonb(s.secret)), t.last_test,"
              + " t.published_at - random() * interval '300 days', t.created_at, t.created_by,"
              + " t.updated_by from data_sources t, sealed s where t.id = '"
              + template
              + "'");
      statement.execute(
          "insert into data_source_versions (workspace_id, id, version, settings, secrets, changed,"
              + " report, update_id, published_at, created_by, updated_by)"
              + " select d.workspace_id, d.id, d.version, d.settings, d.secrets, '[]', d.last_test,"
              + " gen_random_uuid(), d.published_at, d.created_by, d.updated_by"
              + " from data_sources d join sealed s using (id)");
      statement.execute("drop table sealed");
      statement.execute("vacuum analyze");
      // What is measured is the stored million, not the writing of it to the disk.
      statement.execute("checkpoint");
    }
    OUT.printf(Locale.ROOT, "Stored up to %d in %.0f s.%n", to, (System.nanoTime() - begun) / 1e9);
  }
}
