package io.sluice.probe;

import com.google.api.client.http.HttpTransport;
import com.google.api.client.http.LowLevelHttpRequest;
import com.google.api.client.http.LowLevelHttpResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;

/** Carries the requests of Google's libraries over a test's own connections. */
final class GoogleTransport extends HttpTransport {
  private final HttpsClient https;

  GoogleTransport(HttpsClient https) {
    this.https = https;
  }

  @Override
  protected LowLevelHttpRequest buildRequest(String method, String url) throws IOException {
    try {
      return new Request(https, method, new URI(url));
    } catch (URISyntaxException e) {
      throw new IOException("Not an address.", e);
    }
  }

  private static final class Request extends LowLevelHttpRequest {
    private final HttpsClient https;
    private final String method;
    private final URI uri;
    private final List<HttpsClient.Line> headers = new ArrayList<>();

    Request(HttpsClient https, String method, URI uri) {
      this.https = https;
      this.method = method;
      this.uri = uri;
    }

    @Override
    public void addHeader(String name, String value) {
      headers.add(new HttpsClient.Line(name, value));
    }

    @Override
    public LowLevelHttpResponse execute() throws IOException {
      byte[] body = null;
      if (getStreamingContent() != null) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        getStreamingContent().writeTo(content);
        body = content.toByteArray();
        addHeader("Content-Type", getContentType());
        if (getContentEncoding() != null) {
          addHeader("Content-Encoding", getContentEncoding());
        }
      }
      return new Response(https.send(method, uri, headers, body));
    }
  }

  private static final class Response extends LowLevelHttpResponse {
    private final HttpsClient.Answer answer;

    Response(HttpsClient.Answer answer) {
      this.answer = answer;
    }

    @Override
    public InputStream getContent() {
      return answer.body();
    }

    @Override
    public String getContentEncoding() {
      return null;
    }

    @Override
    public long getContentLength() {
      return -1;
    }

    @Override
    public String getContentType() {
      return answer.headers().stream()
          .filter(line -> line.name().equalsIgnoreCase("content-type"))
          .map(HttpsClient.Line::value)
          .findFirst()
          .orElse(null);
    }

    @Override
    public String getStatusLine() {
      return "HTTP/1.1 " + answer.status();
    }

    @Override
    public int getStatusCode() {
      return answer.status();
    }

    @Override
    public String getReasonPhrase() {
      return null;
    }

    @Override
    public int getHeaderCount() {
      return answer.headers().size();
    }

    @Override
    public String getHeaderName(int index) {
      return answer.headers().get(index).name();
    }

    @Override
    public String getHeaderValue(int index) {
      return answer.headers().get(index).value();
    }
  }
}
