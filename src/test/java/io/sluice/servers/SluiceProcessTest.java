package io.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.contract.DocumentedAnswers;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import org.junit.jupiter.api.Test;

class SluiceProcessTest {
  private final HttpClient client = HttpClient.newHttpClient();

  @Test
  void portZeroTakesFreePortsAndTheGreetingNamesThem() throws Exception {
    SluiceProcess sluice = SluiceProcess.shared();
    assertThat(sluice.api().getPort()).isPositive().isNotEqualTo(sluice.readiness().getPort());
    assertThat(client.send(request(sluice.readiness()), BodyHandlers.discarding()).statusCode())
        .isEqualTo(200);
    assertThat(answer(sluice.api().resolve("/openapi.json")).statusCode()).isEqualTo(200);
    String[] broker = sluice.bootstrap().split(":", 2);
    try (Socket connected = new Socket(broker[0], Integer.parseInt(broker[1]))) {
      assertThat(connected.isConnected()).isTrue();
    }
  }

  @Test
  void healthIsNotServedOnThePortOfTheApi() throws Exception {
    SluiceProcess sluice = SluiceProcess.shared();
    assertThat(answer(sluice.api().resolve("/observe/health/ready")).statusCode()).isEqualTo(404);
  }

  /** Of the API. */
  private HttpResponse<String> answer(URI address) throws IOException, InterruptedException {
    return DocumentedAnswers.check(client.send(request(address), BodyHandlers.ofString()));
  }

  private static HttpRequest request(URI address) {
    return HttpRequest.newBuilder(address).build();
  }
}
