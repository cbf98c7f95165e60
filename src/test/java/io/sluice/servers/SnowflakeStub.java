package io.sluice.servers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.servers.HttpsStub.Request;
import io.sluice.servers.HttpsStub.Response;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * One account of Snowflake, by the HTTP protocol of its drivers. Passwords and tokens are checked.
 */
public final class SnowflakeStub implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String host;
  private final HttpsStub https;
  private final Map<String, String> users = new ConcurrentHashMap<>();
  private final Set<String> databases = ConcurrentHashMap.newKeySet();
  private final Set<String> warehouses = ConcurrentHashMap.newKeySet();
  private final Set<String> roles = ConcurrentHashMap.newKeySet();
  private final Map<String, String> sessions = new ConcurrentHashMap<>();
  private final Set<String> suspended = ConcurrentHashMap.newKeySet();

  private SnowflakeStub(TestCa ca, String account) {
    host = account + ".snowflakecomputing.com";
    https =
        HttpsStub.start(
            ca.server(host, "nobody.snowflakecomputing.com").sslContext(), this::answer);
  }

  public static SnowflakeStub start(TestCa ca, String account) {
    return new SnowflakeStub(ca, account);
  }

  public HttpsStub https() {
    return https;
  }

  public int port() {
    return https.port();
  }

  public String host() {
    return host;
  }

  public void user(String name, String password) {
    users.put(name.toUpperCase(Locale.ROOT), password);
  }

  public void database(String name) {
    databases.add(name);
  }

  public void warehouse(String name, boolean running) {
    warehouses.add(name);
    if (!running) {
      suspended.add(name);
    }
  }

  public void role(String name) {
    roles.add(name);
  }

  /** Sessions that nobody has ended. */
  public int sessions() {
    return sessions.size();
  }

  private Response answer(Request request) {
    try {
      if (!request.host().equals(host)) {
        return new Response(403, Map.of("Content-Type", "text/html"), "<html>Forbidden</html>");
      }
      return switch (request.target().getPath()) {
        case "/session/v1/login-request" -> login(request);
        case "/queries/v1/query-request" -> query(request);
        case "/session" -> {
          sessions.remove(token(request));
          yield Response.json(200, "{\"success\":true}");
        }
        default ->
            request.target().getPath().equals("/queries/q1/result")
                    && sessions.containsKey(token(request))
                ? result()
                : Response.empty(404);
      };
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private Response login(Request request) throws JsonProcessingException {
    Map<String, String> query = HttpsStub.form(request.target().getRawQuery());
    JsonNode data = JSON.readTree(request.body()).path("data");
    String user = data.path("LOGIN_NAME").asText().toUpperCase(Locale.ROOT);
    String account = data.path("ACCOUNT_NAME").asText().toLowerCase(Locale.ROOT);
    if (!host.startsWith(account + ".")
        || !data.path("PASSWORD").asText().equals(users.get(user))) {
      return error("390100");
    }
    String role = query.get("roleName");
    if (role != null && !roles.contains(role)) {
      return error("390189");
    }
    String token = UUID.randomUUID().toString();
    String warehouse = query.getOrDefault("warehouse", "");
    sessions.put(token, warehouse);
    ObjectNode answer = JSON.createObjectNode().put("success", true);
    answer.putNull("code");
    ObjectNode session =
        answer.putObject("data").put("token", token).put("masterToken", "m" + token);
    ObjectNode info = session.putObject("sessionInfo");
    put(info, "databaseName", databases, query.get("databaseName"));
    put(info, "warehouseName", warehouses, warehouse);
    return Response.json(200, answer.toString());
  }

  private static void put(ObjectNode info, String name, Set<String> known, String wanted) {
    info.put(
        name, wanted != null && known.contains(wanted) ? wanted.toUpperCase(Locale.ROOT) : null);
  }

  private Response query(Request request) throws JsonProcessingException {
    String warehouse = sessions.get(token(request));
    if (warehouse == null) {
      return error("390104");
    }
    if (!JSON.readTree(request.body()).path("sqlText").asText().equals("SELECT 1")) {
      return error("001003");
    }
    return suspended.contains(warehouse)
        ? error("000606")
        : Response.json(
            200,
            "{\"success\":false,\"code\":\"333334\",\"data\":{\"getResultUrl\":\"/queries/q1/result\"}}");
  }

  private static Response result() {
    return Response.json(
        200,
        "{\"success\":true,\"code\":null,\"data\":{\"total\":1,\"returned\":1,\"rowset\":[[\"1\"]]}}");
  }

  private static String token(Request request) {
    return request
        .headers()
        .getOrDefault("authorization", "")
        .replaceFirst("^Snowflake Token=\"(.*)\"$", "$1");
  }

  private static Response error(String code) {
    return Response.json(
        200, "{\"data\":null,\"code\":\"" + code + "\",\"message\":\"No.\",\"success\":false}");
  }

  @Override
  public void close() {
    https.close();
  }
}
