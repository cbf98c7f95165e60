package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.sluice.model.Secret;
import io.sluice.secrets.Tokens;
import io.sluice.store.Statement;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;

/**
 * {@code POST /oauth/v2/token}: a refresh token for an access token (RFC 6749, section 6), with the
 * parameters in the query or in a form body, as Zoho's clients send them. Its errors have the
 * standard's shape (section 5.2).
 */
public final class AccessTokens {
  private static final Duration LIFETIME = Duration.ofHours(1);
  private static final String FORM = "application/x-www-form-urlencoded";
  private static final String TOKEN = "accessToken";

  /** Longer than any that this service makes. */
  private static final int MAX_PARAMETER_CHARACTERS = 512;

  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9.:\\[\\]-]{1,255}");

  private final Tokens tokens;
  private final Answers answers;
  private final ObjectMapper json;

  public AccessTokens(Tokens tokens, Answers answers, ObjectMapper json) {
    this.tokens = tokens;
    this.answers = answers;
    this.json = json;
  }

  /**
   * What the client asks for.
   *
   * @return a {@link Statement} for the store, or the {@link HttpAnswer} that says what is wrong
   */
  public Object asked(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request, Exchange exchange) {
    Map<String, String> parameters = new HashMap<>();
    String query = request.query() == null ? "" : request.query();
    String type = request.header("content-type").orElse("").toLowerCase(Locale.ROOT);
    String form = type.startsWith(FORM) ? new String(request.body(), StandardCharsets.UTF_8) : "";
    for (String part : List.of(query, form)) {
      Map<String, List<String>> given;
      try {
        given = new QueryStringDecoder(part, false).parameters();
      } catch (IllegalArgumentException e) {
        return refused(400, "invalid_request");
      }
      for (Map.Entry<String, List<String>> each : given.entrySet()) {
        List<String> values = new ArrayList<>(each.getValue());
        if (values.size() > 1
            || values.get(0).length() > MAX_PARAMETER_CHARACTERS
            || parameters.put(each.getKey(), values.get(0)) != null) {
          return refused(400, "invalid_request");
        }
      }
    }
    String grant = parameters.getOrDefault("grant_type", "");
    if (!grant.equals("refresh_token")) {
      return refused(400, grant.isEmpty() ? "invalid_request" : "unsupported_grant_type");
    }
    for (String name : List.of("client_id", "client_secret", "refresh_token")) {
      if (parameters.getOrDefault(name, "").isBlank()) {
        return refused(400, "invalid_request");
      }
    }
    Secret token = Tokens.generate();
    exchange.setProperty(TOKEN, token);
    return Statement.named("issue-token")
        .with("client", parameters.get("client_id").replace('\0', '\uFFFD'))
        .with("secretHash", tokens.hash(Secret.of(parameters.get("client_secret"))))
        .with("refreshHash", tokens.hash(Secret.of(parameters.get("refresh_token"))))
        .with("id", UUID.randomUUID().toString())
        .with("hash", tokens.hash(token))
        .with("lifetime", LIFETIME.toMillis());
  }

  /** The access token, or why there is none. */
  public HttpAnswer issued(
      @Body List<Map<String, Object>> rows,
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(TOKEN) Secret token) {
    Map<String, Object> row = rows.get(0);
    if (((Number) row.get("known")).longValue() == 0) {
      return refused(401, "invalid_client");
    }
    if (((Number) row.get("issued")).longValue() == 0) {
      return refused(400, "invalid_grant");
    }
    ObjectNode body =
        json.createObjectNode()
            .put("access_token", token.reveal())
            .put("expires_in", LIFETIME.toSeconds())
            .put("api_domain", address(request))
            .put("token_type", "Bearer");
    return answers.ok(body);
  }

  /** Where the client has found this service, in the client's own words. */
  private static String address(HttpRequest request) {
    boolean tls = request.header("x-forwarded-proto").filter("https"::equalsIgnoreCase).isPresent();
    String host = request.header("host").filter(h -> HOST.matcher(h).matches()).orElse("");
    return (tls ? "https://" : "http://") + host;
  }

  private HttpAnswer refused(int status, String error) {
    return answers.json(status, json.createObjectNode().put("error", error), Map.of());
  }
}
