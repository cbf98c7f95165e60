package io.sluice.probe;

import io.sluice.model.HostName;
import io.sluice.model.Report.Name;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.SSLSocket;
import org.apache.hc.core5.http.ClassicHttpResponse;
import org.apache.hc.core5.http.ContentType;
import org.apache.hc.core5.http.Header;
import org.apache.hc.core5.http.HttpEntity;
import org.apache.hc.core5.http.HttpException;
import org.apache.hc.core5.http.HttpHeaders;
import org.apache.hc.core5.http.MalformedChunkCodingException;
import org.apache.hc.core5.http.TruncatedChunkException;
import org.apache.hc.core5.http.config.Http1Config;
import org.apache.hc.core5.http.impl.DefaultConnectionReuseStrategy;
import org.apache.hc.core5.http.impl.io.DefaultBHttpClientConnection;
import org.apache.hc.core5.http.io.entity.ByteArrayEntity;
import org.apache.hc.core5.http.message.BasicClassicHttpRequest;
import org.apache.hc.core5.http.protocol.HttpCoreContext;
import org.apache.hc.core5.net.URIAuthority;

/**
 * HTTP/1.1 (RFC 9112) over verified TLS to the hosts of one service, for one test.
 *
 * <p>It goes to the test's host and to those that the service is known to need, all on the test's
 * port, and nowhere else: not where a library would like to go, not where an answer points to. The
 * sockets are the test's, so its watchdog bounds every exchange. Nothing is compressed, retried or
 * kept. For one thread.
 */
final class HttpsClient {
  private static final int DEFAULT_PORT = 443;
  private static final int MAX_BODY_BYTES = 1024 * 1024;
  private static final int MAX_INTERIM_ANSWERS = 5;
  private static final Http1Config LIMITS =
      Http1Config.custom().setMaxLineLength(16 * 1024).setMaxHeaderCount(100).build();
  private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);

  /** What this class says itself; a library's own words about this machine stay here. */
  private static final Set<String> OWN_HEADERS =
      Set.of(
          "accept-encoding",
          "connection",
          "content-length",
          "expect",
          "transfer-encoding",
          "user-agent",
          "x-goog-api-client");

  private final TestRun run;
  private final NetworkPath path;
  private final Set<String> others;
  private final Map<String, DefaultBHttpClientConnection> open = new HashMap<>();
  private boolean cut;

  /**
   * @param others lower-case names that may be gone to beside the test's own host
   */
  HttpsClient(TestRun run, NetworkPath path, Set<String> others) {
    this.run = run;
    this.path = path;
    this.others = Set.copyOf(others);
  }

  /** One header of a request or an answer. */
  record Line(String name, String value) {}

  /** A complete answer. */
  static final class Answer {
    private final int status;
    private final List<Line> headers;
    private final byte[] body;

    private Answer(int status, List<Line> headers, byte[] body) {
      this.status = status;
      this.headers = headers;
      this.body = body;
    }

    int status() {
      return status;
    }

    List<Line> headers() {
      return headers;
    }

    /** In UTF-8 or whatever the headers say; at most {@value #MAX_BODY_BYTES} bytes. */
    InputStream body() {
      return new ByteArrayInputStream(body);
    }
  }

  /** The service, or a library in its name, points to a host that it is not known to need. */
  static final class Elsewhere extends IOException {
    private static final long serialVersionUID = 1L;

    Elsewhere() {
      super("Neither redirects nor other hosts are followed.");
    }
  }

  /** What came is no answer that a service of this kind gives. */
  static final class NoAnswer extends IOException {
    private static final long serialVersionUID = 1L;

    NoAnswer(Throwable cause) {
      super("The answer is not HTTP, or not within bounds.", cause);
    }
  }

  /** The handshake with the test's own host: ends the step {@code tls}. */
  void greet() throws IOException {
    SSLSocket secured = VerifiedTls.over(run.takeSocket(), run);
    secured.startHandshake();
    VerifiedTls.passed(secured.getSession(), run);
    keep(run.host().text(), secured);
  }

  /**
   * Sends one request and reads its whole answer.
   *
   * @param body null: none
   * @throws Elsewhere for a redirect, and for a host or port that is not the service's
   * @throws NoAnswer for anything that is not HTTP or too large
   * @throws Obstacle when a further host is not reached
   */
  Answer send(String method, URI uri, List<Line> headers, byte[] body) throws IOException {
    String host = uri.getHost() == null ? "" : uri.getHost().toLowerCase(Locale.ROOT);
    int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
    if (!"https".equals(uri.getScheme())
        || port != run.connection().port()
        || !(host.equals(run.host().text()) || others.contains(host))) {
      throw new Elsewhere();
    }
    DefaultBHttpClientConnection connection = open.get(host);
    if (connection == null) {
      connection = dial(host);
    }
    String target = uri.getRawPath() == null || uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
    BasicClassicHttpRequest request =
        new BasicClassicHttpRequest(
            method,
            uri.getScheme(),
            new URIAuthority(host, uri.getPort()),
            uri.getRawQuery() == null ? target : target + "?" + uri.getRawQuery());
    for (Line line : headers) {
      if (!OWN_HEADERS.contains(line.name().toLowerCase(Locale.ROOT))) {
        request.addHeader(line.name(), line.value());
      }
    }
    if (!request.containsHeader(HttpHeaders.HOST)) {
      request.addHeader(HttpHeaders.HOST, port == DEFAULT_PORT ? host : host + ":" + port);
    }
    request.addHeader(HttpHeaders.USER_AGENT, "sluice");
    if (body != null) {
      request.addHeader(HttpHeaders.CONTENT_LENGTH, body.length);
      request.setEntity(new ByteArrayEntity(body, ContentType.APPLICATION_OCTET_STREAM));
    }
    try {
      Answer answer = exchange(connection, request);
      if (REDIRECTS.contains(answer.status())) {
        throw new Elsewhere();
      }
      return answer;
    } catch (TruncatedChunkException e) {
      cut = true;
      throw e;
    } catch (HttpException | MalformedChunkCodingException e) {
      throw new NoAnswer(e);
    } catch (Elsewhere | NoAnswer e) {
      throw e;
    } catch (IOException e) {
      cut = true;
      throw e;
    }
  }

  /** Whether a connection broke. Libraries' own exceptions about an answer look alike. */
  boolean cut() {
    return cut;
  }

  private Answer exchange(DefaultBHttpClientConnection connection, BasicClassicHttpRequest request)
      throws IOException, HttpException {
    connection.sendRequestHeader(request);
    if (request.getEntity() != null) {
      connection.sendRequestEntity(request);
    }
    connection.flush();
    ClassicHttpResponse response = connection.receiveResponseHeader();
    for (int interim = 0; response.getCode() < 200; interim++) {
      if (interim == MAX_INTERIM_ANSWERS || response.getCode() == 101) {
        throw new NoAnswer(null);
      }
      response = connection.receiveResponseHeader();
    }
    Header encoding = response.getFirstHeader(HttpHeaders.CONTENT_ENCODING);
    if (encoding != null && !"identity".equalsIgnoreCase(encoding.getValue())) {
      throw new NoAnswer(null);
    }
    byte[] body = new byte[0];
    if (!request.getMethod().equals("HEAD") && response.getCode() != 204) {
      connection.receiveResponseEntity(response);
      HttpEntity entity = response.getEntity();
      if (entity != null) {
        try (InputStream content = entity.getContent()) {
          body = content.readNBytes(MAX_BODY_BYTES + 1);
        }
        if (body.length > MAX_BODY_BYTES) {
          throw new NoAnswer(null);
        }
      }
    }
    if (!DefaultConnectionReuseStrategy.INSTANCE.keepAlive(
        request, response, HttpCoreContext.create())) {
      open.values().remove(connection);
    }
    List<Line> lines =
        List.of(response.getHeaders()).stream()
            .map(header -> new Line(header.getName(), header.getValue()))
            .toList();
    return new Answer(response.getCode(), lines, body);
  }

  private DefaultBHttpClientConnection dial(String name) throws IOException {
    HostName host = HostName.parse(name).orElseThrow(Elsewhere::new);
    Socket socket;
    try {
      socket = path.dial(host);
    } catch (Obstacle e) {
      throw others.contains(name) ? e.onTheWayTo(name) : e;
    }
    TlsOutcome outcome = new TlsOutcome();
    SSLSocket secured = VerifiedTls.over(socket, run, host, outcome);
    try {
      secured.startHandshake();
    } catch (IOException e) {
      if (outcome.reason() != null) {
        throw new Obstacle(Name.TLS, outcome.reason(), outcome.field(), outcome.hint())
            .onTheWayTo(name);
      }
      throw e;
    }
    return keep(name, secured);
  }

  private DefaultBHttpClientConnection keep(String host, SSLSocket secured) throws IOException {
    DefaultBHttpClientConnection connection = new DefaultBHttpClientConnection(LIMITS);
    connection.bind(secured);
    open.put(host, connection);
    return connection;
  }
}
