package io.sluice.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.apply.Submission.Operation;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Field;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Secret;
import io.sluice.model.Settings;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.model.ZohoError;
import io.sluice.servers.TestCa;
import io.sluice.store.DataSource;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What a patch leaves of what is stored. */
class MergeTest {
  private static final TestCa.Issued CLIENT = TestCa.create("CA").client("client");
  private static final String KEY = CLIENT.keyEncryptedPem("open sesame");

  private static DataSource stored(Map<Field, Secret> secrets, Map<Field, Object> more) {
    Map<Field, Object> values = new EnumMap<>(Field.class);
    values.putAll(more);
    values.put(Field.DRIVER, "postgresql");
    values.put(Field.HOST, "db.example");
    values.put(Field.PORT, 5432);
    values.put(Field.USERNAME, "u");
    values.put(Field.DATABASE, "shop");
    values.put(Field.SSL, true);
    values.put(Field.SSH, false);
    values.put(Field.SSH_TUNNELING, false);
    Settings settings = new Settings(values, secrets, new TreeMap<>(Map.of("schema", "sales")));
    return new DataSource(
        "w", "d", 1, "reachable", settings, Map.of(), null, Instant.EPOCH, "a", "a");
  }

  private static Candidate merged(Update update, DataSource stored) throws IOException {
    return new Merge(DriverCatalogue.load(Path.of("config/drivers"), Path.of("drivers")))
        .merge(
            new Submission(
                UUID.randomUUID(),
                Intake.HTTP,
                Operation.PATCH,
                "w",
                "d",
                update,
                "a",
                null,
                false,
                null,
                null),
            stored,
            2);
  }

  private static Candidate patched(boolean clearsOptions) throws IOException {
    return merged(
        new Update(null, Map.of(), new TreeMap<>(), clearsOptions),
        stored(Map.of(), Map.of(Field.PORT, 5432)));
  }

  /** A patch of what is stored with an encrypted key. */
  private static Candidate patched(Map<Field, Change> changes) throws IOException {
    return merged(
        new Update(null, changes, new TreeMap<>()),
        stored(
            Map.of(Field.KEYFILE, Secret.of(KEY), Field.KEYFILE_PASSWORD, Secret.of("open sesame")),
            Map.of(Field.CERTIFICATE, CLIENT.certificatePem())));
  }

  private static Change secret(String value) {
    return new Change.Replace(Secret.of(value));
  }

  private static List<String> refused(Map<Field, Change> changes, Reason reason) {
    Refusal refusal = catchThrowableOfType(Refusal.class, () -> patched(changes));
    assertThat(refusal.errors()).allMatch(error -> error.reason() == reason);
    return refusal.errors().stream().map(Refusal.FieldError::field).toList();
  }

  /** An event holds them all, and has to fit into the broker's record. */
  @Test
  void noMoreErrorsAreToldThanAnybodyReads() {
    TreeMap<String, Change> options = new TreeMap<>();
    for (int i = 0; i < 5000; i++) {
      options.put("o" + i, new Change.Set("1"));
    }
    Refusal refusal =
        catchThrowableOfType(
            Refusal.class,
            () ->
                merged(
                    new Update(null, Map.of(), options, false),
                    stored(Map.of(), Map.of(Field.PORT, 5432))));
    assertThat(refusal.errors()).hasSize(Refusal.MAX_ERRORS);
  }

  @Test
  void aPasswordThatTheNewDriverDoesNotTakeGoesWithTheOldOne() throws IOException {
    DataSource stored =
        stored(Map.of(Field.PASSWORD, Secret.of("pw"), Field.KEYFILE, Secret.of(KEY)), Map.of());
    Map<Field, Change> toTrino = new EnumMap<>(Field.class);
    toTrino.put(Field.DRIVER, new Change.Set("trino"));
    toTrino.put(Field.SSL, new Change.Set(false));
    toTrino.put(Field.KEYFILE, new Change.Clear());

    Candidate moved = merged(new Update(null, toTrino, new TreeMap<>(), true), stored);
    assertThat(moved.settings().secrets()).isEmpty();
    assertThat(moved.changed()).contains("driver", "password");

    toTrino.put(Field.PASSWORD, secret("pw"));
    Refusal refusal =
        catchThrowableOfType(
            Refusal.class, () -> merged(new Update(null, toTrino, new TreeMap<>(), true), stored));
    assertThat(refusal.errors())
        .singleElement()
        .satisfies(
            error -> {
              assertThat(error.field()).isEqualTo("password");
              assertThat(error.message()).contains("leave it out");
            });
    assertThat(ZohoError.of(refusal)).isEqualTo(ZohoError.INVALID_JSON_CONFIGURATION);
  }

  @Test
  void aPassphraseStaysWithItsKey() throws IOException {
    assertThat(patched(Map.of(Field.DATABASE, new Change.Set("other"))).settings().secrets())
        .containsKey(Field.KEYFILE_PASSWORD);
    assertThat(patched(Map.of(Field.KEYFILE, secret(KEY))).settings().secrets())
        .containsKey(Field.KEYFILE_PASSWORD);
    assertThat(refused(Map.of(Field.KEYFILE_PASSWORD, secret("wrong")), Reason.INVALID_FIELD))
        .containsExactly("keyfilePassword");
  }

  @Test
  void aPassphraseIsNotUsedForAnotherKeyEvenWhereItWouldFit() throws IOException {
    String again = CLIENT.keyEncryptedPem("open sesame");
    assertThat(refused(Map.of(Field.KEYFILE, secret(again)), Reason.INVALID_FIELD))
        .containsExactly("keyfilePassword");

    Candidate plain = patched(Map.of(Field.KEYFILE, secret(CLIENT.keyPem())));
    assertThat(plain.settings().secrets()).doesNotContainKey(Field.KEYFILE_PASSWORD);
    assertThat(plain.changed()).containsExactly("keyfile", "keyfilePassword");
    Candidate none =
        patched(Map.of(Field.KEYFILE, new Change.Clear(), Field.CERTIFICATE, new Change.Clear()));
    assertThat(none.settings().secrets()).isEmpty();
  }

  @Test
  void aKeyAndItsPassphraseAreSentAgainTogetherWhenTheDestinationChanges() throws IOException {
    Change elsewhere = new Change.Set("elsewhere.example");
    assertThat(refused(Map.of(Field.HOST, elsewhere), Reason.SECRET_REENTRY_REQUIRED))
        .containsExactlyInAnyOrder("keyfile", "keyfilePassword");
    assertThat(
            patched(Map.of(Field.HOST, elsewhere, Field.KEYFILE, secret(CLIENT.keyPem())))
                .settings()
                .text(Field.HOST))
        .isEqualTo("elsewhere.example");
  }

  @Test
  void aPatchThatClearsTheOptionsRemovesThemAll() throws IOException {
    assertThat(patched(true).settings().options()).isEmpty();
    assertThat(patched(true).changed()).contains("options.schema");
    assertThat(patched(false).settings().options()).containsEntry("schema", "sales");
  }

  private static List<String> refusedWhen(String serviceName) throws IOException {
    Settings settings =
        new Settings(
            Map.of(
                Field.DRIVER,
                "oracle",
                Field.HOST,
                "db.example",
                Field.PORT,
                1521,
                Field.USERNAME,
                "u",
                Field.SSL,
                false,
                Field.SSH,
                false,
                Field.SSH_TUNNELING,
                false),
            Map.of(Field.PASSWORD, Secret.of("kept")),
            new TreeMap<>(Map.of("serviceName", "SALES")));
    DataSource stored =
        new DataSource("w", "d", 1, "reachable", settings, Map.of(), null, Instant.EPOCH, "a", "a");
    Update update =
        new Update(
            null,
            Map.of(),
            new TreeMap<>(Map.of("serviceName", new Update.Change.Set(serviceName))),
            false);
    try {
      new Merge(DriverCatalogue.load(Path.of("config/drivers"), Path.of("drivers")))
          .merge(
              new Submission(
                  UUID.randomUUID(),
                  Intake.HTTP,
                  Operation.PATCH,
                  "w",
                  "d",
                  update,
                  "a",
                  null,
                  false,
                  null,
                  null),
              stored,
              2);
      return List.of();
    } catch (Refusal refusal) {
      return refusal.errors().stream().map(e -> e.field() + " " + e.reason()).toList();
    }
  }

  @Test
  void anOptionThatDecidesWhereASecretGoesAsksForItAgain() throws IOException {
    assertThat(refusedWhen("SALES")).isEmpty();
    assertThat(refusedWhen("OTHER")).containsExactly("password SECRET_REENTRY_REQUIRED");
  }
}
