package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.net.URI;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Holds an answer against {@code config/openapi.yaml}: the operation has its status, the status has
 * its headers and its content type, and the body keeps to the schema. Every client of the tests
 * passes every answer through here.
 *
 * <p>Stricter than OpenAPI where a client would be surprised: {@code default} stands only for the
 * statuses that its {@code x-statuses} lists, and a header that the answer's description lacks is
 * an objection, unless every answer carries it. The schemas are read by the dialect of OpenAPI 3.0
 * itself; a validator of whole messages would bring a reader of its own for them, of JSON Schema's
 * draft 4. Thread-safe.
 */
public final class DocumentedAnswers {
  /** What HTTP itself, or the operator's {@code info.description}, says of every answer. */
  private static final List<String> OF_EVERY_ANSWER =
      List.of(
          "cache-control",
          "connection",
          "content-length",
          "content-type",
          "transfer-encoding",
          "x-content-type-options",
          "x-request-id");

  private static final List<String> METHODS =
      List.of("get", "put", "post", "patch", "delete", "head", "options", "trace");

  /** Of a request line or headers that nobody read to their end: the same in either API. */
  private static final List<Integer> UNROUTED = List.of(414, 431);

  private static final JsonNode DOCUMENT = ContractFile.read(ContractFile.OPENAPI);
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final List<Path> PATHS =
      DOCUMENT.path("paths").properties().stream()
          .map(path -> new Path(path.getKey(), List.of(path.getKey().split("/", -1))))
          .toList();
  private static final Pattern CONTINUE = Pattern.compile("^HTTP/1.1 100 [^\r]*\r\n\r\n");
  private static final AtomicLong COUNT = new AtomicLong();

  private record Path(String template, List<String> segments) {
    boolean matches(List<String> sent) {
      return sent.size() == segments.size()
          && IntStream.range(0, sent.size())
              .allMatch(i -> parameter(i) ? !sent.get(i).isEmpty() : at(i).equals(sent.get(i)));
    }

    boolean parameter(int segment) {
      return at(segment).startsWith("{");
    }

    long parameters() {
      return segments.stream().filter(segment -> segment.startsWith("{")).count();
    }

    private String at(int segment) {
      return segments.get(segment);
    }

    String pointer() {
      return "/paths/" + escaped(template);
    }
  }

  private DocumentedAnswers() {}

  /** How many answers were checked in this JVM. */
  public static long count() {
    return COUNT.get();
  }

  /** Checks an answer that was read as text. */
  public static HttpResponse<String> check(HttpResponse<String> answer) {
    URI asked = answer.request().uri();
    check(
        answer.request().method(),
        asked.getRawPath(),
        answer.statusCode(),
        answer.headers().map(),
        answer.body());
    return answer;
  }

  /**
   * Checks the one answer that came back on a connection.
   *
   * @param request as it was sent
   * @param received all of it; empty where the connection just ended
   */
  public static void checkRaw(String request, String received) {
    if (received.isEmpty()) {
      return;
    }
    String answer = CONTINUE.matcher(received).replaceFirst("");
    String[] line = request.substring(0, request.indexOf("\r\n")).split(" ", -1);
    // What is no request line has no path.
    String path =
        (line.length > 1 ? line[1] : "")
            .replaceFirst("\\?.*", "")
            .replaceFirst("^https?://[^/]*", "");
    int end = answer.indexOf("\r\n\r\n");
    List<String> head = List.of(answer.substring(0, end).split("\r\n", -1));
    Map<String, List<String>> headers = new LinkedHashMap<>();
    for (String header : head.subList(1, head.size())) {
      int colon = header.indexOf(':');
      headers
          .computeIfAbsent(header.substring(0, colon), name -> new ArrayList<>())
          .add(header.substring(colon + 1).strip());
    }
    check(
        line[0],
        path,
        Integer.parseInt(head.get(0).split(" ", -1)[1]),
        headers,
        answer.substring(end + 4));
  }

  /**
   * @param path as it was sent, without the query
   * @param body as UTF-8 text; what a client does not wait for, such as a stream's, is left out
   * @throws AssertionError when the contract does not have such an answer
   */
  public static void check(
      String method, String path, int status, Map<String, List<String>> headers, String body) {
    COUNT.incrementAndGet();
    List<String> objections = objections(method, path, status, headers, body);
    assertThat(objections)
        .as("%s %s was answered %d %s %s, but %s", method, path, status, headers, body, objections)
        .isEmpty();
  }

  static List<String> objections(
      String method, String path, int status, Map<String, List<String>> headers, String body) {
    Map<String, List<String>> received = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    received.putAll(headers);
    // What HTTP/2 has in place of a status line.
    received.remove(":status");
    boolean head = method.equals("HEAD");
    Optional<String> type = received.getOrDefault("content-type", List.of()).stream().findFirst();
    if (UNROUTED.contains(status)) {
      return objections("/components/responses/Unexpected", received, type, body, head);
    }
    Optional<Path> known = known(path);
    String asked = (head ? "GET" : method).toLowerCase(Locale.ROOT);
    Optional<String> operation =
        known
            .map(found -> found.pointer() + "/" + asked)
            .filter(pointer -> METHODS.contains(asked) && !DOCUMENT.at(pointer).isMissingNode());
    if (operation.isEmpty()) {
      return outside(path, known, status, received, type, body, head);
    }
    JsonNode responses = DOCUMENT.at(operation.get() + "/responses");
    String pointer = operation.get() + "/responses/" + status;
    if (!responses.has(Integer.toString(status))) {
      pointer = operation.get() + "/responses/default";
      List<String> statuses = ContractFile.texts(DOCUMENT.at(resolved(pointer)).path("x-statuses"));
      if (!statuses.contains(Integer.toString(status))) {
        return List.of("the operation has no such status");
      }
    }
    return objections(resolved(pointer), received, type, body, head);
  }

  private static Optional<Path> known(String path) {
    List<String> sent = List.of(path.split("/", -1));
    return PATHS.stream()
        .filter(candidate -> candidate.matches(sent))
        .min((a, b) -> Long.compare(a.parameters(), b.parameters()));
  }

  /** What no operation stands for: no such resource or method, or an address nobody can read. */
  private static List<String> outside(
      String path,
      Optional<Path> known,
      int status,
      Map<String, List<String>> received,
      Optional<String> type,
      String body,
      boolean head) {
    boolean zoho = path.startsWith("/restapi/") || path.startsWith("/oauth/");
    int expected = known.isPresent() && !zoho ? 405 : 404;
    if (status == 503) {
      // While an instance starts or stops it looks at no address.
      String unavailable = zoho ? "ZohoUnexpected" : "Unavailable";
      return objections("/components/responses/" + unavailable, received, type, body, head);
    }
    if (status != expected && status != 400) {
      return List.of("there is no such operation");
    }
    if (known.isPresent() && !received.containsKey("allow")) {
      return List.of("the header Allow is missing");
    }
    return objections(
        "/components/responses/" + (zoho ? "ZohoUnexpected" : "Unexpected"),
        received,
        type,
        body,
        head);
  }

  private static List<String> objections(
      String pointer,
      Map<String, List<String>> received,
      Optional<String> type,
      String body,
      boolean head) {
    JsonNode response = DOCUMENT.at(pointer);
    List<String> objections = new ArrayList<>(headers(pointer, response, received));
    JsonNode contents = response.path("content");
    if (contents.isMissingNode()) {
      if (type.isPresent() || !body.isEmpty()) {
        objections.add("an answer without a body is described");
      }
      return objections;
    }
    if (type.isEmpty() || !contents.has(type.get())) {
      objections.add("the content type is none of " + ContractFile.names(contents));
    } else if (head) {
      if (!body.isEmpty()) {
        objections.add("HEAD has a body");
      }
    } else if (type.get().contains("json")) {
      objections.addAll(body(pointer + "/content/" + escaped(type.get()) + "/schema", body));
    }
    return objections;
  }

  private static List<String> headers(
      String pointer, JsonNode response, Map<String, List<String>> received) {
    List<String> objections = new ArrayList<>();
    Map<String, String> described = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    for (String name : ContractFile.names(response.path("headers"))) {
      described.put(name, resolved(pointer + "/headers/" + escaped(name)));
    }
    received.forEach(
        (name, values) -> {
          if (values.size() != 1) {
            objections.add(name + " is given " + values.size() + " times");
          }
          if (described.containsKey(name)) {
            String schema = described.get(name) + "/schema";
            JsonNode text = JSON.getNodeFactory().textNode(values.get(0));
            JsonNode number = parsed(values.get(0));
            boolean whole = number != null && number.isIntegralNumber();
            JsonNode value =
                whole && DOCUMENT.at(schema).path("type").asText().equals("integer")
                    ? number
                    : text;
            ContractFile.objectionsOfOpenApi(schema, value)
                .forEach(objection -> objections.add(name + ": " + objection));
          } else if (!OF_EVERY_ANSWER.contains(name.toLowerCase(Locale.ROOT))) {
            objections.add(name + " is not described");
          }
        });
    described.forEach(
        (name, header) -> {
          if (DOCUMENT.at(header).path("required").asBoolean() && !received.containsKey(name)) {
            objections.add(name + " is missing");
          }
        });
    for (String name : List.of("X-Request-Id", "X-Content-Type-Options", "Cache-Control")) {
      if (!received.containsKey(name)) {
        objections.add(name + " is missing");
      }
    }
    return objections;
  }

  private static List<String> body(String schema, String body) {
    JsonNode read = parsed(body);
    return read == null
        ? List.of("the body is no JSON")
        : ContractFile.objectionsOfOpenApi(schema, read);
  }

  private static JsonNode parsed(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  /** Where the thing itself stands, for a place that may hold a reference. */
  private static String resolved(String pointer) {
    JsonNode reference = DOCUMENT.at(pointer).path("$ref");
    return reference.isMissingNode() ? pointer : resolved(reference.asText().substring(1));
  }

  /** RFC 6901, section 3. */
  private static String escaped(String name) {
    return name.replace("~", "~0").replace("/", "~1");
  }
}
