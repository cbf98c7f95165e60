package io.sluice.accept;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Secret;
import io.sluice.secrets.Scope;
import io.sluice.secrets.Tokens;
import io.sluice.store.Statement;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * The steps of {@code routes/14-administer}. What is generated here (a token, a client's secret) is
 * shown once, in the answer; the store has its keyed hash.
 */
public final class Administration {
  /** The ids of organizations and workspaces, which whoever adds them chooses. */
  public static final Pattern ID = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private static final String SHOWN_ONCE = "shownOnce";
  private static final Pattern NAME =
      Pattern.compile(
          "[^\\p{Cc}\\p{Cs}\\p{Zl}\\p{Zp}\\x{61C}\\x{200E}\\x{200F}\\x{202A}-\\x{202E}\\x{2066}-\\x{2069}]"
              + "{1,128}");

  private final Tokens tokens;
  private final Answers answers;
  private final ObjectMapper json;

  public Administration(Tokens tokens, Answers answers, ObjectMapper json) {
    this.tokens = tokens;
    this.answers = answers;
    this.json = json;
  }

  /** {@code GET /orgs}. */
  public Statement organizations(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    return all("list-orgs", request);
  }

  /** {@code POST /orgs}. */
  public Statement addOrganization(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request, Exchange exchange) {
    JsonNode body = body(request, Set.of("id", "name"));
    exchange.setProperty(SHOWN_ONCE, Map.of());
    return Statement.named("add-org").with("id", id(body, "id")).with("name", name(body));
  }

  /** {@code GET /workspaces}. */
  public Statement workspaces(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    return all("list-workspaces", request);
  }

  /** {@code POST /workspaces}. */
  public Statement addWorkspace(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request, Exchange exchange) {
    JsonNode body = body(request, Set.of("id", "org", "name"));
    exchange.setProperty(SHOWN_ONCE, Map.of());
    return Statement.named("add-workspace")
        .with("id", id(body, "id"))
        .with("org", id(body, "org"))
        .with("name", name(body));
  }

  /** {@code GET /tokens}. */
  public Statement tokens(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    return all("list-tokens", request);
  }

  /** {@code POST /tokens}. */
  public Statement addToken(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request, Exchange exchange) {
    JsonNode body = body(request, Set.of("workspace", "name", "scopes", "expires_at"));
    Secret token = Tokens.generate();
    exchange.setProperty(SHOWN_ONCE, Map.of("token", token));
    return Statement.named("add-token")
        .with("id", UUID.randomUUID().toString())
        .with("hash", tokens.hash(token))
        .with("workspace", id(body, "workspace"))
        .with("name", name(body))
        .with("scopes", scopes(body))
        .with("expiresAt", expiry(body));
  }

  /** {@code DELETE /tokens/{tokenId}}. */
  public Statement withdrawToken(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    if (caller.token().id().equals(path.get("tokenId"))) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, "tokenId", "A token does not withdraw itself: use another one.");
    }
    return withdraw("delete-token", request, path.get("tokenId"));
  }

  /** {@code GET /clients}. */
  public Statement clients(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    return all("list-clients", request);
  }

  /** {@code POST /clients}. */
  public Statement addClient(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request, Exchange exchange) {
    JsonNode body = body(request, Set.of("workspace", "name", "scopes"));
    Secret secret = Tokens.generate();
    Secret refresh = Tokens.generate();
    exchange.setProperty(SHOWN_ONCE, Map.of("client_secret", secret, "refresh_token", refresh));
    return Statement.named("add-client")
        .with("id", UUID.randomUUID().toString())
        .with("secretHash", tokens.hash(secret))
        .with("refreshHash", tokens.hash(refresh))
        .with("workspace", id(body, "workspace"))
        .with("name", name(body))
        .with("scopes", scopes(body));
  }

  /** {@code DELETE /clients/{clientId}}. */
  public Statement withdrawClient(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Callers.PATH) Map<String, String> path) {
    return withdraw("delete-client", request, path.get("clientId"));
  }

  private static Statement all(String statement, HttpRequest request) {
    new Query(request, Set.of()).check();
    return Statement.named(statement);
  }

  private static Statement withdraw(String statement, HttpRequest request, String id) {
    new Query(request, Set.of()).check();
    if (!ID.matcher(id).matches()) {
      throw Refusal.because(Reason.NOT_FOUND);
    }
    return Statement.named(statement).with("id", id);
  }

  private JsonNode body(HttpRequest request, Set<String> known) {
    new Query(request, Set.of()).check();
    return request.json(json, known);
  }

  private static String id(JsonNode body, String field) {
    return text(body, field, ID, " has 1 to 64 letters, digits, dots, underscores or hyphens.");
  }

  private static String name(JsonNode body) {
    return text(
        body,
        "name",
        NAME,
        " has 1 to 128 characters, no control characters, direction marks or line separators.");
  }

  private static String text(JsonNode body, String field, Pattern grammar, String rule) {
    String text = body.path(field).textValue();
    if (text == null || !grammar.matcher(text).matches()) {
      throw Refusal.ofField(Reason.INVALID_FIELD, field, field + rule);
    }
    return text;
  }

  private static String scopes(JsonNode body) {
    JsonNode list = body.path("scopes");
    boolean words =
        list.isArray()
            && !list.isEmpty()
            && StreamSupport.stream(list.spliterator(), false).allMatch(JsonNode::isTextual);
    try {
      if (words) {
        return Scope.format(
            StreamSupport.stream(list.spliterator(), false)
                .flatMap(scope -> Scope.parse(scope.textValue()).stream())
                .collect(Collectors.toSet()));
      }
    } catch (IllegalArgumentException e) {
      throw Refusal.ofField(Reason.INVALID_FIELD, "scopes", e.getMessage());
    }
    throw Refusal.ofField(
        Reason.INVALID_FIELD, "scopes", "scopes is a list of at least one scope.");
  }

  private OffsetDateTime expiry(JsonNode body) {
    JsonNode given = body.path("expires_at");
    if (given.isMissingNode() || given.isNull()) {
      return null;
    }
    try {
      return Instant.parse(given.textValue() == null ? "" : given.textValue())
          .atOffset(ZoneOffset.UTC);
    } catch (DateTimeParseException e) {
      throw noLaterTime();
    }
  }

  private static Refusal noLaterTime() {
    return Refusal.ofField(
        Reason.INVALID_FIELD, "expires_at", "expires_at is a later time, as 2030-01-31T12:00:00Z.");
  }

  /** 200 with all there are. */
  public HttpAnswer listed(@Body List<Map<String, Object>> rows) {
    ArrayNode all = json.createArrayNode();
    rows.forEach(row -> all.add(written(row)));
    return answers.ok(all);
  }

  /** 201 with what was added, and its secrets for the only time. */
  public HttpAnswer added(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(SHOWN_ONCE) Map<String, Secret> shownOnce) {
    Map<String, Object> row = rows.isEmpty() ? Map.of() : rows.get(0);
    if (row.get("parents") instanceof Number parents && parents.longValue() == 0) {
      throw Refusal.because(
          Reason.NOT_FOUND, "The organization or workspace that the body names does not exist.");
    }
    if (Boolean.TRUE.equals(row.get("over"))) {
      throw noLaterTime();
    }
    if (row.get("id") == null) {
      throw Refusal.because(Reason.ALREADY_EXISTS, "This id is taken.");
    }
    ObjectNode body = written(row);
    new TreeMap<>(shownOnce).forEach((name, secret) -> body.put(name, secret.reveal()));
    return answers.json(201, body, Map.of());
  }

  private ObjectNode written(Map<String, Object> row) {
    ObjectNode node = json.createObjectNode();
    Map<String, Object> shown = new LinkedHashMap<>(row);
    shown.keySet().removeAll(Set.of("parents", "over"));
    shown.forEach(
        (name, value) -> {
          if (name.equals("scopes")) {
            node.set(name, json.valueToTree(List.of(((String) value).split(" "))));
          } else if (value instanceof Timestamp time) {
            node.put(name, time.toInstant().toString());
          } else if (value != null) {
            node.put(name, (String) value);
          }
        });
    return node;
  }

  /** 204: it lets nobody in any more, once the instances have forgotten it. */
  public HttpAnswer withdrawn(@Body List<Map<String, Object>> rows) {
    if (rows.isEmpty()) {
      throw Refusal.because(Reason.NOT_FOUND);
    }
    return HttpAnswer.empty(204);
  }
}
