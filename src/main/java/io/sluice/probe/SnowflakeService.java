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
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Snowflake, by the HTTP protocol that its makers' open-source drivers speak: a login request, one
 * query, the end of the session. Not through a driver of theirs: the one for JDBC opens its own
 * connections, keeps caches on disk and sends telemetry.
 *
 * <p>The settings' host is the account's identifier or its whole host name. A login is a password
 * or, as accessToken, an OAuth token.
 *
 * <p>A login succeeds although the database or the warehouse that it names does not exist. The
 * session then has none of that name, which is what is looked at.
 */
final class SnowflakeService implements CloudService {
  private static final String DOMAIN = ".snowflakecomputing.com";
  private static final String CHINA = ".snowflakecomputing.cn";
  private static final Pattern ACCOUNT =
      Pattern.compile("[a-z0-9][a-z0-9-]*(\\.[a-z0-9][a-z0-9-]*){0,3}");
  private static final Pattern CODE = Pattern.compile("[0-9]{6}");
  private static final Set<String> IN_PROGRESS = Set.of("333333", "333334");
  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public Optional<HostName> endpoint(Connection connection) {
    String host = connection.host().toLowerCase(Locale.ROOT);
    String suffix = host.endsWith(CHINA) ? CHINA : DOMAIN;
    String account =
        host.endsWith(suffix) ? host.substring(0, host.length() - suffix.length()) : host;
    return ACCOUNT.matcher(account).matches() ? HostName.parse(account + suffix) : Optional.empty();
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
          Reason.MISSING_FIELD, Field.PASSWORD.wireName(), "Send password or accessToken.");
    }
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

    Talk(TestRun run, HttpsClient https, Conversation.Login login) {
      this.run = run;
      this.https = https;
      this.login = login;
      this.connection = run.connection();
    }

    void hold() throws ServiceError, IOException, TestEnded {
      JsonNode session = login();
      String token = session.path("token").asText();
      if (token.isEmpty()) {
        throw new HttpsClient.NoAnswer(null);
      }
      login.accepted();
      run.pass(null);
      JsonNode info = session.path("sessionInfo");
      if (connection.database() != null) {
        run.begin(Name.DATABASE);
        require(info, "databaseName", connection.database(), "session/database");
        require(info, "schemaName", connection.options().get("schema"), "session/schema");
        run.pass(null);
      }
      run.begin(Name.QUERY);
      require(info, "warehouseName", connection.options().get("warehouse"), "session/warehouse");
      query(token);
      run.pass(null);
      leave(token);
    }

    private JsonNode login() throws ServiceError, IOException {
      ObjectNode request = JSON.createObjectNode();
      ObjectNode data = request.putObject("data");
      data.put("CLIENT_APP_ID", "sluice");
      data.put("CLIENT_APP_VERSION", "1");
      data.put("ACCOUNT_NAME", run.host().text().split("\\.", 2)[0].toUpperCase(Locale.ROOT));
      data.put("LOGIN_NAME", connection.username());
      if (connection.password() != null) {
        data.put("PASSWORD", connection.password().reveal());
      } else {
        data.put("AUTHENTICATOR", "OAUTH");
        data.put("TOKEN", connection.accessToken().reveal());
      }
      data.putObject("SESSION_PARAMETERS").put("CLIENT_SESSION_KEEP_ALIVE", false);
      data.putObject("CLIENT_ENVIRONMENT").put("APPLICATION", "sluice");
      StringBuilder path = new StringBuilder("/session/v1/login-request");
      path.append("?requestId=").append(UUID.randomUUID());
      parameter(path, "databaseName", connection.database());
      parameter(path, "schemaName", connection.options().get("schema"));
      parameter(path, "warehouse", connection.options().get("warehouse"));
      parameter(path, "roleName", connection.options().get("role"));
      return send("login", "POST", path.toString(), request, null).path("data");
    }

    private static void parameter(StringBuilder path, String name, String value) {
      if (value != null) {
        path.append('&').append(name).append('=');
        path.append(URLEncoder.encode(value, StandardCharsets.UTF_8).replace("+", "%20"));
      }
    }

    /** What a session has is what was asked for, or it was not there. */
    private static void require(JsonNode info, String what, String wanted, String code)
        throws ServiceError {
      if (wanted != null && !plain(wanted).equals(plain(info.path(what).asText("")))) {
        throw new ServiceError(200, null, null, List.of(code));
      }
    }

    /** Identifiers are upper case unless they stand in quotes. */
    private static String plain(String identifier) {
      return identifier.replace("\"", "").toUpperCase(Locale.ROOT);
    }

    private void query(String token) throws ServiceError, IOException {
      ObjectNode request =
          JSON.createObjectNode()
              .put("sqlText", run.driver().validationQuery())
              .put("asyncExec", false)
              .put("sequenceId", 1);
      JsonNode answer =
          send(
              "query",
              "POST",
              "/queries/v1/query-request?requestId=" + UUID.randomUUID(),
              request,
              token);
      while (IN_PROGRESS.contains(answer.path("code").asText())) {
        String next = answer.path("data").path("getResultUrl").asText();
        if (!next.startsWith("/queries/")) {
          throw new HttpsClient.NoAnswer(null);
        }
        answer = send("query", "GET", next, null, token);
      }
      if (answer.path("data").path("total").asInt() != 1) {
        throw new HttpsClient.NoAnswer(null);
      }
    }

    /** Sessions are few; one that cannot be ended ends by itself. */
    private void leave(String token) {
      run.journal().succeed();
      run.beginClose();
      try {
        send("logout", "POST", "/session?delete=true&requestId=" + UUID.randomUUID(), null, token);
      } catch (ServiceError | IOException e) {
        // The answer is given.
      }
    }

    private JsonNode send(
        String operation, String method, String path, ObjectNode body, String token)
        throws ServiceError, IOException {
      List<HttpsClient.Line> headers = new ArrayList<>();
      headers.add(new HttpsClient.Line("Accept", "application/json"));
      headers.add(new HttpsClient.Line("Content-Type", "application/json"));
      if (token != null) {
        headers.add(new HttpsClient.Line("Authorization", "Snowflake Token=\"" + token + "\""));
      }
      byte[] bytes = null;
      if (method.equals("POST")) {
        bytes = JSON.writeValueAsBytes(body == null ? Map.of() : body);
      }
      URI uri;
      try {
        uri = URI.create("https://" + run.host().text() + ":" + connection.port() + path);
      } catch (IllegalArgumentException e) {
        throw new HttpsClient.NoAnswer(e);
      }
      HttpsClient.Answer answer = https.send(method, uri, headers, bytes);
      if (answer.status() != 200 && answer.status() != 202) {
        // Without a code: the service's front refuses, for instance an account that is not there.
        throw new ServiceError(
            answer.status(), null, null, List.of(operation + "/" + answer.status()));
      }
      JsonNode json;
      try (InputStream in = answer.body()) {
        json = JSON.readTree(in);
      } catch (JsonProcessingException e) {
        throw new HttpsClient.NoAnswer(e);
      }
      String code = json.path("code").asText("");
      if (json.path("success").asBoolean(false) || IN_PROGRESS.contains(code)) {
        return json;
      }
      throw new ServiceError(
          200,
          null,
          null,
          CODE.matcher(code).matches() ? List.of(operation + "/" + code, code) : List.of());
    }
  }
}
