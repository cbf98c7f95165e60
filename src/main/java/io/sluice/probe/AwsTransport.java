package io.sluice.probe;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpFullResponse;
import software.amazon.awssdk.http.SdkHttpRequest;

/** Carries the requests of AWS's SDK over a test's own connections. */
final class AwsTransport implements SdkHttpClient {
  private final HttpsClient https;

  AwsTransport(HttpsClient https) {
    this.https = https;
  }

  @Override
  public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
    return new ExecutableHttpRequest() {
      @Override
      public HttpExecuteResponse call() throws IOException {
        byte[] body = null;
        ContentStreamProvider content = request.contentStreamProvider().orElse(null);
        if (content != null) {
          try (InputStream in = content.newStream()) {
            body = in.readAllBytes();
          }
        }
        HttpsClient.Answer answer = send(https, request.httpRequest(), body);
        SdkHttpFullResponse.Builder response =
            SdkHttpFullResponse.builder().statusCode(answer.status());
        answer.headers().forEach(line -> response.appendHeader(line.name(), line.value()));
        return HttpExecuteResponse.builder()
            .response(response.build())
            .responseBody(AbortableInputStream.create(answer.body()))
            .build();
      }

      @Override
      public void abort() {
        // The test's watchdog closes the socket.
      }
    };
  }

  /** Sends a request that is signed already. */
  static HttpsClient.Answer send(HttpsClient https, SdkHttpRequest request, byte[] body)
      throws IOException {
    List<HttpsClient.Line> headers = new ArrayList<>();
    request.forEachHeader(
        (name, values) -> values.forEach(value -> headers.add(new HttpsClient.Line(name, value))));
    return https.send(request.method().name(), request.getUri(), headers, body);
  }

  @Override
  public String clientName() {
    return "sluice";
  }

  @Override
  public void close() {
    // The sockets are the test's.
  }
}
