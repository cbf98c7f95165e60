package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.canary.CanarySearch;
import io.sluice.contract.ContractFile;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.SluiceProcess;
import io.sluice.servers.TestCa;
import java.net.URLEncoder;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Contract section 3, over a process of the product and a MariaDB as the target. */
class ZohoApiTest {
  private static final String FORM = "application/x-www-form-urlencoded";
  private static final CanarySearch CANARIES = new CanarySearch();
  private static final String USER = "z" + UUID.randomUUID().toString().substring(0, 8);
  private static final String DATABASE = "shop_" + USER;
  private static final String PASSWORD = CANARIES.secret("the target's password").reveal();
  private static final String AWKWARD = CANARIES.awkwardSecret("an awkward password").reveal();

  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final MariaDbServer MARIA = MariaDbServer.shared();
  private static final Api API = new Api(SLUICE);

  /** Where clients put CONFIG. */
  enum Place {
    QUERY {
      @Override
      Api.Request put(String id, String config) {
        return request(id, "?CONFIG=" + URLEncoder.encode(config, UTF_8));
      }
    },
    FORM_BODY {
      @Override
      Api.Request put(String id, String config) {
        return request(id, "").body(FORM, "CONFIG=" + URLEncoder.encode(config, UTF_8));
      }
    },
    RAW_BODY {
      @Override
      Api.Request put(String id, String config) {
        return request(id, "").body(FORM, "CONFIG=" + config);
      }
    };

    abstract Api.Request put(String id, String config);
  }

  @BeforeAll
  static void createTarget() {
    MARIA.createUser(USER, PASSWORD);
    MARIA.createDatabase(DATABASE, USER);
    // To a user without such a right MariaDB denies that it has any database.
    MARIA.execute("grant select on *.* to '" + USER + "'@'%'");
  }

  @AfterAll
  static void noSecretLeaked() {
    API.assertNoSecretLeaked(CANARIES);
  }

  private static String address(String workspace, String id) {
    return "/restapi/v2/workspaces/" + workspace + "/datasources/" + id;
  }

  private static Api.Request request(String id, String query) {
    return API.request("PUT", address(SLUICE.workspace(), id) + query)
        .header("Authorization", "Zoho-oauthtoken " + SLUICE.token())
        .header("ZANALYTICS-ORGID", SLUICE.organization());
  }

  private static ObjectNode config() {
    return Api.object(
        Map.of(
            "serviceName",
            "LOCAL DATABASE",
            "databaseType",
            "MARIADB",
            "hostName",
            MARIA.host(),
            "port",
            MARIA.port(),
            "userName",
            USER,
            "password",
            PASSWORD,
            "cloudDatabaseName",
            DATABASE));
  }

  private static String create() {
    return API.create(
        Api.object(
            Map.of(
                "driver",
                "mariadb",
                "host",
                MARIA.host(),
                "port",
                MARIA.port(),
                "username",
                USER,
                "password",
                PASSWORD,
                "database",
                DATABASE)));
  }

  private static void failed(Answer answer, int status, int code, String summary) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.header("Content-Type")).isEqualTo("application/json;charset=UTF-8");
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/ZohoFailure", answer.json()))
        .isEmpty();
    assertThat(answer.json().path("status").asText()).isEqualTo("failure");
    assertThat(answer.json().path("summary").asText()).isEqualTo(summary);
    assertThat(answer.errorCode()).isEqualTo(code);
    assertThat(Api.text(answer.json(), "data", "errorMessage")).isNotBlank();
  }

  @ParameterizedTest
  @EnumSource
  void anUpdateThatWorksIsAnsweredWithNothing(Place place) {
    String id = create();

    Answer answer = place.put(id, config().toString()).send();

    assertThat(answer.status()).as(answer.body()).isEqualTo(204);
    assertThat(answer.body()).isEmpty();
    JsonNode document = API.get("/datasources/" + id).send().json();
    assertThat(document.path("version").asInt()).isEqualTo(2);
    assertThat(document.path("database").asText()).isEqualTo(DATABASE);
  }

  @Test
  void theSingularAddressIsTheSame() {
    String id = create();
    Answer answer =
        API.request(
                "PUT",
                "/restapi/v2/workspaces/"
                    + SLUICE.workspace()
                    + "/datasource/"
                    + id
                    + "?CONFIG="
                    + URLEncoder.encode(config().toString(), UTF_8))
            .header("Authorization", "Zoho-oauthtoken " + SLUICE.token())
            .header("ZANALYTICS-ORGID", SLUICE.organization())
            .send();
    assertThat(answer.status()).as(answer.body()).isEqualTo(204);
  }

  @Test
  void aKeyIsOneEffectAndAVersionIsExpectedHereToo() {
    String id = create();
    String config = config().toString();
    String key = UUID.randomUUID().toString();
    UnaryOperator<Api.Request> keyed = request -> request.header("Idempotency-Key", key);

    Answer first = keyed.apply(Place.QUERY.put(id, config)).send();
    Answer again = keyed.apply(Place.QUERY.put(id, config)).send();
    Answer other = keyed.apply(Place.FORM_BODY.put(id, config)).send();
    Answer stale = Place.QUERY.put(id, config).header("If-Match", "\"1\"").send();

    assertThat(first.status()).as(first.body()).isEqualTo(204);
    assertThat(first.header("Idempotent-Replayed")).isNull();
    assertThat(again.status()).as(again.body()).isEqualTo(204);
    assertThat(again.header("Idempotent-Replayed")).isEqualTo("true");
    failed(other, 400, 18060, "CONNECTION_NOT_ESTABLISHED");
    assertThat(Api.text(other.json(), "data", "errorMessage")).contains("Idempotency-Key");
    failed(stale, 400, 18060, "CONNECTION_NOT_ESTABLISHED");
    assertThat(Api.text(stale.json(), "data", "errorMessage")).contains("If-Match");
    Answer current = Place.QUERY.put(id, config).header("If-Match", "\"2\"").send();
    assertThat(current.status()).as(current.body()).isEqualTo(204);
    JsonNode document = API.get("/datasources/" + id).send().json();
    assertThat(document.path("version").asInt()).isEqualTo(3);
  }

  @Test
  void anotherMethodIsToldInItsOwnWords() {
    Answer answer =
        API.request("GET", address(SLUICE.workspace(), create()))
            .header("Authorization", "Zoho-oauthtoken " + SLUICE.token())
            .header("ZANALYTICS-ORGID", SLUICE.organization())
            .send();
    assertThat(Api.text(answer.json(), "data", "errorMessage")).contains("method");
  }

  @ParameterizedTest
  @EnumSource
  void anAwkwardPasswordArrivesAsItWasSent(Place place) {
    String user = "a" + UUID.randomUUID().toString().substring(0, 8);
    MARIA.execute(
        "create user '"
            + user
            + "'@'%' identified by '"
            + AWKWARD.replace("\\", "\\\\").replace("'", "''")
            + "'");
    ObjectNode config = config().put("userName", user).put("password", AWKWARD);
    config.remove("cloudDatabaseName");

    Answer answer = place.put(create(), config.toString()).send();

    assertThat(answer.status()).as(answer.body()).isEqualTo(204);
  }

  static Stream<List<Object>> failures() {
    return Stream.of(
        of(18040, "LOGIN_FAILED", c -> c.put("password", "wrong-" + UUID.randomUUID())),
        of(18041, "DATABASE_NOT_PRESENT", c -> c.put("cloudDatabaseName", "mysql_missing")),
        of(18011, "CANNOT_CONNECT_ENDPOINT", c -> c.put("port", 1)),
        of(18011, "CANNOT_CONNECT_ENDPOINT", c -> c.put("hostName", "missing.invalid")),
        of(18011, "CANNOT_CONNECT_ENDPOINT", c -> c.put("hostName", "169.254.169.254")),
        of(18011, "CANNOT_CONNECT_ENDPOINT", c -> c.put("useSSL", true)),
        of(8077, "EMPTY_JSON_CONFIGURATION", ObjectNode::removeAll),
        of(8078, "EMPTY_JSON_ATTRIBUTE_FOUND", c -> c.put("hostName", "")),
        of(8079, "ATTRIBUTE_NOT_PRESENT_IN_JSON_CONFIGURATION", c -> without(c, "userName")),
        of(8080, "INVALID_JSON_CONFIGURATION", c -> c.put("jdbcUrl", "jdbc:x")),
        of(8507, "MORE_THAN_MAX_LENGTH", c -> c.put("userName", "u".repeat(1000))),
        of(8516, "UNABLE_TO_PARSE_DATA_TYPE", c -> c.put("port", "many")),
        of(18055, "DBTYPE_SERVICENAME_NOTMACHED", c -> c.put("serviceName", "HEROKU POSTGRESQL")),
        of(18057, "INVALID_CLOUD_SERVICENAME", c -> c.put("serviceName", "A CLOUD")));
  }

  private static ObjectNode without(ObjectNode config, String key) {
    config.remove(key);
    return config;
  }

  private static List<Object> of(int code, String summary, UnaryOperator<ObjectNode> change) {
    return List.of(code, summary, change);
  }

  @ParameterizedTest
  @MethodSource("failures")
  @SuppressWarnings("unchecked")
  void whatFailsIsToldInZohosCodes(List<Object> failure) {
    String id = create();
    String before = API.stored(id);
    UnaryOperator<ObjectNode> change = (UnaryOperator<ObjectNode>) failure.get(2);

    Answer answer = Place.QUERY.put(id, change.apply(config()).toString()).send();

    failed(answer, 400, (Integer) failure.get(0), (String) failure.get(1));
    assertThat(API.stored(id)).isEqualTo(before);
  }

  @Test
  void aRefusedPasswordReadsTheSameWhenItIsNotTriedASecondTime() {
    String id = create();
    String wrong = config().put("password", "wrong-" + UUID.randomUUID()).toString();

    failed(Place.QUERY.put(id, wrong).send(), 400, 18040, "LOGIN_FAILED");
    Answer again = Place.QUERY.put(id, wrong).send();
    failed(again, 400, 18040, "LOGIN_FAILED");
    assertThat(Api.text(again.json(), "data", "report", "reason")).isEqualTo("LOCKOUT_GUARD");
  }

  @Test
  void anotherKindOfServerOnThePortIsAConnectionThatCannotBeEstablished() {
    String config = config().put("databaseType", "POSTGRESQL").toString();
    failed(Place.QUERY.put(create(), config).send(), 400, 18060, "CONNECTION_NOT_ESTABLISHED");
  }

  @Test
  void theReportOfAFailedTestStandsBesideTheError() {
    Answer answer = Place.QUERY.put(create(), config().put("port", 1).toString()).send();
    assertThat(Api.text(answer.json(), "data", "report", "reason")).isEqualTo("CONNECTION_REFUSED");
  }

  @Test
  void aMissingConfigIsTold() {
    String id = create();
    failed(request(id, "").send(), 400, 8504, "LESS_THAN_MIN_OCCURANCE");
    failed(request(id, "?config=%7B%7D").send(), 400, 8504, "LESS_THAN_MIN_OCCURANCE");
    failed(request(id, "").body(FORM, "").send(), 400, 8504, "LESS_THAN_MIN_OCCURANCE");
    failed(request(id, "?CONFIG=%7B").send(), 400, 8080, "INVALID_JSON_CONFIGURATION");
  }

  @Test
  void aMissingOrganizationIsTold() {
    String address = address(SLUICE.workspace(), create());
    String token = "Zoho-oauthtoken " + SLUICE.token();
    failed(
        API.request("PUT", address).header("Authorization", token).send(),
        400,
        8083,
        "ORGID_NOT_PRESENT_IN_THE_HEADER");
    failed(
        API.request("PUT", address)
            .header("Authorization", token)
            .header("ZANALYTICS-ORGID", "1")
            .send(),
        404,
        7103,
        "META_OBJECT_NOT_PRESENT");
  }

  @Test
  void anUnknownWorkspaceOrDataSourceIsTold() {
    failed(
        API.request("PUT", address("1", "demo"))
            .header("Authorization", "Zoho-oauthtoken " + SLUICE.token())
            .header("ZANALYTICS-ORGID", SLUICE.organization())
            .send(),
        404,
        7103,
        "META_OBJECT_NOT_PRESENT");
    failed(
        Place.QUERY.put("missing", config().toString()).send(),
        404,
        18061,
        "CONNECTION_ID_NOT_ASSOSIATED_FOR_WORKSPACE");
  }

  @Test
  void aBadTokenIsTold() {
    failed(
        API.request("PUT", address(SLUICE.workspace(), "demo"))
            .header("Authorization", "Zoho-oauthtoken 1000.bad")
            .header("ZANALYTICS-ORGID", SLUICE.organization())
            .send(),
        401,
        8535,
        "INVALID_OAUTHTOKEN");
    failed(
        API.request("PUT", address(SLUICE.workspace(), "demo")).send(),
        401,
        8518,
        "INVALID_AUTHENTICATION");
  }

  @Test
  void aPasswordThatIsLeftOutIsKept() {
    String id = create();
    ObjectNode config = config();
    config.remove("password");
    assertThat(Place.FORM_BODY.put(id, config.toString()).send().status()).isEqualTo(204);

    Answer moved = Place.FORM_BODY.put(id, config.put("hostName", "localhost").toString()).send();
    failed(moved, 400, 8079, "ATTRIBUTE_NOT_PRESENT_IN_JSON_CONFIGURATION");
    assertThat(Api.text(moved.json(), "data", "errorMessage")).contains("password");
  }

  @Test
  void everyWrongAttributeIsNamedAsConfigNamesIt() {
    ObjectNode config = config().put("port", "x").put("sid", "XE");
    config.remove("userName");

    Answer answer = Place.FORM_BODY.put(create(), config.toString()).send();
    failed(answer, 400, 8079, "ATTRIBUTE_NOT_PRESENT_IN_JSON_CONFIGURATION");
    assertThat(Api.text(answer.json(), "data", "errorMessage"))
        .isEqualTo(
            "userName is mandatory. port must be a whole number from 1 to 65535."
                + " sid is not an attribute of CONFIG.");
    assertThat(answer.json().at("/data/errors").findValuesAsText("field"))
        .containsExactly("userName", "port", "sid");
  }

  @Test
  void whatTheWholeLacksIsNamedAsConfigNamesIt() {
    ObjectNode config = config().put("useSSH", true).put("warehouseName", "W");

    Answer answer = Place.FORM_BODY.put(create(), config.toString()).send();
    failed(answer, 400, 8079, "ATTRIBUTE_NOT_PRESENT_IN_JSON_CONFIGURATION");
    assertThat(answer.json().at("/data/errors").findValuesAsText("field"))
        .containsExactly(
            "sshTunnelHost", "sshTunnelUsername", "sshTunnelPassword", "warehouseName");
    assertThat(Api.text(answer.json(), "data", "errorMessage"))
        .startsWith("sshTunnelHost is required. sshTunnelUsername is required.")
        .doesNotContain("sshHost", "sshPassword", "sshIdentity");
  }

  @Test
  void aFailedTestSpeaksOfTheAttributesOfConfig() {
    ObjectNode config =
        config()
            .put("useSSH", true)
            .put("sshTunnelHost", "127.0.0.1")
            .put("sshTunnelPort", MARIA.port())
            .put("sshTunnelUsername", "hop")
            .put("sshTunnelPassword", "hop-" + UUID.randomUUID());

    Answer answer = Place.FORM_BODY.put(create(), config.toString()).send();
    failed(answer, 400, 18011, "CANNOT_CONNECT_ENDPOINT");
    String report = answer.json().at("/data/report").toString();
    assertThat(report).contains("sshTunnelHost").doesNotContain("sshHost", "sshPort");
  }

  @Test
  void anUpdateKeepsWhatConfigCannotExpress() {
    String ca = TestCa.create("Kept CA").certificatePem();
    String id = create();
    ObjectNode document =
        Api.object(
            Map.of(
                "driver",
                "mariadb",
                "host",
                MARIA.host(),
                "port",
                MARIA.port(),
                "username",
                USER,
                "password",
                PASSWORD,
                "database",
                DATABASE,
                "sslCA",
                ca));
    assertThat(API.put(id, document).status()).isEqualTo(200);

    assertThat(Place.QUERY.put(id, config().toString()).send().status()).isEqualTo(204);

    assertThat(API.get("/datasources/" + id).send().json().path("sslCA").asText()).isEqualTo(ca);
  }

  @Test
  void theListShowsNamesAndIdsAsTextAndNothingElse() {
    String id = create();
    Answer answer =
        API.request("GET", "/restapi/v2/workspaces/" + SLUICE.workspace() + "/datasources")
            .header("Authorization", "Zoho-oauthtoken " + SLUICE.token())
            .header("ZANALYTICS-ORGID", SLUICE.organization())
            .send();
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("Content-Type")).isEqualTo("application/json;charset=UTF-8");
    assertThat(answer.json().path("summary").asText()).isEqualTo("Fetch Datasources");
    JsonNode all = answer.json().path("data").path("dataSources");
    assertThat(all.findValuesAsText("datasourceId")).contains(id, "1767024000003890005");
    assertThat(answer.body()).doesNotContain(MARIA.host(), USER);
  }
}
