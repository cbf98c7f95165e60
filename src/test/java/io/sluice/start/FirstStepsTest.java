package io.sluice.start;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.secrets.Vault;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Several starts on one store, each with a folder of its own, as on several machines. */
final class FirstStepsTest {
  private static final String GIVEN = "slc_given-by-the-operator";

  private final HttpClient http = HttpClient.newHttpClient();

  @Test
  void aStartElsewhereLeavesTheFirstTokenAloneUnlessItIsGivenAnother() throws Exception {
    PostgresServer server = PostgresServer.shared();
    SluiceProcess.Setup setup =
        SluiceProcess.setup()
            .store(server, server.createDatabase())
            .setting("KAFKA_BROKERS", "127.0.0.1:1");
    try (SluiceProcess first = setup.start()) {
      setup.setting("SLUICE_KEYSET", first.data().resolve("keyset.json").toString());
      try (SluiceProcess elsewhere = setup.start()) {
        String made = Files.readString(elsewhere.data().resolve("token")).strip();

        assertThat(status(elsewhere, first.token())).isEqualTo(200);
        assertThat(status(elsewhere, made)).isEqualTo(403);
        assertThat(elsewhere.logged())
            .containsOnlyOnce("This store has another first token than ")
            .doesNotContain(made);
      }
      try (SluiceProcess told = setup.setting("SLUICE_TOKEN", GIVEN).start()) {
        assertThat(status(told, GIVEN)).isEqualTo(200);
        assertThat(status(told, first.token())).isEqualTo(403);
      }
    }
  }

  @Test
  void aStartWithAnotherKeyFileThanTheStoresChangesNothing() throws Exception {
    PostgresServer server = PostgresServer.shared();
    SluiceProcess.Setup setup =
        SluiceProcess.setup()
            .store(server, server.createDatabase())
            .setting("KAFKA_BROKERS", "127.0.0.1:1")
            .setting("SLUICE_TOKEN", GIVEN);
    try (SluiceProcess right = setup.start();
        SluiceProcess wrong = setup.prepared()) {
      wrong.launch().handle().onExit().get(90, TimeUnit.SECONDS);

      assertThat(wrong.awaitExit()).isEqualTo(1);
      assertThat(
              wrong.logged().lines().filter(line -> line.contains("level=ERROR logger=io.sluice")))
          .singleElement()
          .asString()
          .contains(
              "Sluice did not start. The key file "
                  + wrong.data().resolve("keyset.json")
                  + " is not the one of this store")
          .contains("SLUICE_KEYSET");
      assertThat(status(right, GIVEN)).isEqualTo(200);
      // What was rotated since is still the same installation's.
      setup.setting("SLUICE_KEYSET", right.data().resolve("keyset.json").toString());
      Vault.open(right.data().resolve("keyset.json"), false).rotate();
      try (SluiceProcess again = setup.start()) {
        assertThat(status(again, GIVEN)).isEqualTo(200);
      }
    }
  }

  private int status(SluiceProcess sluice, String token) throws IOException, InterruptedException {
    return http.send(
            HttpRequest.newBuilder(URI.create(sluice.api() + "/datasources"))
                .header("Authorization", "Bearer " + token)
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }
}
