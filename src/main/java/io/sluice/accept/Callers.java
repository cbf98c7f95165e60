package io.sluice.accept;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Secret;
import io.sluice.model.ZohoError;
import io.sluice.probe.Prober;
import io.sluice.secrets.ApiToken;
import io.sluice.secrets.Scope;
import io.sluice.secrets.Tokens;
import io.sluice.store.Statement;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Message;

/**
 * The steps of {@code routes/15-identify}. Deny by default: a request without a token that the
 * store knows, or without the operation's scope, gets no further.
 */
public final class Callers {
  /** The exchange property that holds the decoded path parameters. */
  public static final String PATH = "path";

  private static final String TOKEN_HASH = "tokenHash";
  private static final String TOKEN = "token";
  private static final String NATIVE_SCHEME = "bearer ";
  private static final String ZOHO_SCHEME = "zoho-oauthtoken ";

  /** For so long a revoked token may go on working. */
  private static final Duration CACHE_TIME = Duration.ofSeconds(5);

  private static final int CACHE_LIMIT = 10_000;

  /**
   * @param until by the clock that no one sets, {@link System#nanoTime}
   */
  private record Known(ApiToken token, long until) {}

  private final Map<String, Known> known = new ConcurrentHashMap<>();
  private final Tokens tokens;

  public Callers(Tokens tokens) {
    this.tokens = tokens;
  }

  /**
   * Takes the path's parameters and the token out of the request; from here on the message carries
   * no header.
   */
  public void receive(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request, Exchange exchange) {
    Message message = exchange.getMessage();
    Map<String, String> path = new HashMap<>();
    for (String name :
        List.of("id", "updateId", "workspaceId", "datasourceId", "tokenId", "clientId")) {
      String value = message.getHeader(name, String.class);
      if (value != null) {
        path.put(name, decoded(value));
      }
    }
    message.removeHeaders("*");
    exchange.setProperty(PATH, path);
    String presented = credentials(request);
    exchange.setProperty(TOKEN_HASH, tokens.hash(Secret.of(presented)));
  }

  /** Percent-decoding of a path segment: RFC 3986, where a plus sign is a plus sign. */
  private static String decoded(String segment) {
    try {
      return URLDecoder.decode(segment.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw Refusal.because(Reason.NOT_FOUND);
    }
  }

  private static String credentials(HttpRequest request) {
    if (request.repeats("authorization")) {
      throw Refusal.because(Reason.FORBIDDEN, "Send one Authorization header.");
    }
    String scheme = request.zoho() ? ZOHO_SCHEME : NATIVE_SCHEME;
    String header = request.header("authorization").orElse("");
    if (!header.toLowerCase(Locale.ROOT).startsWith(scheme)) {
      throw request.zoho()
          ? Refusal.because(Reason.FORBIDDEN, ZohoError.INVALID_AUTHENTICATION)
          : Refusal.because(Reason.FORBIDDEN);
    }
    String token = header.substring(scheme.length()).strip();
    if (token.isEmpty()) {
      throw Refusal.because(Reason.FORBIDDEN);
    }
    return token;
  }

  /**
   * Whether the request's token is one that the store has known, not long ago as a rule; it may
   * have been revoked since. Asks nobody.
   */
  boolean familiar(HttpRequest request) {
    try {
      return known.containsKey(tokens.hash(Secret.of(credentials(request))));
    } catch (Refusal e) {
      return false;
    }
  }

  /** Whether the store has to be asked about the token. */
  public boolean unknown(@ExchangeProperty(TOKEN_HASH) String hash, Exchange exchange) {
    Known cached = known.get(hash);
    if (cached == null || System.nanoTime() - cached.until() > 0) {
      return true;
    }
    // Others may make room for theirs before this one is let in.
    exchange.setProperty(TOKEN, cached.token());
    return false;
  }

  /** Asks the store about the token. */
  public Statement find(@ExchangeProperty(TOKEN_HASH) String hash) {
    return Statement.named("find-token").with("hash", hash);
  }

  /** Keeps what the store knows of the token, but no longer than the store lets it be valid. */
  public void found(
      @ExchangeProperty(TOKEN_HASH) String hash,
      @Body List<Map<String, Object>> rows,
      Exchange exchange) {
    if (rows.isEmpty()) {
      known.remove(hash);
      throw Refusal.because(Reason.FORBIDDEN);
    }
    if (known.size() >= CACHE_LIMIT) {
      known.clear();
    }
    Map<String, Object> row = rows.get(0);
    Number left = (Number) row.get("millis_left");
    Duration kept =
        left == null || left.longValue() > CACHE_TIME.toMillis()
            ? CACHE_TIME
            : Duration.ofMillis(left.longValue());
    Known found = new Known(token(row), System.nanoTime() + kept.toNanos());
    known.put(hash, found);
    exchange.setProperty(TOKEN, found.token());
  }

  private static ApiToken token(Map<String, Object> row) {
    return new ApiToken(
        (String) row.get("id"),
        (String) row.get("holder"),
        (String) row.get("workspace_id"),
        Scope.parse((String) row.get("scopes")),
        (String) row.get("name"));
  }

  /** Lets the caller in, or not. */
  public void admit(
      @ExchangeProperty(TOKEN) ApiToken token,
      @ExchangeProperty("scope") String scope,
      Exchange exchange) {
    Set<Scope> needed = Scope.parse(scope);
    if (!needed.stream().allMatch(token::allows)) {
      throw Refusal.because(Reason.SCOPE_MISSING);
    }
    exchange.setProperty(Prober.SENDER, token.holder());
    exchange.setProperty(Caller.PROPERTY, new Caller(token, token.workspace()));
  }
}
