package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Report.Name;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.defaultsmode.DefaultsMode;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.athena.AthenaClient;
import software.amazon.awssdk.services.athena.model.QueryExecution;
import software.amazon.awssdk.services.athena.model.QueryExecutionState;
import software.amazon.awssdk.services.athena.model.ResultConfiguration;
import software.amazon.awssdk.services.athena.model.WorkGroup;
import software.amazon.awssdk.services.athena.model.WorkGroupState;
import software.amazon.awssdk.utils.StringInputStream;

/**
 * Amazon Athena, through AWS's SDK: the settings' host is a region, the user name an access key's
 * id, the password its secret, and accessToken the session token of temporary credentials.
 *
 * <p>The workgroup is read to see whether the signature is taken; a key that may not read it can
 * still be good, so the query decides. The bucket of the output location is looked at only when the
 * query did not come through: the query itself proves it, and from where Athena is.
 */
final class AthenaService implements CloudService {
  private static final Pattern REGION = Pattern.compile("[a-z]{2}(-gov)?-[a-z]{4,9}-[1-9]");
  private static final Pattern OUTPUT_LOCATION =
      Pattern.compile("s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/.*)?");
  private static final String DEFAULT_WORKGROUP = "primary";
  private static final String DEFAULT_CATALOG = "AwsDataCatalog";

  // Without it the SDK reads ~/.aws for settings, even where it needs no credentials.
  private static final ProfileFile NO_PROFILE =
      ProfileFile.builder()
          .content(new StringInputStream(""))
          .type(ProfileFile.Type.CONFIGURATION)
          .build();

  AthenaService() {
    Library.LOADED.run();
  }

  /**
   * Loads the SDK once, by a call that goes nowhere. It takes seconds on a cold JVM, which the
   * first test's deadline must not pay for.
   */
  private static final class Library {
    static final Runnable LOADED = load();

    private static Runnable load() {
      SdkHttpClient nowhere =
          new SdkHttpClient() {
            @Override
            public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
              throw new IllegalStateException("Nothing is sent.");
            }

            @Override
            public void close() {
              // Nothing is open.
            }
          };
      AwsCredentials none = AwsBasicCredentials.create("none", "none");
      try (AthenaClient athena =
          client(Region.US_EAST_1.id(), URI.create("https://localhost"), none, nowhere)) {
        athena.getWorkGroup(r -> r.workGroup(DEFAULT_WORKGROUP));
      } catch (IllegalStateException e) {
        // As it was to be.
      }
      return () -> {};
    }
  }

  private static AthenaClient client(
      String region, URI endpoint, AwsCredentials key, SdkHttpClient http) {
    return AthenaClient.builder()
        .region(Region.of(region))
        .endpointOverride(endpoint)
        .credentialsProvider(StaticCredentialsProvider.create(key))
        .httpClient(http)
        .defaultsMode(DefaultsMode.LEGACY)
        .dualstackEnabled(false)
        .fipsEnabled(false)
        .overrideConfiguration(
            c ->
                c.retryStrategy(AwsRetryStrategy.doNotRetry())
                    .defaultProfileFileSupplier(() -> NO_PROFILE))
        .build();
  }

  @Override
  public Optional<HostName> endpoint(Connection connection) {
    return REGION.matcher(connection.host()).matches()
        ? HostName.parse(name("athena", connection))
        : Optional.empty();
  }

  @Override
  public Set<String> others(Connection connection) {
    return Set.of(name("s3", connection));
  }

  /** Endpoints are a service's name, the region and the partition's suffix. */
  private static String name(String service, Connection connection) {
    String region = connection.host();
    String suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
    return service + "." + region + "." + suffix;
  }

  @Override
  public Reason unknownHost() {
    return Reason.REGION_UNREACHABLE;
  }

  @Override
  public void check(Connection connection) {
    // The driver's file says what is required.
  }

  @Override
  public void talk(TestRun run, HttpsClient https, Conversation.Login login)
      throws ServiceError, IOException, TestEnded {
    new Talk(run, https, login).hold();
  }

  private static URI address(String host, int port) {
    return URI.create("https://" + host + (port == 443 ? "" : ":" + port));
  }

  /** One test's. */
  private static final class Talk {
    private final TestRun run;
    private final HttpsClient https;
    private final Conversation.Login login;
    private final Connection connection;
    private final AwsCredentials key;
    private final String workgroup;

    Talk(TestRun run, HttpsClient https, Conversation.Login login) {
      this.run = run;
      this.https = https;
      this.login = login;
      this.connection = run.connection();
      String secret = connection.password().reveal();
      this.key =
          connection.accessToken() == null
              ? AwsBasicCredentials.create(connection.username(), secret)
              : AwsSessionCredentials.create(
                  connection.username(), secret, connection.accessToken().reveal());
      this.workgroup = connection.options().getOrDefault("workgroup", DEFAULT_WORKGROUP);
    }

    void hold() throws ServiceError, IOException, TestEnded {
      URI endpoint = address(run.host().text(), connection.port());
      try (AthenaClient athena =
          client(connection.host(), endpoint, key, new AwsTransport(https))) {
        WorkGroup group = null;
        ServiceError noGroup = null;
        try {
          group =
              call("GetWorkGroup", () -> athena.getWorkGroup(r -> r.workGroup(workgroup)))
                  .workGroup();
        } catch (ServiceError e) {
          if (!signatureTaken(e)) {
            throw e;
          }
          noGroup = e;
        }
        login.accepted();
        run.pass(null);
        if (connection.database() != null) {
          run.begin(Name.DATABASE);
          call(
              "GetDatabase",
              () ->
                  athena.getDatabase(
                      r -> r.catalogName(catalog()).databaseName(connection.database())));
          run.pass(null);
        }
        run.begin(Name.QUERY);
        if (noGroup != null && !denied(noGroup)) {
          throw noGroup;
        }
        if (group != null && group.state() == WorkGroupState.DISABLED) {
          throw new ServiceError(200, null, null, List.of("WorkGroup/DISABLED"));
        }
        query(athena, outputLocation(group));
        run.pass(null);
      }
    }

    private String catalog() {
      return connection.options().getOrDefault("catalog", DEFAULT_CATALOG);
    }

    /** AWS looks at what is asked for only after it has accepted who asks. */
    private static boolean signatureTaken(ServiceError e) {
      return denied(e) || e.codes().contains("InvalidRequestException");
    }

    private static boolean denied(ServiceError e) {
      return e.codes().contains("AccessDeniedException");
    }

    /** Where results go: a workgroup may insist on its own place. Null: nowhere that is known. */
    private String outputLocation(WorkGroup group) {
      String sent = connection.options().get("s3OutputLocation");
      if (group == null || group.configuration() == null) {
        return sent;
      }
      ResultConfiguration own = group.configuration().resultConfiguration();
      String ownLocation = own == null ? null : own.outputLocation();
      boolean insists = Boolean.TRUE.equals(group.configuration().enforceWorkGroupConfiguration());
      return sent == null || (insists && ownLocation != null) ? ownLocation : sent;
    }

    private void query(AthenaClient athena, String outputLocation)
        throws ServiceError, IOException {
      String id;
      try {
        id =
            call(
                    "StartQueryExecution",
                    () ->
                        athena.startQueryExecution(
                            r -> {
                              r.queryString(run.driver().validationQuery()).workGroup(workgroup);
                              String sent = connection.options().get("s3OutputLocation");
                              if (sent != null) {
                                r.resultConfiguration(c -> c.outputLocation(sent));
                              }
                              if (connection.database() != null) {
                                r.queryExecutionContext(
                                    c -> c.catalog(catalog()).database(connection.database()));
                              }
                            }))
                .queryExecutionId();
      } catch (ServiceError e) {
        // Query and workgroup are known to be good: what is left of the request is the location.
        if (e.codes().contains("InvalidRequestException")) {
          throw new ServiceError(e.status(), null, bucketProblem(outputLocation), e.codes());
        }
        throw e;
      }
      QueryExecution execution = finished(athena, id);
      QueryExecutionState state = execution.status().state();
      if (state != QueryExecutionState.SUCCEEDED) {
        String bucket = bucketProblem(outputLocation);
        throw bucket == null
            ? new ServiceError(200, null, null, failure(execution))
            : new ServiceError(200, null, bucket, List.of("OutputLocation"));
      }
      int rows =
          call("GetQueryResults", () -> athena.getQueryResults(r -> r.queryExecutionId(id)))
              .resultSet()
              .rows()
              .size();
      // The first row has the columns' names.
      if (rows != 2) {
        throw new HttpsClient.NoAnswer(null);
      }
    }

    private QueryExecution finished(AthenaClient athena, String id)
        throws ServiceError, IOException {
      for (int asked = 0; ; asked++) {
        QueryExecution execution =
            call("GetQueryExecution", () -> athena.getQueryExecution(r -> r.queryExecutionId(id)))
                .queryExecution();
        if (execution == null || execution.status() == null) {
          throw new HttpsClient.NoAnswer(null);
        }
        QueryExecutionState state = execution.status().state();
        if (state != QueryExecutionState.QUEUED && state != QueryExecutionState.RUNNING) {
          return execution;
        }
        run.pause(TestRun.pauseBeforeAsking(asked));
      }
    }

    private static List<String> failure(QueryExecution execution) {
      List<String> codes = new ArrayList<>();
      String state = execution.status().stateAsString();
      if (execution.status().athenaError() != null) {
        codes.add(state + "/category " + execution.status().athenaError().errorCategory());
      }
      codes.add(state);
      return codes;
    }

    /** Why results cannot be put into the bucket; null when that does not show. */
    private String bucketProblem(String outputLocation) {
      if (outputLocation == null) {
        return "Neither the option s3OutputLocation nor the workgroup names an output location.";
      }
      Matcher location = OUTPUT_LOCATION.matcher(outputLocation);
      if (!location.matches()) {
        return null;
      }
      URI bucket =
          address(name("s3", connection), connection.port()).resolve("/" + location.group(1));
      SdkHttpRequest request =
          SdkHttpRequest.builder().method(SdkHttpMethod.HEAD).uri(bucket).build();
      SdkHttpRequest signed =
          AwsV4HttpSigner.create()
              .sign(
                  r ->
                      r.identity(key)
                          .request(request)
                          .putProperty(AwsV4HttpSigner.SERVICE_SIGNING_NAME, "s3")
                          .putProperty(AwsV4HttpSigner.REGION_NAME, connection.host())
                          .putProperty(AwsV4HttpSigner.DOUBLE_URL_ENCODE, false)
                          .putProperty(AwsV4HttpSigner.NORMALIZE_PATH, false))
              .request();
      try {
        return switch (AwsTransport.send(https, signed, null).status()) {
          case 404 -> "The bucket does not exist.";
          case 403 ->
              "The bucket refuses this access key: grant it s3:GetBucketLocation, s3:ListBucket,"
                  + " s3:GetObject and s3:PutObject.";
          default -> null;
        };
      } catch (HttpsClient.Elsewhere e) {
        return "The bucket is in another region than the one in host.";
      } catch (IOException e) {
        return null;
      }
    }

    private static <T> T call(String operation, Supplier<T> request) throws ServiceError {
      try {
        return request.get();
      } catch (AwsServiceException e) {
        String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
        if (code == null) {
          throw new ServiceError(e.statusCode(), null, null, List.of());
        }
        throw new ServiceError(e.statusCode(), null, null, List.of(operation + "/" + code, code));
      }
    }
  }
}
