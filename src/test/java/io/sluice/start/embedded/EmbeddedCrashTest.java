package io.sluice.start.embedded;

import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.tree;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.contract.DocumentedAnswers;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the development profile embeds outlives {@code kill -9} as servers of their own do. */
final class EmbeddedCrashTest {
  @Test
  void theEmbeddedStoreAndBrokerSurviveAKill() throws Exception {
    try (SluiceProcess process = SluiceProcess.setup().start()) {
      long version = update(process);
      process.kill();
      process.start();
      assertThat(update(process)).isEqualTo(version + 1);
    }
  }

  /** Updates the data source {@code demo} as the greeting suggests; the answer is its version. */
  private static long update(SluiceProcess process) throws IOException, InterruptedException {
    SluiceProcess.Target target = process.target();
    HttpResponse<String> answer =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create(process.api() + "/datasources/demo"))
                    .header("Authorization", "Bearer " + process.token())
                    .header("content-type", "application/json")
                    .PUT(
                        HttpRequest.BodyPublishers.ofByteArray(
                            json(
                                Map.of(
                                    "driver", "postgresql",
                                    "host", target.host(),
                                    "port", target.port(),
                                    "database", target.database(),
                                    "username", target.user(),
                                    "password", target.password()))))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    DocumentedAnswers.check(answer);
    assertThat(answer.statusCode()).describedAs(answer.body()).isEqualTo(200);
    return tree(answer.body().getBytes(UTF_8)).path("version").asLong();
  }
}
