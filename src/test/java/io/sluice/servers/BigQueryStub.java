package io.sluice.servers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.servers.HttpsStub.Request;
import io.sluice.servers.HttpsStub.Response;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.Signature;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Google BigQuery's REST API and Google's token endpoint, as they are published (RFC 6749, RFC
 * 7523). Bearer tokens, refresh tokens and the signed assertions of service accounts are checked.
 */
public final class BigQueryStub implements AutoCloseable {
  public static final String HOST = "bigquery.googleapis.com";
  public static final String TOKEN_HOST = "oauth2.googleapis.com";
  public static final String CLIENT_ID = "client.apps.googleusercontent.example";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern PATH =
      Pattern.compile("/bigquery/v2/projects/([^/]+)/(datasets|queries)(?:/([^/]+))?");

  private final HttpsStub https;
  private final Set<String> accessTokens = ConcurrentHashMap.newKeySet();
  private final Set<String> refreshTokens = ConcurrentHashMap.newKeySet();
  private final Map<String, KeyPair> serviceAccounts = new ConcurrentHashMap<>();
  private final List<String> datasets = new CopyOnWriteArrayList<>();
  private final String clientSecret = "secret-" + UUID.randomUUID();
  private volatile boolean mayQuery = true;

  private BigQueryStub(TestCa.Issued certificate) {
    https = HttpsStub.start(certificate.sslContext(), this::answer);
  }

  public static BigQueryStub start(TestCa ca) {
    return start(ca.server(HOST, TOKEN_HOST));
  }

  /** With a certificate for other names than both hosts'. */
  public static BigQueryStub start(TestCa.Issued certificate) {
    return new BigQueryStub(certificate);
  }

  public HttpsStub https() {
    return https;
  }

  public int port() {
    return https.port();
  }

  public String clientSecret() {
    return clientSecret;
  }

  public String accessToken() {
    return added(accessTokens, "ya29.");
  }

  public String refreshToken() {
    return added(refreshTokens, "1//");
  }

  private static String added(Set<String> tokens, String prefix) {
    String token = prefix + UUID.randomUUID();
    tokens.add(token);
    return token;
  }

  /** A new service account's key file, on one line. */
  public String serviceAccount(String email, String project) {
    KeyPair keys = TestCa.KeyKind.RSA.generate();
    serviceAccounts.put(email, keys);
    return keyFile(email, project, keys);
  }

  /** What a key file looks like; the account need not be known here. */
  public static String keyFile(String email, String project, KeyPair keys) {
    String pem =
        "-----BEGIN PRIVATE KEY-----\n"
            + Base64.getMimeEncoder(64, new byte[] {'\n'})
                .encodeToString(keys.getPrivate().getEncoded())
            + "\n-----END PRIVATE KEY-----\n";
    return JSON.createObjectNode()
        .put("type", "service_account")
        .put("project_id", project)
        .put("private_key_id", "k1")
        .put("private_key", pem)
        .put("client_email", email)
        .put("client_id", "1")
        .put("token_uri", "https://oauth2.googleapis.com/token")
        .toString();
  }

  public void dataset(String project, String name) {
    datasets.add(project + "/" + name);
    datasets.add(project);
  }

  /** Whether tokens may run queries. */
  public void mayQuery(boolean may) {
    mayQuery = may;
  }

  private Response answer(Request request) {
    try {
      return switch (request.host()) {
        case TOKEN_HOST -> token(HttpsStub.form(request.body()));
        case HOST -> api(request);
        default -> error(404, "notFound", "NOT_FOUND");
      };
    } catch (GeneralSecurityException | JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private Response token(Map<String, String> form)
      throws GeneralSecurityException, JsonProcessingException {
    String problem =
        switch (form.getOrDefault("grant_type", "")) {
          case "refresh_token" -> refreshProblem(form);
          case "urn:ietf:params:oauth:grant-type:jwt-bearer" ->
              assertionProblem(form.getOrDefault("assertion", ""));
          default -> "unsupported_grant_type";
        };
    return problem == null
        ? Response.json(
            200,
            "{\"access_token\":\"%s\",\"expires_in\":3599,\"token_type\":\"Bearer\"}"
                .formatted(accessToken()))
        : Response.json(
            problem.equals("invalid_client") ? 401 : 400, "{\"error\":\"" + problem + "\"}");
  }

  private String refreshProblem(Map<String, String> form) {
    if (!CLIENT_ID.equals(form.get("client_id"))
        || !clientSecret.equals(form.get("client_secret"))) {
      return "invalid_client";
    }
    return refreshTokens.contains(form.get("refresh_token")) ? null : "invalid_grant";
  }

  private String assertionProblem(String assertion)
      throws GeneralSecurityException, JsonProcessingException {
    String[] parts = assertion.split("\\.", -1);
    if (parts.length != 3) {
      return "invalid_request";
    }
    JsonNode header = JSON.readTree(text(parts[0]));
    JsonNode claims = JSON.readTree(text(parts[1]));
    KeyPair keys = serviceAccounts.get(claims.path("iss").asText());
    long now = Instant.now().getEpochSecond();
    if (keys == null
        || !header.path("alg").asText().equals("RS256")
        || !claims.path("aud").asText().equals("https://" + TOKEN_HOST + "/token")
        || !claims.path("scope").asText().contains("auth/bigquery")
        || claims.path("exp").asLong() < now
        || claims.path("iat").asLong() > now + 60) {
      return "invalid_grant";
    }
    Signature verifier = Signature.getInstance("SHA256withRSA");
    verifier.initVerify(keys.getPublic());
    verifier.update((parts[0] + "." + parts[1]).getBytes(StandardCharsets.US_ASCII));
    return verifier.verify(Base64.getUrlDecoder().decode(parts[2])) ? null : "invalid_grant";
  }

  private static String text(String part) {
    return new String(Base64.getUrlDecoder().decode(part), StandardCharsets.UTF_8);
  }

  private Response api(Request request) throws JsonProcessingException {
    String bearer = request.headers().getOrDefault("authorization", "");
    if (!bearer.startsWith("Bearer ") || !accessTokens.contains(bearer.substring(7))) {
      return error(401, "authError", "UNAUTHENTICATED");
    }
    Matcher path = PATH.matcher(request.target().getPath());
    if (!path.matches()) {
      return error(404, "notFound", "NOT_FOUND");
    }
    String project = path.group(1);
    if (path.group(2).equals("datasets")) {
      return datasets.contains(project + "/" + path.group(3))
          ? Response.json(200, "{\"kind\":\"bigquery#dataset\",\"id\":\"d\"}")
          : error(404, "notFound", "NOT_FOUND");
    }
    if (!datasets.contains(project)) {
      return error(404, "notFound", "NOT_FOUND");
    }
    if (!mayQuery) {
      return error(403, "accessDenied", "PERMISSION_DENIED");
    }
    String job = "\"jobReference\":{\"projectId\":\"%s\",\"jobId\":\"j1\",\"location\":\"EU\"}";
    if (request.method().equals("POST")) {
      JsonNode query = JSON.readTree(request.body());
      return query.path("query").asText().equals("SELECT 1")
              && !query.path("useLegacySql").asBoolean(true)
          ? Response.json(200, "{" + job.formatted(project) + ",\"jobComplete\":false}")
          : error(400, "invalidQuery", "INVALID_ARGUMENT");
    }
    boolean located = "EU".equals(HttpsStub.form(request.target().getRawQuery()).get("location"));
    return located && "j1".equals(path.group(3))
        ? Response.json(
            200,
            "{"
                + job.formatted(project)
                + ",\"jobComplete\":true,\"totalRows\":\"1\",\"rows\":[{\"f\":[{\"v\":\"1\"}]}]}")
        : error(404, "notFound", "NOT_FOUND");
  }

  private static Response error(int status, String reason, String name) {
    return Response.json(
        status,
        """
        {"error":{"code":%d,"message":"No.","errors":[{"message":"No.","domain":"global",
        "reason":"%s"}],"status":"%s"}}
        """
            .formatted(status, reason, name));
  }

  @Override
  public void close() {
    https.close();
  }
}
