package io.sluice.apply;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Secret;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.model.ZohoError;
import io.sluice.probe.Prober;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SshKey;
import io.sluice.servers.SshServer;
import io.sluice.servers.TestCa;
import io.sluice.start.Wiring;
import io.sluice.store.Statement;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.main.MainConfigurationProperties;
import org.apache.camel.test.main.junit5.CamelMainTestSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The gate's own routes, over a real store, against a real target. */
@TestInstance(Lifecycle.PER_CLASS)
class GateTest extends CamelMainTestSupport {
  private static final String WORKSPACE = "w1";
  private static final String USER = "g" + UUID.randomUUID().toString().substring(0, 8);
  private static final String PASSWORD = "pw-" + UUID.randomUUID();
  private static final String HOP_PASSWORD = "hop-" + UUID.randomUUID();
  private static final String ROUTES =
      "file:routes/30-apply-update.camel.yaml,"
          + "file:routes/40-test-connection.camel.yaml,"
          + "file:routes/50-store.camel.yaml";
  private static final PostgresServer STORE = PostgresServer.shared();
  private static final MariaDbServer MARIA = MariaDbServer.shared();

  private final String database = STORE.createDatabase();
  private SshServer bastion;
  private Prober prober;
  private HikariDataSource pool;

  /** The outcome of one submission: either is null. */
  private record Result(Outcome outcome, Refusal refusal) {
    Reason reason() {
      return refusal == null ? null : refusal.reason();
    }
  }

  @BeforeAll
  void createTarget() {
    MARIA.createUser(USER, PASSWORD);
    bastion = SshServer.setup().user("hop", HOP_PASSWORD).start();
  }

  @AfterAll
  void close() {
    prober.close();
    pool.close();
    bastion.close();
  }

  @Override
  protected String getPropertyPlaceholderLocations() {
    try {
      Path folder = Files.createTempDirectory("sluice-gate-");
      Map<String, String> settings =
          Map.ofEntries(
              entry("sluice.http.port", "0"),
              entry("sluice.management.port", "0"),
              entry("sluice.data", folder.toString()),
              entry("sluice.store.url", STORE.jdbcUrl(database)),
              entry("sluice.store.user", "postgres"),
              entry("sluice.store.password", STORE.superuserPassword()),
              entry("sluice.kafka.brokers", "127.0.0.1:9"),
              entry("sluice.probe.max-tests-per-target", "6"),
              entry("camel.main.routes-include-pattern", ROUTES),
              entry("camel.main.routes-reload-enabled", "false"),
              entry("camel.server.enabled", "false"),
              entry("camel.management.enabled", "false"));
      StringBuilder text = new StringBuilder();
      settings.forEach((name, value) -> text.append(name + "=" + value + "\n"));
      Path file = Files.writeString(folder.resolve("gate.properties"), text, UTF_8);
      return "file:"
          + file
          + ",file:config/application-dev.properties,file:config/application.properties";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  protected void configure(MainConfigurationProperties configuration) {
    configuration.addConfiguration(new Wiring(true, () -> {}));
  }

  @BeforeEach
  void createWorkspace() {
    prober = context().getRegistry().lookupByNameAndType("prober", Prober.class);
    pool = context().getRegistry().lookupByNameAndType("store", HikariDataSource.class);
    template()
        .requestBody(
            "direct:store",
            Statement.named("first-rows")
                .with("org", "o1")
                .with("workspace", WORKSPACE)
                .with("hash", UUID.randomUUID().toString())
                .with("scopes", "admin")
                .with("replace", true));
  }

  private static Map<Field, Change> works() {
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    changes.put(Field.DRIVER, new Change.Set("mariadb"));
    changes.put(Field.HOST, new Change.Set(MARIA.host()));
    changes.put(Field.PORT, new Change.Set(MARIA.port()));
    changes.put(Field.USERNAME, new Change.Set(USER));
    changes.put(Field.PASSWORD, new Change.Replace(Secret.of(PASSWORD)));
    return changes;
  }

  private Map<Field, Change> throughBastion() {
    Map<Field, Change> changes = works();
    changes.put(Field.SSH, new Change.Set(true));
    changes.put(Field.SSH_TUNNELING, new Change.Set(true));
    changes.put(Field.SSH_HOST, new Change.Set(bastion.host()));
    changes.put(Field.SSH_PORT, new Change.Set(bastion.port()));
    changes.put(Field.SSH_USERNAME, new Change.Set("hop"));
    changes.put(Field.SSH_PASSWORD, new Change.Replace(Secret.of(HOP_PASSWORD)));
    return changes;
  }

  private Result submit(
      Operation operation, String id, Map<Field, Change> changes, Long ifMatch, boolean dryRun) {
    Submission submission =
        new Submission(
            UUID.randomUUID(),
            Intake.HTTP,
            operation,
            WORKSPACE,
            id,
            new Update(null, changes, new TreeMap<>()),
            "tester",
            ifMatch == null ? null : Set.of(ifMatch),
            dryRun,
            null,
            null);
    Exchange done =
        template()
            .request(
                "direct:apply-update",
                exchange -> exchange.setProperty(Submission.PROPERTY, submission));
    if (done.getException() instanceof Refusal refusal) {
      return new Result(null, refusal);
    }
    assertThat(done.getException()).isNull();
    return new Result(done.getMessage().getBody(Outcome.class), null);
  }

  private Result update(String id, Map<Field, Change> changes) {
    return submit(Operation.UPDATE, id, changes, null, false);
  }

  private String create(Map<Field, Change> changes) {
    String id = UUID.randomUUID().toString();
    Result result = submit(Operation.CREATE, id, changes, null, false);
    assertThat(result.refusal()).isNull();
    return id;
  }

  private String row(String id) {
    return STORE.queryIn(database, "select d::text from data_sources d where id = '" + id + "'");
  }

  private long count(String table, String id) {
    String column =
        switch (table) {
          case "updates" -> "data_source_id";
          case "outbox" -> "convert_from(record_key, 'UTF8')";
          default -> "id";
        };
    return Long.parseLong(
        STORE.queryIn(
            database, "select count(*) from " + table + " where " + column + " = '" + id + "'"));
  }

  private static List<Result> concurrently(int count, Supplier<Result> one) {
    ExecutorService threads = Executors.newFixedThreadPool(count);
    try {
      List<CompletableFuture<Result>> all =
          IntStream.range(0, count)
              .mapToObj(i -> CompletableFuture.supplyAsync(one, threads))
              .toList();
      return all.stream().map(CompletableFuture::join).toList();
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void ofUpdatesThatNameTheSameVersionOneIsApplied() {
    String id = create(works());

    List<Result> results = concurrently(6, () -> submit(Operation.UPDATE, id, works(), 1L, false));

    assertThat(results).filteredOn(result -> result.outcome() != null).hasSize(1);
    assertThat(results)
        .filteredOn(result -> result.outcome() == null)
        .extracting(Result::reason)
        .containsOnly(Reason.VERSION_MISMATCH);
    assertThat(count("data_source_versions", id)).isEqualTo(2);
  }

  @Test
  void noUpdateIsLostAmongConcurrentOnes() {
    String id = create(works());

    List<Result> results = concurrently(6, () -> update(id, works()));

    Set<Long> versions = new HashSet<>();
    results.stream()
        .filter(result -> result.outcome() != null)
        .forEach(result -> versions.add(result.outcome().dataSource().version()));
    long applied = results.stream().filter(result -> result.outcome() != null).count();
    assertThat(applied).isPositive();
    assertThat(versions).hasSize((int) applied);
    assertThat(count("data_source_versions", id)).isEqualTo(applied + 1);
    assertThat(STORE.queryIn(database, "select version from data_sources where id = '" + id + "'"))
        .isEqualTo(Long.toString(applied + 1));
    assertThat(results)
        .filteredOn(result -> result.outcome() == null)
        .extracting(Result::reason)
        .allMatch(reason -> reason == Reason.OVERLOADED);
    assertThat(count("outbox", id)).isEqualTo(count("updates", id));
  }

  @Test
  void aFailedTestIsToldAndLeavesWhatIsLiveAlone() {
    String id = create(works());
    String before = row(id);
    Map<Field, Change> changes = works();
    changes.put(Field.PORT, new Change.Set(2));

    Result result = update(id, changes);

    assertThat(result.reason()).isEqualTo(Reason.CONNECTION_REFUSED);
    assertThat(result.refusal().report().passed()).isFalse();
    assertThat(row(id)).isEqualTo(before);
    assertThat(count("data_source_versions", id)).isEqualTo(1);
    assertThat(
            STORE.queryIn(
                database,
                "select state || ' ' || reason from updates where state <> 'applied'"
                    + " and data_source_id = '"
                    + id
                    + "'"))
        .isEqualTo("failed CONNECTION_REFUSED");
    assertThat(count("outbox", id)).isEqualTo(2);
  }

  @Test
  void aDryRunLeavesNoTrace() {
    String id = create(works());
    String before = row(id);
    Map<Field, Change> changes = works();
    changes.put(Field.HOST, new Change.Set("localhost"));

    Result passed = submit(Operation.UPDATE, id, changes, null, true);
    changes.put(Field.PORT, new Change.Set(2));
    Result failed = submit(Operation.UPDATE, id, changes, null, true);

    assertThat(passed.outcome().report().passed()).isTrue();
    assertThat(failed.reason()).isEqualTo(Reason.CONNECTION_REFUSED);
    assertThat(row(id)).isEqualTo(before);
    assertThat(count("updates", id)).isEqualTo(1);
    assertThat(count("outbox", id)).isEqualTo(1);
  }

  @Test
  void aStaleVersionIsRefusedBeforeAnythingIsContacted() {
    String id = create(throughBastion());
    int connections = bastion.connections();

    Result result = submit(Operation.UPDATE, id, throughBastion(), 7L, false);

    assertThat(result.reason()).isEqualTo(Reason.VERSION_MISMATCH);
    assertThat(bastion.connections()).isEqualTo(connections);
  }

  @Test
  void aSecretThatIsNotSentIsKeptAndOneThatIsClearedIsGone() {
    String user = "c" + UUID.randomUUID().toString().substring(0, 8);
    MARIA.createUser(user, "");
    Map<Field, Change> changes = works();
    changes.put(Field.USERNAME, new Change.Set(user));
    changes.put(Field.PASSWORD, new Change.Clear());
    String id = create(changes);
    assertThat(STORE.queryIn(database, "select secrets from data_sources where id = '" + id + "'"))
        .isEqualTo("{}");

    String kept = create(works());
    Map<Field, Change> without = works();
    without.remove(Field.PASSWORD);
    Result result = update(kept, without);
    assertThat(result.outcome().dataSource().settings().secret(Field.PASSWORD).reveal())
        .isEqualTo(PASSWORD);

    without.put(Field.PASSWORD, new Change.Clear());
    assertThat(update(kept, without).reason()).isEqualTo(Reason.AUTH_FAILED);
  }

  @ParameterizedTest
  @EnumSource(names = {"DRIVER", "HOST", "PORT", "USERNAME", "SSL", "SSH"})
  void aKeptPasswordIsNotSentWhereTheDestinationChanged(Field field) {
    String id = create(works());
    String before = row(id);
    Map<Field, Change> changes = field == Field.SSH ? throughBastion() : works();
    changes.remove(Field.PASSWORD);
    Object other =
        switch (field) {
          case DRIVER -> "mysql";
          case HOST -> "localhost";
          case PORT -> MARIA.port() + 1;
          case USERNAME -> "somebody";
          default -> true;
        };
    changes.put(field, new Change.Set(other));
    int connections = bastion.connections();

    reentryRequired(update(id, changes), "password");

    assertThat(bastion.connections()).isEqualTo(connections);
    assertThat(row(id)).isEqualTo(before);
  }

  @ParameterizedTest
  @EnumSource(names = {"SSH_HOST", "SSH_PORT", "SSH_USERNAME", "SSH_HOST_KEY"})
  void aKeptBastionPasswordIsNotSentWhereTheBastionChanged(Field field) {
    String id = create(throughBastion());
    Map<Field, Change> changes = throughBastion();
    changes.remove(Field.SSH_PASSWORD);
    Object other =
        switch (field) {
          case SSH_HOST -> "localhost";
          case SSH_PORT -> bastion.port() + 1;
          case SSH_USERNAME -> "somebody";
          default -> "SHA256:" + "A".repeat(43);
        };
    changes.put(field, new Change.Set(other));
    int connections = bastion.connections();

    reentryRequired(update(id, changes), "sshPassword");

    assertThat(bastion.connections()).isEqualTo(connections);
  }

  @Test
  void hopsArePinnedAndKeptAndNoSecretFollowsOtherOnes() {
    String hop = "hop@" + bastion.host() + ":" + bastion.port();
    Map<Field, Change> jumping = throughBastion();
    jumping.put(Field.SSH_JUMP, new Change.Set(hop));
    String pinned = hop + " " + bastion.hostKey().publicLine();
    String id = create(jumping);
    assertThat(row(id)).contains(bastion.hostKey().publicLine());
    Map<Field, Change> same = throughBastion();
    same.put(Field.SSH_JUMP, new Change.Set(hop));
    same.remove(Field.PASSWORD);
    same.remove(Field.SSH_PASSWORD);
    Result kept = update(id, same);
    assertThat(kept.reason()).isNull();
    assertThat(kept.outcome().dataSource().settings().text(Field.SSH_JUMP)).isEqualTo(pinned);

    int connections = bastion.connections();
    for (String other :
        List.of(
            "somebody@" + bastion.host() + ":" + bastion.port(),
            "hop@localhost:" + bastion.port(),
            hop + "," + hop,
            hop + " SHA256:" + "A".repeat(43))) {
      for (Field secret : List.of(Field.PASSWORD, Field.SSH_PASSWORD)) {
        Map<Field, Change> changed = throughBastion();
        changed.put(Field.SSH_JUMP, new Change.Set(other));
        changed.remove(secret);
        reentryRequired(update(id, changed), secret.wireName());
      }
    }
    // Without the hop the way is another one too.
    Map<Field, Change> direct = throughBastion();
    direct.remove(Field.SSH_PASSWORD);
    reentryRequired(update(id, direct), "sshPassword");
    assertThat(bastion.connections()).isEqualTo(connections);
  }

  @Test
  void aKeptPasswordIsNotSentThroughAnotherBastion() {
    String id = create(throughBastion());
    Map<Field, Change> changes = throughBastion();
    changes.remove(Field.PASSWORD);
    changes.put(Field.SSH_HOST, new Change.Set("localhost"));

    reentryRequired(update(id, changes), "password");
  }

  @Test
  void aBastionIsSwitchedOffWithoutItsPasswordAndAnotherOneDoesNotInheritIt() {
    String id = create(throughBastion());
    // Directly, with the database's own password: the bastion's is sent nowhere.
    assertThat(update(id, works()).reason()).isNull();

    Map<Field, Change> parked = works();
    parked.put(Field.SSH_HOST, new Change.Set("localhost"));
    reentryRequired(update(id, parked), "sshPassword");

    Map<Field, Change> again = throughBastion();
    again.remove(Field.SSH_PASSWORD);
    reentryRequired(update(id, again), "sshPassword");
  }

  @Test
  void aKeptDatabasePasswordIsNotCarriedByAnotherBastionLoginOrHostKey() {
    String id = create(throughBastion());
    Map<Field, Change> named = throughBastion();
    named.remove(Field.PASSWORD);
    named.put(Field.SSH_USERNAME, new Change.Set("somebody"));
    reentryRequired(update(id, named), "password");

    Map<Field, Change> keyed = throughBastion();
    keyed.remove(Field.PASSWORD);
    keyed.put(Field.SSH_HOST_KEY, new Change.Set("SHA256:" + "A".repeat(43)));
    reentryRequired(update(id, keyed), "password");

    // The bastion and its pinned key as they are: nothing to enter again.
    Map<Field, Change> same = throughBastion();
    same.remove(Field.PASSWORD);
    same.remove(Field.SSH_PASSWORD);
    assertThat(update(id, same).reason()).isNull();
  }

  @Test
  void keyMaterialThatCannotBeReadIsRefusedEvenWhereNothingUsesIt() {
    String id = create(works());
    String before = row(id);
    Map<Field, Change> changes = works();
    changes.put(Field.SSL_CA, new Change.Set("file:///etc/passwd"));
    changes.put(Field.CERTIFICATE, new Change.Set("x"));
    changes.put(Field.KEYFILE, new Change.Replace(Secret.of("/etc/passwd")));
    changes.put(Field.SSH_IDENTITY, new Change.Replace(Secret.of("/root/.ssh/id_rsa")));
    changes.put(Field.SSH_HOST_KEY, new Change.Set("zz"));

    for (boolean patch : new boolean[] {false, true}) {
      Result result = submit(patch ? Operation.PATCH : Operation.UPDATE, id, changes, null, patch);
      assertThat(result.refusal().errors())
          .extracting(Refusal.FieldError::field)
          .containsExactly("sslCA", "certificate", "keyfile", "sshIdentity", "sshHostKey");
      assertThat(result.refusal().errors())
          .allMatch(error -> error.reason() == Reason.INVALID_FIELD)
          .noneMatch(error -> error.message().contains("passwd"));
      assertThat(ZohoError.of(result.refusal())).isEqualTo(ZohoError.UNABLE_TO_PARSE_DATA_TYPE);
    }
    assertThat(row(id)).isEqualTo(before);
  }

  @Test
  void keyMaterialThatCanBeReadIsStoredForLater() {
    TestCa ca = TestCa.create("Later CA");
    TestCa.Issued client = ca.client("later");
    Map<Field, Change> changes = works();
    changes.put(Field.SSL_CA, new Change.Set(ca.certificatePem()));
    changes.put(Field.CERTIFICATE, new Change.Set(client.certificatePem()));
    changes.put(Field.KEYFILE, new Change.Replace(Secret.of(client.keyPem())));
    changes.put(
        Field.SSH_IDENTITY, new Change.Replace(Secret.of(SshKey.ed25519().privateOpenSsh("p"))));
    changes.put(Field.SSH_PASSWORD, new Change.Replace(Secret.of("p")));
    changes.put(Field.SSH_HOST_KEY, new Change.Set("host " + SshKey.ecdsa().publicLine()));

    create(changes);
  }

  @Test
  void aKeyThatIsNotTheCertificatesIsRefusedBeforeAnythingIsContacted() {
    TestCa ca = TestCa.create("Pair CA");
    TestCa.Issued one = ca.client("one");
    Map<String, Field> keys =
        Map.of(
            ca.client("two").keyPem(), Field.KEYFILE,
            one.keyEncryptedPem("x"), Field.KEYFILE_PASSWORD);
    for (Map.Entry<String, Field> key : keys.entrySet()) {
      Map<Field, Change> changes = throughBastion();
      changes.put(Field.SSL, new Change.Set(true));
      changes.put(Field.CERTIFICATE, new Change.Set(one.certificatePem()));
      changes.put(Field.KEYFILE, new Change.Replace(Secret.of(key.getKey())));
      int connections = bastion.connections();

      Result result = submit(Operation.CREATE, UUID.randomUUID().toString(), changes, null, false);

      onlyInvalid(result, key.getValue());
      assertThat(bastion.connections()).isEqualTo(connections);
    }
  }

  @Test
  void anAuthorityThatCannotBeReadIsRefusedBeforeAnythingIsContacted() {
    String begun = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (String text : List.of("/etc/ssl/ca.pem", begun)) {
      Map<Field, Change> changes = throughBastion();
      changes.put(Field.SSL, new Change.Set(true));
      changes.put(Field.SSL_CA, new Change.Set(text));
      int connections = bastion.connections();

      Result result = submit(Operation.CREATE, UUID.randomUUID().toString(), changes, null, false);

      onlyInvalid(result, Field.SSL_CA);
      assertThat(bastion.connections()).isEqualTo(connections);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"ACCESS_TOKEN", "REFRESH_TOKEN"})
  void aTokenThatTheDriverDoesNotTakeIsRefused(Field token) {
    for (String driver : List.of("mariadb", "mysql", "postgresql")) {
      Map<Field, Change> changes = works();
      changes.put(Field.DRIVER, new Change.Set(driver));
      changes.put(Field.DATABASE, new Change.Set("shop"));
      changes.put(token, new Change.Replace(Secret.of("token-value")));

      Result result = submit(Operation.CREATE, UUID.randomUUID().toString(), changes, null, false);

      only(result, token, Reason.UNKNOWN_FIELD);
      assertThat(result.refusal().getMessage())
          .isEqualTo(
              "This driver takes no " + token.wireName() + ": leave it out, or send it empty.");
    }
  }

  @Test
  void aFieldThatIsMissingIsToldBeforeASecretThatWouldMove() {
    String id = create(works());

    Result result =
        submit(Operation.PATCH, id, Map.of(Field.HOST, new Change.Clear()), null, false);

    assertThat(result.reason()).isEqualTo(Reason.MISSING_FIELD);
    assertThat(result.refusal().getMessage()).isEqualTo("host is required.");
  }

  private static void onlyInvalid(Result result, Field field) {
    only(result, field, Reason.INVALID_FIELD);
  }

  private static void only(Result result, Field field, Reason reason) {
    assertThat(result.refusal().errors())
        .singleElement()
        .satisfies(
            error -> {
              assertThat(error.field()).isEqualTo(field.wireName());
              assertThat(error.reason()).isEqualTo(reason);
            });
  }

  private static void reentryRequired(Result result, String field) {
    assertThat(result.reason()).isEqualTo(Reason.SECRET_REENTRY_REQUIRED);
    Stream<String> fields = result.refusal().errors().stream().map(Refusal.FieldError::field);
    assertThat(fields).contains(field);
  }

  @Test
  void anIdThatIsTakenIsNotContacted() {
    String id = create(throughBastion());
    int connections = bastion.connections();

    Result result = submit(Operation.CREATE, id, throughBastion(), null, false);

    assertThat(result.reason()).isEqualTo(Reason.ALREADY_EXISTS);
    assertThat(bastion.connections()).isEqualTo(connections);
  }
}
