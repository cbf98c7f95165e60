package io.sluice.servers;

import static org.assertj.core.api.Assertions.assertThat;

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
    assertThat(status(sluice.readiness())).isEqualTo(200);
    assertThat(status(sluice.api().resolve("/openapi.json"))).isEqualTo(200);
    String[] broker = sluice.bootstrap().split(":", 2);
    try (Socket connected = new Socket(broker[0], Integer.parseInt(broker[1]))) {
      assertThat(connected.isConnected()).isTrue();
    }
  }

  @Test
  void healthIsNotServedOnThePortOfTheApi() throws Exception {
    SluiceProcess sluice = SluiceProcess.shared();
    assertThat(status(sluice.api().resolve("/observe/health/ready"))).isEqualTo(404);
  }

  private int status(URI address) throws IOException, InterruptedException {
    HttpResponse<Void> response =
        client.send(HttpRequest.newBuilder(address).build(), BodyHandlers.discarding());
    return response.statusCode();
  }
}
