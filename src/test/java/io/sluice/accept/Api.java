package io.sluice.accept;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.canary.CanarySearch;
import io.sluice.contract.DocumentedAnswers;
import io.sluice.model.Secret;
import io.sluice.secrets.Tokens;
import io.sluice.secrets.Vault;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A client of the APIs of one process. It keeps every answer, so that all of them can be searched
 * for secrets, and fails on an answer that the contract does not describe.
 */
final class Api {
  static final ObjectMapper JSON = new ObjectMapper();

  private static final int READ_LIMIT_MILLIS = 30_000;

  /** One answer. */
  record Answer(int status, HttpHeaders headers, String body) {
    JsonNode json() {
      try {
        return JSON.readTree(body);
      } catch (JsonProcessingException e) {
        throw new AssertionError("The answer is no JSON: " + body, e);
      }
    }

    String header(String name) {
      return headers.firstValue(name).orElse(null);
    }

    String reason() {
      return json().path("reason").asText();
    }

    int errorCode() {
      return json().path("data").path("errorCode").asInt();
    }
  }

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final SluiceProcess process;
  private final List<String> transcript = new CopyOnWriteArrayList<>();

  Api(SluiceProcess process) {
    this.process = process;
  }

  /** A request in the making. */
  final class Request {
    private final HttpRequest.Builder builder;
    private final String method;
    private BodyPublisher body = BodyPublishers.noBody();

    private Request(String method, String pathAndQuery) {
      this.method = method;
      this.builder = HttpRequest.newBuilder(process.api().resolve(pathAndQuery));
      builder.timeout(Duration.ofMillis(READ_LIMIT_MILLIS));
    }

    Request header(String name, String value) {
      builder.header(name, value);
      return this;
    }

    /** Under the scheme of the native API. */
    Request token(String token) {
      return header("Authorization", "Bearer " + token);
    }

    /** The first token, under the scheme of the native API. */
    Request admin() {
      return token(process.token());
    }

    Request json(JsonNode document) {
      return body("application/json", document.toString());
    }

    Request body(String contentType, String text) {
      return body(contentType, BodyPublishers.ofString(text, UTF_8));
    }

    Request body(String contentType, BodyPublisher publisher) {
      if (contentType != null) {
        header("Content-Type", contentType);
      }
      body = publisher;
      return this;
    }

    Answer send() {
      try {
        HttpResponse<String> response =
            client.send(builder.method(method, body).build(), Api::text);
        transcript.add(response.statusCode() + " " + response.headers().map());
        transcript.add(response.body());
        DocumentedAnswers.check(response);
        return new Answer(response.statusCode(), response.headers(), response.body());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  /** A stream of events has no end to wait for. */
  private static BodySubscriber<String> text(ResponseInfo answer) {
    boolean stream =
        answer.headers().firstValue("content-type").filter("text/event-stream"::equals).isPresent();
    return stream
        ? BodySubscribers.mapping(BodySubscribers.ofInputStream(), Api::left)
        : BodySubscribers.ofString(UTF_8);
  }

  private static String left(InputStream body) {
    try (body) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Request request(String method, String pathAndQuery) {
    return new Request(method, pathAndQuery);
  }

  Request get(String pathAndQuery) {
    return request("GET", pathAndQuery).admin();
  }

  Answer put(String id, JsonNode document) {
    return request("PUT", "/datasources/" + id).admin().json(document).send();
  }

  /** Settings that work: those of the database to play with. */
  ObjectNode works() {
    SluiceProcess.Target target = process.target();
    return JSON.createObjectNode()
        .put("driver", "postgresql")
        .put("host", target.host())
        .put("port", target.port())
        .put("database", target.database())
        .put("username", target.user())
        .put("password", target.password());
  }

  /** Creates a data source and answers its id. */
  String create(ObjectNode document) {
    String id = "ds-" + UUID.randomUUID();
    ObjectNode whole = document.deepCopy().put("id", id);
    Answer answer = request("POST", "/datasources").admin().json(whole).send();
    assertThat(answer.status()).as(answer.body()).isEqualTo(201);
    return id;
  }

  /** What is stored, as text: equal texts are equal documents. */
  String stored(String id) {
    Answer answer = get("/datasources/" + id).send();
    assertThat(answer.status()).isEqualTo(200);
    return answer.body();
  }

  /** Sends bytes of the test's own on a connection of their own, and answers all that came back. */
  String raw(String request) {
    try (Socket socket = new Socket(process.api().getHost(), process.api().getPort())) {
      socket.setSoTimeout(READ_LIMIT_MILLIS);
      OutputStream out = socket.getOutputStream();
      out.write(request.getBytes(ISO_8859_1));
      out.flush();
      InputStream in = socket.getInputStream();
      String answer = new String(in.readAllBytes(), ISO_8859_1);
      transcript.add(answer);
      DocumentedAnswers.checkRaw(request, answer);
      return answer;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The same, read as one answer. */
  Answer rawAnswer(String request) {
    String answer = raw(request);
    int end = answer.indexOf("\r\n\r\n");
    return new Answer(
        Integer.parseInt(answer.split(" ", 3)[1]),
        HttpHeaders.of(Map.of(), (name, value) -> true),
        answer.substring(end + 4));
  }

  /** A token with these scopes only, in a workspace that is made where it is missing. */
  String tokenIn(String org, String workspace, String... scopes) {
    Secret token = Tokens.generate();
    Tokens tokens = new Tokens(Vault.open(process.data().resolve("keyset.json"), false));
    try (Connection store = process.store()) {
      update(store, "insert into orgs (id, name) values (?, 'test') on conflict do nothing", org);
      update(
          store,
          "insert into workspaces (id, org_id, name) values (?, ?, 'test') on conflict do nothing",
          workspace,
          org);
      update(
          store,
          "insert into api_tokens (id, hash, workspace_id, name, scopes)"
              + " values (?, ?, ?, 'test', string_to_array(?, ' '))",
          UUID.randomUUID().toString(),
          tokens.hash(token),
          workspace,
          String.join(" ", scopes));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
    return token.reveal();
  }

  /** A token with these scopes in the first workspace. */
  String token(String... scopes) {
    return tokenIn(process.organization(), process.workspace(), scopes);
  }

  private static void update(Connection store, String sql, String... values) throws SQLException {
    try (PreparedStatement statement = store.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        statement.setString(i + 1, values[i]);
      }
      statement.executeUpdate();
    }
  }

  /** Searches all answers, the outputs of the process and all that its servers keep. */
  void assertNoSecretLeaked(CanarySearch canaries) {
    canaries.assertNoneIn("the answers", String.join("\n", transcript));
    canaries.assertNoneIn("the log", process.logged());
    canaries.assertNoneIn(process.data().resolve("postgres/cluster"));
    canaries.assertNoneIn(process.data().resolve("kafka"));
  }

  static ObjectNode object(Map<String, ?> fields) {
    return JSON.valueToTree(fields);
  }

  static String text(JsonNode node, String... path) {
    JsonNode at = node;
    for (String name : List.of(path)) {
      at = at.path(name);
    }
    return at.asText();
  }
}
