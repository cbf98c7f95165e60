package io.sluice.probe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.model.Secret;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Databricks SQL, by the published REST API of a workspace: the SQL warehouse is read, then one
 * statement is run on it (Statement Execution API 2.0). Not through its maker's driver, which opens
 * its own connections and sends telemetry.
 *
 * <p>The settings' host is the workspace, the password or accessToken its bearer token, and the
 * option httpPath names the warehouse. The field database is the catalog.
 *
 * <p>A statement starts a stopped warehouse, which costs money and takes minutes. So the state is
 * looked at first, and a test starts none.
 */
final class DatabricksService implements CloudService {
  private static final Pattern HOST =
      Pattern.compile(
          "[a-z0-9-]+(\\.[a-z0-9-]+){0,2}"
              + "\\.(cloud\\.databricks\\.(com|us|mil)|gcp\\.databricks\\.com"
              + "|azuredatabricks\\.net|databricks\\.azure\\.(us|cn))");
  private static final String HTTP_PATH = "httpPath";
  private static final String CATALOG = "catalog";
  private static final String SCHEMA = "schema";
  private static final String STATEMENTS = "/api/2.0/sql/statements";

  /** RFC 6750 section 2.1. */
  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._~+/-]+=*");

  private static final Pattern CODE = Pattern.compile("[A-Z0-9_]{1,64}");
  private static final Pattern STATEMENT_ID = Pattern.compile("[A-Za-z0-9-]{1,64}");

  /** The class of a statement's error stands in brackets before the words about it. */
  private static final Pattern ERROR_CLASS =
      Pattern.compile("\\[([A-Z0-9_]{1,64})(\\.[A-Z0-9_]{1,64})?\\]");

  /** What a workspace says of a warehouse only to those whose token it has taken. */
  private static final Set<String> NO_WAREHOUSE =
      Set.of("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE");

  private static final Set<String> NO_QUERIES =
      Set.of("STOPPED", "STOPPING", "DELETED", "DELETING");
  private static final Set<String> CATALOG_ERRORS =
      Set.of(
          "NO_SUCH_CATALOG_EXCEPTION",
          "CATALOG_NOT_FOUND",
          "SCHEMA_NOT_FOUND",
          "SQLSTATE/42704",
          "SQLSTATE/42501");
  private static final String DENIED = "PERMISSION_DENIED";

  /** Before the end of the step: the time to give up in words. */
  private static final Duration LAST_WORDS = Duration.ofMillis(250);

  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public Optional<HostName> endpoint(Connection connection) {
    return HostName.parse(connection.host()).filter(name -> HOST.matcher(name.text()).matches());
  }

  @Override
  public Set<String> others(Connection connection) {
    return Set.of();
  }

  @Override
  public Reason unknownHost() {
    return Reason.UNKNOWN_HOST;
  }

  @Override
  public void check(Connection connection) {
    if (connection.password() == null && connection.accessToken() == null) {
      throw Refusal.ofField(
          Reason.MISSING_FIELD,
          Field.PASSWORD.wireName(),
          "Send a personal access token as password, or a token as accessToken.");
    }
    if (!TOKEN.matcher(token(connection).reveal()).matches()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, holder(connection).wireName(), "This is not a bearer token.");
    }
    if (connection.options().get(HTTP_PATH) == null) {
      throw Refusal.ofField(
          Reason.MISSING_FIELD,
          "options." + HTTP_PATH,
          "The driver needs this option: /sql/1.0/warehouses/ and the warehouse's id.");
    }
    String catalog = connection.options().get(CATALOG);
    if (catalog != null
        && connection.database() != null
        && !catalog.equalsIgnoreCase(connection.database())) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD,
          "options." + CATALOG,
          "The field database names another catalog: send one of the two.");
    }
  }

  private static Secret token(Connection connection) {
    return connection.password() == null ? connection.accessToken() : connection.password();
  }

  private static Field holder(Connection connection) {
    return connection.password() == null ? Field.ACCESS_TOKEN : Field.PASSWORD;
  }

  @Override
  public void talk(TestRun run, HttpsClient https, Conversation.Login login)
      throws ServiceError, IOException, TestEnded {
    new Talk(run, https, login).hold();
  }

  /** One test's. */
  private static final class Talk {
    private final TestRun run;
    private final HttpsClient https;
    private final Conversation.Login login;
    private final Connection connection;
    private final String warehouse;

    Talk(TestRun run, HttpsClient https, Conversation.Login login) {
      this.run = run;
      this.https = https;
      this.login = login;
      this.connection = run.connection();
      String path = connection.options().get(HTTP_PATH);
      this.warehouse = path.substring(path.lastIndexOf('/') + 1);
    }

    void hold() throws ServiceError, IOException, TestEnded {
      ServiceError unusable = lookAtWarehouse();
      login.accepted();
      run.pass(null);
      run.begin(Name.QUERY);
      if (unusable != null) {
        throw unusable;
      }
      try {
        query();
      } catch (ServiceError e) {
        if (connection.database() != null
            && e.codes().stream().anyMatch(CATALOG_ERRORS::contains)) {
          // One answer speaks of both steps.
          run.begin(Name.DATABASE);
        }
        throw e;
      }
      run.journal().passAlong(Name.DATABASE);
      run.pass(null);
    }

    /**
     * The first request: whether the token is taken.
     *
     * @return why the warehouse cannot be used, or null; null also where the token may not look
     */
    private ServiceError lookAtWarehouse() throws ServiceError, IOException {
      try {
        JsonNode answer = send("Warehouse", "GET", "/api/2.0/sql/warehouses/" + warehouse, null);
        String state = answer.path("state").asText();
        if (!CODE.matcher(state).matches()) {
          throw new HttpsClient.NoAnswer(null);
        }
        return NO_QUERIES.contains(state)
            ? new ServiceError(200, null, null, List.of("Warehouse/" + state))
            : null;
      } catch (ServiceError e) {
        if (e.codes().stream().anyMatch(NO_WAREHOUSE::contains)) {
          return e;
        }
        if (e.codes().contains(DENIED)) {
          return null;
        }
        throw e;
      }
    }

    /** Asks without waiting: the shortest wait that the API offers is longer than the step's. */
    private void query() throws ServiceError, IOException {
      ObjectNode request =
          JSON.createObjectNode()
              .put("warehouse_id", warehouse)
              .put("statement", run.driver().validationQuery())
              .put("wait_timeout", "0s")
              .put("disposition", "INLINE")
              .put("format", "JSON_ARRAY")
              .put("row_limit", 1);
      String catalog =
          connection.database() == null ? connection.options().get(CATALOG) : connection.database();
      if (catalog != null) {
        request.put(CATALOG, catalog);
      }
      if (connection.options().get(SCHEMA) != null) {
        request.put(SCHEMA, connection.options().get(SCHEMA));
      }
      JsonNode answer = finished(send("Statement", "POST", STATEMENTS, request));
      if (!answer.path("status").path("state").asText().equals("SUCCEEDED")) {
        throw new ServiceError(200, null, null, failure(answer.path("status")));
      }
      if (answer.path("result").path("data_array").size() != 1) {
        throw new HttpsClient.NoAnswer(null);
      }
    }

    private JsonNode finished(JsonNode first) throws ServiceError, IOException {
      String id = first.path("statement_id").asText();
      if (!STATEMENT_ID.matcher(id).matches()) {
        throw new HttpsClient.NoAnswer(null);
      }
      JsonNode answer = first;
      for (int asked = 0; ; asked++) {
        Duration pause = TestRun.pauseBeforeAsking(asked);
        String state = answer.path("status").path("state").asText();
        if (!state.equals("PENDING") && !state.equals("RUNNING")) {
          return answer;
        }
        if (run.remaining().compareTo(pause.plus(LAST_WORDS)) < 0) {
          cancel(id);
          throw new ServiceError(200, null, null, List.of("Statement/" + state));
        }
        run.pause(pause);
        answer = send("Statement", "GET", STATEMENTS + "/" + id, null);
      }
    }

    /** A statement that nobody waits for holds a warehouse awake. */
    private void cancel(String id) {
      run.beginClose();
      try {
        send("Cancel", "POST", STATEMENTS + "/" + id + "/cancel", JSON.createObjectNode());
      } catch (ServiceError | IOException e) {
        // It ends by itself, later.
      }
    }

    /** Of the words about a failure only the class is read. */
    private static List<String> failure(JsonNode status) throws HttpsClient.NoAnswer {
      String state = status.path("state").asText();
      if (!state.equals("FAILED") && !state.equals("CANCELED")) {
        throw new HttpsClient.NoAnswer(null);
      }
      List<String> codes = new ArrayList<>();
      Matcher named = ERROR_CLASS.matcher(status.path("error").path("message").asText());
      if (named.lookingAt()) {
        codes.add(named.group(1));
      }
      addCode("SQLSTATE/", status.path("sql_state"), codes);
      addCode("Statement/", status.path("error").path("error_code"), codes);
      codes.add("Statement/" + state);
      return codes;
    }

    private static void addCode(String prefix, JsonNode code, List<String> codes) {
      if (CODE.matcher(code.asText()).matches()) {
        codes.add(prefix + code.asText());
      }
    }

    private JsonNode send(String operation, String method, String path, ObjectNode body)
        throws ServiceError, IOException {
      List<HttpsClient.Line> headers =
          List.of(
              new HttpsClient.Line("Accept", "application/json"),
              new HttpsClient.Line("Content-Type", "application/json"),
              new HttpsClient.Line("Authorization", "Bearer " + token(connection).reveal()));
      URI uri = URI.create("https://" + run.host().text() + ":" + connection.port() + path);
      byte[] bytes = body == null ? null : JSON.writeValueAsBytes(body);
      HttpsClient.Answer answer = https.send(method, uri, headers, bytes);
      JsonNode json = null;
      try (InputStream in = answer.body()) {
        json = JSON.readTree(in);
      } catch (JsonProcessingException e) {
        if (answer.status() == 200) {
          throw new HttpsClient.NoAnswer(e);
        }
      }
      if (answer.status() == 200) {
        return json;
      }
      throw refusal(operation, answer.status(), json);
    }

    private ServiceError refusal(String operation, int status, JsonNode json) {
      List<String> codes = new ArrayList<>();
      if (json != null) {
        addCode(operation + "/", json.path("error_code"), codes);
        addCode("", json.path("error_code"), codes);
      }
      boolean token = (status == 401 || status == 403) && !codes.contains(DENIED);
      if (token || status == 429) {
        // The workspace's front refuses in words, or with the status as its code.
        codes.add(Integer.toString(status));
      }
      return new ServiceError(status, token ? holder(connection) : null, null, codes);
    }
  }
}
