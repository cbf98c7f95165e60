package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.canary.CanarySearch;
import io.sluice.servers.AthenaStub;
import io.sluice.servers.BigQueryStub;
import io.sluice.servers.SluiceProcess;
import io.sluice.servers.SnowflakeStub;
import io.sluice.servers.TestCa;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The cloud warehouses through the Zoho-compatible API, from CONFIG to the error code. The process
 * has a hosts file and a trust store of its own; nothing else of it is other than in production.
 */
class WarehousesTest {
  private static final CanarySearch CANARIES = new CanarySearch();
  private static final TestCa CA = TestCa.create("Clouds");
  private static final String TRUST_PASSWORD = "public";
  private static final String REGION = "eu-west-1";
  private static final AthenaStub ATHENA = AthenaStub.start(CA, REGION);
  private static final BigQueryStub BIGQUERY = BigQueryStub.start(CA);
  private static final SnowflakeStub SNOWFLAKE = SnowflakeStub.start(CA, "myorg-acme");
  private static final String ATHENA_SECRET = CANARIES.secret("the secret access key").reveal();
  private static final String SNOWFLAKE_PASSWORD = CANARIES.secret("snowflake").reveal();

  @TempDir static Path files;
  private static SluiceProcess sluice;
  private static Api api;

  @BeforeAll
  static void start() throws IOException, GeneralSecurityException {
    CANARIES.register("the OAuth client's secret", BIGQUERY.clientSecret());
    ATHENA.key("AKIAZOHO", ATHENA_SECRET);
    ATHENA.database("shop");
    ATHENA.bucket("results", 200);
    BIGQUERY.dataset("sluice-project", "shop");
    SNOWFLAKE.user("loader", SNOWFLAKE_PASSWORD);
    SNOWFLAKE.database("shop");
    SNOWFLAKE.warehouse("COMPUTE", true);
    sluice =
        SluiceProcess.setup()
            .setting("LOG_LEVEL", "DEBUG")
            .setting("SLUICE_GOOGLE_CLIENT_ID", BigQueryStub.CLIENT_ID)
            .setting("SLUICE_GOOGLE_CLIENT_SECRET", BIGQUERY.clientSecret())
            .setting(
                "JAVA_TOOL_OPTIONS",
                "-Djdk.net.hosts.file=%s -Djavax.net.ssl.trustStore=%s".formatted(hosts(), trust())
                    + " -Djavax.net.ssl.trustStorePassword="
                    + TRUST_PASSWORD)
            .start();
    api = new Api(sluice);
  }

  private static Path hosts() throws IOException {
    Stream<String> names =
        Stream.of(
                List.of("localhost", InetAddress.getLocalHost().getHostName()),
                List.of(AthenaStub.hosts(REGION)),
                List.of(BigQueryStub.HOST, BigQueryStub.TOKEN_HOST, SNOWFLAKE.host()))
            .flatMap(List::stream);
    return Files.write(
        files.resolve("hosts"), names.map(name -> "127.0.0.1 " + name).toList(), UTF_8);
  }

  private static Path trust() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("ca", CA.certificate());
    Path file = files.resolve("trust.p12");
    try (OutputStream out = Files.newOutputStream(file)) {
      store.store(out, TRUST_PASSWORD.toCharArray());
    }
    return file;
  }

  @AfterAll
  static void stop() {
    assertThat(sluice.logged()).describedAs("what no secret is in").contains("level=DEBUG");
    api.assertNoSecretLeaked(CANARIES);
    sluice.close();
    ATHENA.close();
    BIGQUERY.close();
    SNOWFLAKE.close();
  }

  /** The secrets of the warehouse before it do not follow to the next one. */
  private static Answer put(ObjectNode config) {
    for (String secret : List.of("password", "accessToken", "refreshToken")) {
      if (!config.has(secret)) {
        config.put(secret, "");
      }
    }
    return api.request(
            "PUT",
            "/restapi/v2/workspaces/"
                + sluice.workspace()
                + "/datasources/demo?CONFIG="
                + URLEncoder.encode(config.toString(), UTF_8))
        .header("Authorization", "Zoho-oauthtoken " + sluice.token())
        .header("ZANALYTICS-ORGID", sluice.organization())
        .send();
  }

  private static ObjectNode athena() {
    return Api.object(
        Map.of(
            "serviceName",
            "AMAZON ATHENA",
            "hostName",
            REGION,
            "port",
            ATHENA.port(),
            "userName",
            "AKIAZOHO",
            "password",
            ATHENA_SECRET,
            "cloudDatabaseName",
            "shop",
            "s3OutputLocation",
            "s3://results/sluice/"));
  }

  private static ObjectNode snowflake() {
    return Api.object(
        Map.of(
            "serviceName",
            "SNOWFLAKE",
            "hostName",
            "myorg-acme",
            "port",
            SNOWFLAKE.port(),
            "userName",
            "loader",
            "password",
            SNOWFLAKE_PASSWORD,
            "cloudDatabaseName",
            "shop",
            "warehouseName",
            "COMPUTE"));
  }

  private static ObjectNode bigQuery() {
    return Api.object(
        Map.of(
            "serviceName",
            "GOOGLE BIG QUERY",
            "hostName",
            BigQueryStub.HOST,
            "port",
            BIGQUERY.port(),
            "userName",
            "somebody@example.com",
            "projectId",
            "sluice-project",
            "cloudDatabaseName",
            "shop",
            "refreshToken",
            CANARIES.register("a refresh token", BIGQUERY.refreshToken()).reveal()));
  }

  @Test
  void each_warehouse_is_taken_over_from_config() {
    for (ObjectNode config : List.of(athena(), snowflake(), bigQuery())) {
      Answer answer = put(config);

      assertThat(answer.status()).as("%s", answer.body()).isEqualTo(204);
    }
    Answer stored = api.request("GET", "/datasources/demo").admin().send();
    assertThat(stored.json().path("driver").asText()).isEqualTo("bigquery");
    assertThat(stored.json().path("options").path("projectId").asText())
        .isEqualTo("sluice-project");
    assertThat(stored.json().path("refreshToken").asText()).isEqualTo("********");
  }

  @Test
  void what_is_wrong_with_athena_has_the_published_codes() {
    assertThat(put(athena().put("password", wrong())).errorCode()).isEqualTo(18040);
    assertThat(put(athena().put("cloudDatabaseName", "nothing")).errorCode()).isEqualTo(18041);
    assertThat(put(athena().put("s3OutputLocation", "s3://absent/")).errorCode()).isEqualTo(18042);
    assertThat(put(athena().put("s3OutputLocation", "http://absent/")).errorCode())
        .isEqualTo(18042);
    assertThat(put(athena().put("hostName", "eu-west-9")).errorCode()).isEqualTo(18043);
    assertThat(put(athena().put("hostName", "mars")).errorCode()).isEqualTo(18043);
    assertThat(put(athena().put("workgroupName", "nothing")).errorCode()).isEqualTo(18044);
  }

  @Test
  void what_is_wrong_with_snowflake_has_the_published_codes() {
    assertThat(put(snowflake().put("password", wrong())).errorCode()).isEqualTo(18040);
    assertThat(put(snowflake().put("cloudDatabaseName", "nothing")).errorCode()).isEqualTo(18041);
    assertThat(put(snowflake().put("warehouseName", "NOTHING")).errorCode()).isEqualTo(18044);
    assertThat(put(snowflake().put("hostName", "no-such-account")).errorCode()).isEqualTo(18011);
  }

  @Test
  void what_is_wrong_with_bigquery_has_the_published_codes() {
    assertThat(put(bigQuery().put("refreshToken", wrong())).errorCode()).isEqualTo(18040);
    assertThat(put(bigQuery().put("cloudDatabaseName", "nothing")).errorCode()).isEqualTo(18041);
    assertThat(put(bigQuery().put("projectId", "another-project")).errorCode()).isEqualTo(18041);
  }

  private static String wrong() {
    return CANARIES.register("a wrong one", "wrong-" + UUID.randomUUID()).reveal();
  }
}
