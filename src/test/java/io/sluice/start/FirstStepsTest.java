package io.sluice.start;

import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.contract.DocumentedAnswers;
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
            .containsOnlyOnce("gives no access: the first token of this store is another one")
            .doesNotContain(made);
      }
      try (SluiceProcess told = setup.setting("SLUICE_TOKEN", GIVEN).start()) {
        assertThat(status(told, GIVEN)).isEqualTo(200);
        assertThat(status(told, first.token())).isEqualTo(403);
      }
    }
  }

  @Test
  void aFirstTokenThatWasWithdrawnComesBackWithNoStart() throws Exception {
    PostgresServer server = PostgresServer.shared();
    SluiceProcess.Setup setup =
        SluiceProcess.setup()
            .store(server, server.createDatabase())
            .setting("KAFKA_BROKERS", "127.0.0.1:1")
            .setting("SLUICE_TOKEN", GIVEN)
            .setting("LOG_LEVEL", "WARN");
    try (SluiceProcess process = setup.start()) {
      HttpResponse<String> made =
          call(
              process,
              GIVEN,
              "POST",
              "/tokens",
              "{\"workspace\":\""
                  + process.workspace()
                  + "\",\"name\":\"n\",\"scopes\":[\"admin\"]}");
      assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
      String other = tree(made.body().getBytes(UTF_8)).path("token").asText();
      assertThat(call(process, other, "DELETE", "/tokens/first", "").statusCode()).isEqualTo(204);
      assertThat(call(process, other, "DELETE", "/tokens/first", "").statusCode()).isEqualTo(404);
      assertThat(call(process, other, "GET", "/tokens", "").body()).doesNotContain("\"first\"");
      process.stop();
      process.start();

      assertThat(status(process, GIVEN)).isEqualTo(403);
      assertThat(process.logged())
          .contains("The token in SLUICE_TOKEN gives no access")
          .doesNotContain("level=INFO logger=org.apache.camel.impl");
      setup
          .setting("SLUICE_TOKEN", GIVEN + "-the-next")
          .setting("SLUICE_KEYSET", process.data().resolve("keyset.json").toString());
      try (SluiceProcess next = setup.start()) {
        assertThat(status(next, GIVEN + "-the-next")).isEqualTo(200);
        assertThat(status(next, GIVEN)).isEqualTo(403);
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
    return call(sluice, token, "GET", "/datasources", "").statusCode();
  }

  private HttpResponse<String> call(
      SluiceProcess sluice, String token, String method, String path, String body)
      throws IOException, InterruptedException {
    return DocumentedAnswers.check(
        http.send(
            HttpRequest.newBuilder(URI.create(sluice.api() + path))
                .header("Authorization", "Bearer " + token)
                .header("content-type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString()));
  }
}
