package io.sluice.servers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.servers.HttpsStub.Request;
import io.sluice.servers.HttpsStub.Response;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One workspace of Databricks, by its REST API. Tokens and warehouses are checked. */
public final class DatabricksStub implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern PATH =
      Pattern.compile("/api/2\\.0/sql/(warehouses|statements)(/[^/]+)?(/cancel)?");

  private final String host;
  private final HttpsStub https;

  /** To whether their users may use the warehouses. */
  private final Map<String, Boolean> tokens = new ConcurrentHashMap<>();

  private final Map<String, String> warehouses = new ConcurrentHashMap<>();
  private final Set<String> catalogs = ConcurrentHashMap.newKeySet();
  private final Set<String> schemas = ConcurrentHashMap.newKeySet();
  private final Map<String, ObjectNode> statements = new ConcurrentHashMap<>();

  private DatabricksStub(TestCa ca, String host) {
    this.host = host;
    https = HttpsStub.start(ca.server(host).sslContext(), this::answer);
  }

  public static DatabricksStub start(TestCa ca, String host) {
    return new DatabricksStub(ca, host);
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

  public void token(String token, boolean mayUse) {
    tokens.put(token, mayUse);
  }

  public void warehouse(String id, String state) {
    warehouses.put(id, state);
  }

  public void schema(String catalog, String schema) {
    catalogs.add(catalog);
    schemas.add(catalog + "." + schema);
  }

  /** Statements that neither have an answer nor are cancelled. */
  public int pending() {
    return statements.size();
  }

  private Response answer(Request request) {
    try {
      Matcher path = PATH.matcher(request.target().getPath());
      if (!request.host().equals(host) || !path.matches()) {
        return error(404, "ENDPOINT_NOT_FOUND");
      }
      Boolean mayUse =
          tokens.get(
              request.headers().getOrDefault("authorization", "").replaceFirst("^Bearer ", ""));
      if (mayUse == null) {
        return error(403, "403");
      }
      String id = path.group(2) == null ? "" : path.group(2).substring(1);
      if (path.group(1).equals("warehouses")) {
        return warehouse(id, mayUse);
      }
      if (request.method().equals("POST") && id.isEmpty()) {
        return execute(JSON.readTree(request.body()), mayUse);
      }
      ObjectNode statement = statements.get(id);
      if (statement == null) {
        return error(404, "NOT_FOUND");
      }
      if (path.group(3) != null) {
        statements.remove(id);
        return Response.json(200, "{}");
      }
      if (!statement.path("status").path("state").asText().equals("PENDING")) {
        statements.remove(id);
      }
      return Response.json(200, statement.toString());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private Response warehouse(String id, boolean mayUse) {
    if (!mayUse) {
      return error(403, "PERMISSION_DENIED");
    }
    String state = warehouses.get(id);
    return state == null
        ? error(404, "RESOURCE_DOES_NOT_EXIST")
        : Response.json(200, JSON.createObjectNode().put("id", id).put("state", state).toString());
  }

  /** With {@code wait_timeout} 0s the answer is to be asked for. */
  private Response execute(JsonNode asked, boolean mayUse) {
    String state = warehouses.get(asked.path("warehouse_id").asText());
    if (state == null) {
      return error(404, "RESOURCE_DOES_NOT_EXIST");
    }
    if (!mayUse) {
      return error(403, "PERMISSION_DENIED");
    }
    if (!asked.path("wait_timeout").asText().equals("0s") || asked.has("on_wait_timeout")) {
      return error(400, "INVALID_PARAMETER_VALUE");
    }
    String id = UUID.randomUUID().toString();
    ObjectNode statement = JSON.createObjectNode().put("statement_id", id);
    ObjectNode status = statement.putObject("status");
    String catalog = asked.path("catalog").asText("main");
    String schema = asked.path("schema").asText("");
    if (!state.equals("RUNNING")) {
      status.put("state", "PENDING");
    } else if (!catalogs.contains(catalog)) {
      fail(status, "NO_SUCH_CATALOG_EXCEPTION", "42704");
    } else if (!schema.isEmpty() && !schemas.contains(catalog + "." + schema)) {
      fail(status, "SCHEMA_NOT_FOUND", "42704");
    } else if (!asked.path("statement").asText().equals("SELECT 1")) {
      fail(status, "PARSE_SYNTAX_ERROR", "42601");
    } else {
      status.put("state", "SUCCEEDED");
      statement.putObject("result").put("row_count", 1).putArray("data_array").addArray().add("1");
    }
    statements.put(id, statement);
    return Response.json(
        200, "{\"statement_id\":\"" + id + "\",\"status\":{\"state\":\"PENDING\"}}");
  }

  private static void fail(ObjectNode status, String name, String sqlState) {
    status.put("state", "FAILED").put("sql_state", sqlState);
    status
        .putObject("error")
        .put("error_code", "BAD_REQUEST")
        .put("message", "[" + name + "] No. SQLSTATE: " + sqlState);
  }

  private static Response error(int status, String code) {
    return Response.json(
        status, JSON.createObjectNode().put("error_code", code).put("message", "No.").toString());
  }

  @Override
  public void close() {
    https.close();
  }
}
