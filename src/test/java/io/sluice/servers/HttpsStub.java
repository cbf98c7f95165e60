package io.sluice.servers;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;

/** HTTPS on a port of loopback for the emulated services; keeps what it was asked. */
public final class HttpsStub implements AutoCloseable {
  /**
   * @param headers by lower-case names
   */
  public record Request(String method, URI target, Map<String, String> headers, String body) {
    /** The name in the Host header, without its port. */
    public String host() {
      return headers.getOrDefault("host", "").replaceAll(":[0-9]+$", "");
    }
  }

  /**
   * @param body null: without an end
   */
  public record Response(int status, Map<String, String> headers, String body) {
    public static Response json(int status, String body) {
      return new Response(status, Map.of("Content-Type", "application/json; charset=UTF-8"), body);
    }

    public static Response empty(int status) {
      return new Response(status, Map.of(), "");
    }

    /** A body that begins like JSON and goes on until the client hangs up. */
    public static Response endless(int status) {
      return new Response(status, Map.of("Content-Type", "application/json"), null);
    }
  }

  private final HttpsServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final Function<Request, Response> service;
  private volatile Function<Request, Response> override;

  private HttpsStub(SSLContext tls, Function<Request, Response> service) {
    this.service = service;
    try {
      server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.setHttpsConfigurator(new HttpsConfigurator(tls));
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  public static HttpsStub start(SSLContext tls, Function<Request, Response> service) {
    return new HttpsStub(tls, service);
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      Map<String, String> headers = new TreeMap<>();
      exchange
          .getRequestHeaders()
          .forEach(
              (name, values) ->
                  headers.put(name.toLowerCase(Locale.ROOT), String.join(",", values)));
      Request request =
          new Request(
              exchange.getRequestMethod(),
              exchange.getRequestURI(),
              headers,
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
      requests.add(request);
      Function<Request, Response> now = override;
      Response response = now == null ? null : now.apply(request);
      if (response == null) {
        response = service.apply(request);
      }
      response.headers().forEach(exchange.getResponseHeaders()::set);
      if (response.body() == null) {
        exchange.sendResponseHeaders(response.status(), 0);
        flood(exchange.getResponseBody());
      }
      byte[] body = response.body().getBytes(StandardCharsets.UTF_8);
      boolean none = body.length == 0 || request.method().equals("HEAD");
      exchange.sendResponseHeaders(response.status(), none ? -1 : body.length);
      if (!none) {
        try (OutputStream out = exchange.getResponseBody()) {
          out.write(body);
        }
      }
    }
  }

  private static void flood(OutputStream out) throws IOException {
    out.write("{\"endless\":\"".getBytes(StandardCharsets.UTF_8));
    byte[] more = "x".repeat(8192).getBytes(StandardCharsets.UTF_8);
    while (true) {
      out.write(more);
    }
  }

  /** Lets a test answer in the service's place; where it gives null the service answers. */
  public void answering(Function<Request, Response> misbehaviour) {
    override = misbehaviour;
  }

  public int port() {
    return server.getAddress().getPort();
  }

  /** Every request so far. */
  public List<Request> requests() {
    return List.copyOf(requests);
  }

  public void forget() {
    requests.clear();
    override = null;
  }

  /** A form's or a query's parameters (application/x-www-form-urlencoded), each given once. */
  static Map<String, String> form(String text) {
    return List.of(text.split("&", -1)).stream()
        .filter(pair -> !pair.isEmpty())
        .map(pair -> pair.split("=", 2))
        .collect(
            Collectors.toMap(
                pair -> decoded(pair[0]), pair -> pair.length < 2 ? "" : decoded(pair[1])));
  }

  private static String decoded(String text) {
    return java.net.URLDecoder.decode(text, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
