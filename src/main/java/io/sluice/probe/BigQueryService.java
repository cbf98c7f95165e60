package io.sluice.probe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.google.api.client.googleapis.json.GoogleJsonError;
import com.google.api.client.googleapis.json.GoogleJsonResponseException;
import com.google.api.client.googleapis.services.AbstractGoogleClientRequest;
import com.google.api.client.http.HttpResponseException;
import com.google.api.client.json.gson.GsonFactory;
import com.google.api.services.bigquery.Bigquery;
import com.google.api.services.bigquery.model.GetQueryResultsResponse;
import com.google.api.services.bigquery.model.JobReference;
import com.google.api.services.bigquery.model.QueryRequest;
import com.google.api.services.bigquery.model.QueryResponse;
import com.google.api.services.bigquery.model.TableRow;
import com.google.auth.oauth2.GoogleCredentials;
import com.google.auth.oauth2.ServiceAccountCredentials;
import com.google.auth.oauth2.UserCredentials;
import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report.Name;
import io.sluice.model.Secret;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Google BigQuery, through Google's libraries. A login is one of three: a service account's key
 * file as the password, on one line; a refresh token, which needs an OAuth client of the operator's
 * ({@link OAuthClient}); an access token. The first that is there counts, as the longest-lived.
 *
 * <p>The first two are exchanged for an access token at Google's own address, whatever a key file
 * says about that.
 */
final class BigQueryService implements CloudService {
  private static final Pattern HOST =
      Pattern.compile(
          "bigquery\\.googleapis\\.com"
              + "|bigquery\\.[a-z0-9-]+\\.rep\\.googleapis\\.com"
              + "|bigquery-[a-z0-9]+\\.p\\.googleapis\\.com");
  private static final String TOKEN_HOST = "oauth2.googleapis.com";
  private static final String TOKEN_PATH = "/token";
  private static final String TOKEN_URI = "https://" + TOKEN_HOST + TOKEN_PATH;
  private static final List<String> SCOPES = List.of("https://www.googleapis.com/auth/bigquery");
  private static final String PROJECT = "projectId";
  private static final Pattern PROJECT_ID = Pattern.compile("([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,29}");
  private static final Pattern CODE = Pattern.compile("[A-Za-z_]{1,64}");
  private static final ObjectReader JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build()
          .readerFor(JsonNode.class);

  private final OAuthClient client;

  /**
   * @param client null: none is configured
   */
  BigQueryService(OAuthClient client) {
    this.client = client;
  }

  @Override
  public Optional<HostName> endpoint(Connection connection) {
    return HostName.parse(connection.host()).filter(name -> HOST.matcher(name.text()).matches());
  }

  @Override
  public Set<String> others(Connection connection) {
    return Set.of(TOKEN_HOST);
  }

  @Override
  public Reason unknownHost() {
    return Reason.UNKNOWN_HOST;
  }

  @Override
  public void check(Connection connection) {
    if (endpoint(connection).isEmpty()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD,
          Field.HOST.wireName(),
          "The host must be bigquery.googleapis.com, or a regional or private endpoint of it.");
    }
    if (connection.password() == null
        && connection.refreshToken() == null
        && connection.accessToken() == null) {
      throw Refusal.ofField(
          Reason.MISSING_FIELD,
          Field.ACCESS_TOKEN.wireName(),
          "Send accessToken, refreshToken, or a service account's key file as password.");
    }
    if (connection.password() == null && connection.accessToken() == null && client == null) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD,
          Field.REFRESH_TOKEN.wireName(),
          "This installation has no OAuth client for refresh tokens: its operator sets"
              + " sluice.google.client-id and sluice.google.client-secret.");
    }
    if (connection.password() != null) {
      KeyFile.read(connection.password());
    }
    project(connection);
  }

  private static String project(Connection connection) {
    String project = connection.options().get(PROJECT);
    if (project == null && connection.password() != null) {
      project = KeyFile.read(connection.password()).project();
    }
    if (project == null) {
      throw Refusal.ofField(
          Reason.MISSING_FIELD, "options." + PROJECT, "The driver needs this option.");
    }
    if (!PROJECT_ID.matcher(project).matches()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, "options." + PROJECT, "This is not the id of a project.");
    }
    return project;
  }

  @Override
  public void talk(TestRun run, HttpsClient https, Conversation.Login login)
      throws ServiceError, IOException, TestEnded {
    new Talk(run, https, login).hold();
  }

  /** What a test needs of a service account's key file; the rest of it is not looked at. */
  private record KeyFile(String email, String keyId, String key, String project) {
    static KeyFile read(Secret secret) {
      try {
        JsonNode file = JSON.readTree(secret.reveal());
        String tokenUri = file.path("token_uri").asText(TOKEN_URI);
        String universe = file.path("universe_domain").asText("googleapis.com");
        if (!file.path("type").asText().equals("service_account")
            || file.path("client_email").asText().isEmpty()
            || file.path("private_key").asText().isEmpty()) {
          throw unusable("The password must be the JSON key file of a service account.");
        }
        if (!tokenUri.equals(TOKEN_URI) || !universe.equals("googleapis.com")) {
          throw unusable("The key file must be for googleapis.com, with token_uri " + TOKEN_URI);
        }
        requireKey(file.path("client_email").asText(), file.path("private_key").asText());
        return new KeyFile(
            file.path("client_email").asText(),
            file.path("private_key_id").asText(null),
            file.path("private_key").asText(),
            file.path("project_id").asText(null));
      } catch (JsonProcessingException e) {
        throw unusable("The password must be a service account's key file: JSON on one line.");
      }
    }

    private static void requireKey(String email, String key) {
      try {
        ServiceAccountCredentials.fromPkcs8(null, email, key, null, SCOPES);
      } catch (IOException | RuntimeException e) {
        throw unusable("The key file's private_key must be a PKCS #8 key as PEM text.");
      }
    }

    private static Refusal unusable(String message) {
      return Refusal.ofField(Reason.INVALID_FIELD, Field.PASSWORD.wireName(), message);
    }
  }

  /** One test's. */
  private final class Talk {
    private final TestRun run;
    private final HttpsClient https;
    private final Conversation.Login login;
    private final Connection connection;
    private final String project;
    private final Field credential;

    Talk(TestRun run, HttpsClient https, Conversation.Login login) {
      this.run = run;
      this.https = https;
      this.login = login;
      this.connection = run.connection();
      this.project = project(connection);
      if (connection.password() != null) {
        credential = Field.PASSWORD;
      } else if (connection.refreshToken() != null && client != null) {
        credential = Field.REFRESH_TOKEN;
      } else {
        credential = Field.ACCESS_TOKEN;
      }
    }

    void hold() throws ServiceError, IOException, TestEnded {
      String token = accessToken();
      Bigquery api =
          new Bigquery.Builder(
                  new GoogleTransport(https),
                  GsonFactory.getDefaultInstance(),
                  request -> {
                    request.getHeaders().setAuthorization("Bearer " + token);
                    request.setNumberOfRetries(0);
                    request.setLoggingEnabled(false);
                  })
              .setApplicationName("sluice")
              .setRootUrl(root(run.host().text()) + "/")
              .build();
      String dataset = connection.database();
      if (dataset != null) {
        call("datasets.get", api.datasets().get(project, dataset));
        accepted();
        run.journal().passAlong(Name.DATABASE);
        run.begin(Name.QUERY);
      }
      query(api, dataset == null);
      run.pass(null);
    }

    private String root(String host) {
      return "https://" + host + ":" + connection.port();
    }

    /** The first answer to a bearer token, other than 401, is what accepts it. */
    private void accepted() {
      login.accepted();
      run.pass(
          credential == Field.ACCESS_TOKEN && connection.refreshToken() != null
              ? "by accessToken; refreshToken is not tested without an OAuth client"
              : "by " + credential.wireName());
    }

    private String accessToken() throws ServiceError, IOException {
      URI tokens = URI.create(root(TOKEN_HOST) + TOKEN_PATH);
      GoogleCredentials credentials;
      switch (credential) {
        case PASSWORD -> {
          KeyFile file = KeyFile.read(connection.password());
          try {
            credentials =
                ServiceAccountCredentials.fromPkcs8(
                        null,
                        file.email(),
                        file.key(),
                        file.keyId(),
                        SCOPES,
                        () -> new GoogleTransport(https),
                        tokens)
                    .toBuilder()
                    .setDefaultRetriesEnabled(false)
                    .build();
          } catch (IOException e) {
            throw new ServiceError(
                0,
                Field.PASSWORD,
                "The key file's private_key cannot be read.",
                List.of("invalid_grant"));
          }
        }
        case REFRESH_TOKEN ->
            credentials =
                UserCredentials.newBuilder()
                    .setClientId(client.id())
                    .setClientSecret(client.secret().reveal())
                    .setRefreshToken(connection.refreshToken().reveal())
                    .setTokenServerUri(tokens)
                    .setHttpTransportFactory(() -> new GoogleTransport(https))
                    .build();
        default -> {
          return connection.accessToken().reveal();
        }
      }
      try {
        return credentials.refreshAccessToken().getTokenValue();
      } catch (IOException e) {
        HttpResponseException refused = Diagnosis.cause(e, HttpResponseException.class);
        if (refused == null) {
          throw e;
        }
        throw new ServiceError(
            refused.getStatusCode(), credential, null, codes("token", oauthCode(refused)));
      }
    }

    /** RFC 6749 section 5.2. */
    private static String oauthCode(HttpResponseException refused) {
      try {
        return JSON.readTree(refused.getContent() == null ? "" : refused.getContent())
            .path("error")
            .asText();
      } catch (JsonProcessingException | IllegalArgumentException e) {
        return "";
      }
    }

    private void query(Bigquery api, boolean first) throws ServiceError, IOException, TestEnded {
      String location = connection.options().get("dataLocation");
      QueryResponse response =
          call(
              "jobs.query",
              api.jobs()
                  .query(
                      project,
                      new QueryRequest()
                          .setQuery(run.driver().validationQuery())
                          .setUseLegacySql(false)
                          .setLocation(location)
                          .setMaxResults(1L)
                          .setTimeoutMs(run.remaining().toMillis())));
      if (first) {
        accepted();
        run.begin(Name.QUERY);
      }
      boolean complete = Boolean.TRUE.equals(response.getJobComplete());
      List<TableRow> rows = response.getRows();
      JobReference job = response.getJobReference();
      while (!complete) {
        if (job == null) {
          throw new HttpsClient.NoAnswer(null);
        }
        GetQueryResultsResponse results =
            call(
                "jobs.getQueryResults",
                api.jobs()
                    .getQueryResults(project, job.getJobId())
                    .setLocation(job.getLocation())
                    .setMaxResults(1L)
                    .setTimeoutMs(run.remaining().toMillis()));
        complete = Boolean.TRUE.equals(results.getJobComplete());
        rows = results.getRows();
      }
      if (rows == null || rows.size() != 1) {
        throw new HttpsClient.NoAnswer(null);
      }
    }

    private <T> T call(String operation, AbstractGoogleClientRequest<T> request)
        throws ServiceError, IOException {
      try {
        return request.setDisableGZipContent(true).execute();
      } catch (GoogleJsonResponseException e) {
        GoogleJsonError error = e.getDetails();
        List<String> codes = new ArrayList<>();
        if (error != null) {
          if (error.getErrors() != null && !error.getErrors().isEmpty()) {
            codes.addAll(codes(operation, error.getErrors().get(0).getReason()));
          }
          codes.addAll(codes(operation, String.valueOf(error.get("status"))));
          codes.add(Integer.toString(e.getStatusCode()));
        }
        throw new ServiceError(
            e.getStatusCode(), e.getStatusCode() == 401 ? credential : null, null, codes);
      } catch (HttpResponseException e) {
        throw new ServiceError(e.getStatusCode(), null, null, List.of());
      }
    }

    private static List<String> codes(String operation, String code) {
      return code != null && CODE.matcher(code).matches()
          ? List.of(operation + "/" + code, code)
          : List.of();
    }
  }
}
