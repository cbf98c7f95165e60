package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Comparator.naturalOrder;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.canary.CanarySearch;
import io.sluice.contract.ContractFile;
import io.sluice.servers.MariaDbServer;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Contract section 1, over a process of the product and a MariaDB as the target. */
class NativeApiTest {
  private static final String FORM = "application/x-www-form-urlencoded";
  private static final CanarySearch CANARIES = new CanarySearch();
  private static final String USER = "n" + UUID.randomUUID().toString().substring(0, 8);
  private static final String PASSWORD = CANARIES.secret("the target's password").reveal();
  private static final String NEXT_PASSWORD = CANARIES.secret("the next password").reveal();

  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final MariaDbServer MARIA = MariaDbServer.shared();
  private static final Api API = new Api(SLUICE);

  /** The ways to write one update. */
  enum Encoding {
    JSON("application/json") {
      @Override
      String write(ObjectNode document) {
        return document.toString();
      }
    },
    XML("application/xml") {
      @Override
      String write(ObjectNode document) {
        return document.properties().stream()
            .map(field -> "<%1$s>%2$s</%1$s>".formatted(field.getKey(), field.getValue().asText()))
            .collect(joining("", "<item>", "</item>"));
      }
    },
    FORM_FIELDS(FORM) {
      @Override
      String write(ObjectNode document) {
        return document.properties().stream()
            .map(
                field -> field.getKey() + "=" + URLEncoder.encode(field.getValue().asText(), UTF_8))
            .collect(joining("&"));
      }
    },
    JSON_AS_FORM(FORM) {
      @Override
      String write(ObjectNode document) {
        return document.toString();
      }
    };

    private final String contentType;

    Encoding(String contentType) {
      this.contentType = contentType;
    }

    abstract String write(ObjectNode document);
  }

  @BeforeAll
  static void createTarget() {
    MARIA.createUser(USER, PASSWORD);
    MARIA.createDatabase("shop_" + USER, USER);
  }

  @AfterAll
  static void noSecretLeaked() {
    API.assertNoSecretLeaked(CANARIES);
  }

  private static ObjectNode works() {
    return Api.object(
        Map.of(
            "driver",
            "mariadb",
            "host",
            MARIA.host(),
            "port",
            Integer.toString(MARIA.port()),
            "username",
            USER,
            "password",
            PASSWORD,
            "database",
            "shop_" + USER));
  }

  private static Answer send(String id, Encoding encoding, ObjectNode document) {
    return API.request("PUT", "/datasources/" + id)
        .admin()
        .body(encoding.contentType, encoding.write(document))
        .send();
  }

  @ParameterizedTest
  @EnumSource
  void anUpdateThatWorksIsAnsweredWithTheFullDocument(Encoding encoding) {
    String id = API.create(works());

    Answer answer = send(id, encoding, works().put("ssl", false).put("ssh", false));

    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    JsonNode document = answer.json();
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/DataSource", document))
        .isEmpty();
    assertThat(document.path("id").asText()).isEqualTo(id);
    assertThat(document.path("driver").asText()).isEqualTo("mariadb");
    assertThat(document.path("port").isTextual()).isTrue();
    assertThat(document.path("port").asInt()).isEqualTo(MARIA.port());
    assertThat(document.path("password").asText()).isEqualTo("********");
    assertThat(document.path("version").asLong()).isEqualTo(2);
    assertThat(document.path("status").asText()).isEqualTo("reachable");
    assertThat(document.path("created_by").asText()).isEqualTo("admin");
    assertThat(document.path("last_test").path("status").asText()).isEqualTo("passed");
    assertThat(document.path("secrets").path("password").path("set").asBoolean()).isTrue();
    assertThat(answer.header("ETag")).isEqualTo("\"2\"");
    assertThat(API.stored(id)).isEqualTo(answer.body());
  }

  @Test
  void everyFieldIsAnsweredAlsoWhenItIsNotSet() {
    JsonNode schema =
        ContractFile.read(ContractFile.OPENAPI).at("/components/schemas/DataSource/properties");
    JsonNode document = API.get("/datasources/" + API.create(works())).send().json();

    assertThat(ContractFile.names(document))
        .containsExactlyInAnyOrderElementsOf(ContractFile.names(schema));
    assertThat(document.path("sshHost").isNull()).isTrue();
  }

  @ParameterizedTest
  @EnumSource
  void anUpdateThatDoesNotWorkIsRefusedAndLeavesWhatIsStoredAlone(Encoding encoding) {
    String id = API.create(works());
    String before = API.stored(id);

    Answer answer = send(id, encoding, works().put("database", "missing_" + encoding.name()));

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.reason()).isIn("DATABASE_NOT_FOUND", "PERMISSION_DENIED");
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/Error", answer.json()))
        .isEmpty();
    assertThat(answer.json().path("code").asInt()).isEqualTo(422);
    assertThat(answer.json().path("report").path("status").asText()).isEqualTo("failed");
    assertThat(answer.json().path("report").path("steps").isEmpty()).isFalse();
    assertThat(API.stored(id)).isEqualTo(before);
  }

  @Test
  void thePublishedShellSampleWorksWithRealValues() throws IOException, InterruptedException {
    String id = API.create(works());
    Process curl =
        new ProcessBuilder(
                "curl",
                "--silent",
                "--request",
                "PUT",
                "--url",
                SLUICE.api() + "/datasources/" + id,
                "--header",
                "Authorization: Bearer " + SLUICE.token(),
                "--header",
                "content-type: application/x-www-form-urlencoded",
                "--data",
                works()
                    .put("ssl", false)
                    .put("keyfile", "")
                    .put("certificate", "")
                    .put("sslCA", "")
                    .put("ssh", false)
                    .put("sshTunneling", false)
                    .toString(),
                "--write-out",
                "%{http_code}")
            .start();
    try (InputStream out = curl.getInputStream()) {
      String said = new String(out.readAllBytes(), UTF_8);
      assertThat(said).startsWith("{\"id\":\"" + id).endsWith("200");
    }
    assertThat(curl.waitFor()).isZero();
  }

  @Test
  void theCommandThatTheGreetingSuggestsWorks() throws IOException, InterruptedException {
    Process shell = new ProcessBuilder("sh", "-c", SLUICE.curl() + " -s").start();
    try (InputStream out = shell.getInputStream()) {
      assertThat(new String(out.readAllBytes(), UTF_8)).startsWith("HTTP/1.1 200 OK");
    }
    assertThat(shell.waitFor()).isZero();
  }

  static Stream<List<Object>> failures() {
    return Stream.of(
        List.of(400, "MALFORMED_BODY", "application/json", "{\"driver\":"),
        List.of(400, "MALFORMED_BODY", "application/xml", "<item><driver>mariadb</item>"),
        List.of(400, "DUPLICATE_FIELD", "application/json", "{\"host\":\"a\",\"host\":\"b\"}"),
        List.of(400, "DUPLICATE_FIELD", FORM, "host=a&host=b"),
        List.of(400, "DUPLICATE_FIELD", FORM, "{\"host\":\"a\",\"host\":\"b\"}"),
        List.of(415, "UNSUPPORTED_MEDIA_TYPE", "text/plain", "{}"),
        List.of(415, "UNSUPPORTED_MEDIA_TYPE", "application/json; charset=ISO-8859-1", "{}"),
        List.of(415, "UNSUPPORTED_MEDIA_TYPE", "multipart/form-data; boundary=x", "--x--"),
        List.of(413, "BODY_TOO_LARGE", "application/json", "x".repeat(64 * 1024 + 1)),
        List.of(422, "UNKNOWN_FIELD", "application/json", "{\"jdbcUrl\":\"jdbc:x\"}"),
        List.of(422, "INVALID_FIELD", "application/json", "{\"host\":\"a,b\"}"),
        List.of(422, "INVALID_FIELD", "application/json", "{\"id\":\"another\"}"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void whatCannotBeReadIsRefusedAsTheContractSays(List<Object> failure) {
    String id = API.create(works());
    String before = API.stored(id);

    Answer answer =
        API.request("PUT", "/datasources/" + id)
            .admin()
            .body((String) failure.get(2), (String) failure.get(3))
            .send();

    assertThat(answer.status()).isEqualTo(failure.get(0));
    assertThat(answer.json().path("code").asInt()).isEqualTo(failure.get(0));
    assertThat(answer.json().path("message").asText()).isNotBlank();
    assertThat(answer.reason()).isEqualTo(failure.get(1));
    assertThat(answer.json().path("request_id").asText()).isEqualTo(answer.header("X-Request-Id"));
    assertThat(answer.header("Content-Type")).isEqualTo("application/json");
    assertThat(API.stored(id)).isEqualTo(before);
  }

  @Test
  void aBodyWithoutAContentTypeIsRefused() {
    String id = API.create(works());

    Answer answer = API.request("PUT", "/datasources/" + id).admin().body(null, "{}").send();

    assertThat(answer.status()).isEqualTo(415);
  }

  @Test
  void anUnknownDataSourceIsNotFound() {
    assertThat(API.put("missing", works()).status()).isEqualTo(404);
    assertThat(API.put("%7Bid%7D", works()).status()).isEqualTo(404);
    assertThat(API.get("/datasources/missing").send().status()).isEqualTo(404);
    assertThat(API.request("DELETE", "/datasources/missing").admin().send().status())
        .isEqualTo(404);
    assertThat(API.request("POST", "/datasources/missing/test").admin().send().status())
        .isEqualTo(404);
  }

  @Test
  void anUnknownAddressIsNotFoundAndAWrongMethodIsTold() {
    assertThat(API.get("/nothing").send().json().path("code").asInt()).isEqualTo(404);
    Answer answer = API.request("PUT", "/datasources").admin().send();
    assertThat(answer.status()).isEqualTo(405);
    assertThat(answer.header("Allow")).contains("POST");
  }

  @ParameterizedTest
  @CsvSource({
    "/datasources/test, POST",
    "/datasources/bulk, POST",
    "/datasources/count, 'GET, HEAD'"
  })
  void anAddressOfItsOwnIsNoDataSource(String address, String allowed) {
    for (String method : List.of("GET", "PUT", "PATCH", "DELETE", "POST")) {
      Answer answer = API.request(method, address).send();

      if (List.of(allowed.split(", ", -1)).contains(method)) {
        assertThat(answer.status()).as(method).isEqualTo(403);
      } else {
        assertThat(answer.status()).as(method).isEqualTo(405);
        assertThat(answer.header("Allow")).isEqualTo(allowed);
      }
    }
  }

  @Test
  void whatIsNotThereYetHasNoVersionToName() {
    String id = "unborn-" + UUID.randomUUID();

    Answer answer =
        API.request("POST", "/datasources")
            .admin()
            .header("If-Match", "\"1\"")
            .json(API.works().put("id", id))
            .send();

    assertThat(answer.status()).isEqualTo(412);
    assertThat(API.get("/datasources/" + id).send().status()).isEqualTo(404);
  }

  @Test
  void whatWasReadMayBeSentBackUnchanged() {
    String id = API.create(works());

    Answer answer = API.put(id, API.get("/datasources/" + id).send().json());

    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(answer.json().path("version").asLong()).isEqualTo(2);
    assertThat(answer.json().path("secrets").path("password").path("version").asLong())
        .isEqualTo(1);
  }

  @Test
  void aNewPasswordIsTestedAndShowsItselfInItsFingerprintOnly() {
    String user = "r" + UUID.randomUUID().toString().substring(0, 8);
    MARIA.createUser(user, PASSWORD);
    ObjectNode document = works().put("username", user);
    document.remove("database");
    String id = API.create(document);
    JsonNode before = API.get("/datasources/" + id).send().json();

    MARIA.execute("alter user '" + user + "'@'%' identified by '" + NEXT_PASSWORD + "'");
    Answer answer = API.put(id, document.put("password", NEXT_PASSWORD));

    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(fingerprint(answer.json())).isNotEmpty().isNotEqualTo(fingerprint(before));
    Answer old = API.put(id, document.put("password", PASSWORD));
    assertThat(old.status()).isEqualTo(422);
    assertThat(old.reason()).isEqualTo("AUTH_FAILED");
    assertThat(API.stored(id)).isEqualTo(answer.body());
  }

  private static String fingerprint(JsonNode document) {
    return Api.text(document, "secrets", "password", "fingerprint");
  }

  @Test
  void aNewDataSourceIsTestedBeforeItExists() {
    String id = "new-" + UUID.randomUUID();
    Answer refused =
        API.request("POST", "/datasources")
            .admin()
            .json(works().put("id", id).put("port", 1))
            .send();
    assertThat(refused.status()).isEqualTo(422);
    assertThat(refused.reason()).isEqualTo("CONNECTION_REFUSED");
    assertThat(API.get("/datasources/" + id).send().status()).isEqualTo(404);

    Answer created = API.request("POST", "/datasources").admin().json(works().put("id", id)).send();
    assertThat(created.status()).as(created.body()).isEqualTo(201);
    assertThat(created.header("Location")).isEqualTo("/datasources/" + id);
    assertThat(created.header("ETag")).isEqualTo("\"1\"");
    assertThat(API.stored(id)).isEqualTo(created.body());

    Answer taken = API.request("POST", "/datasources").admin().json(works().put("id", id)).send();
    assertThat(taken.status()).isEqualTo(409);
  }

  @Test
  void aNewDataSourceMayLeaveItsIdToTheService() {
    Answer created = API.request("POST", "/datasources").admin().json(works()).send();
    assertThat(created.status()).isEqualTo(201);
    assertThat(API.get(created.header("Location")).send().status()).isEqualTo(200);
  }

  @Test
  void aDeletedDataSourceIsGone() {
    String id = API.create(works());

    assertThat(
            API.request("DELETE", "/datasources/" + id)
                .admin()
                .header("If-Match", "\"7\"")
                .send()
                .status())
        .isEqualTo(412);
    Answer deleted = API.request("DELETE", "/datasources/" + id).admin().send();
    assertThat(deleted.status()).isEqualTo(204);
    assertThat(deleted.body()).isEmpty();
    assertThat(API.get("/datasources/" + id).send().status()).isEqualTo(404);
    assertThat(API.request("DELETE", "/datasources/" + id).admin().send().status()).isEqualTo(404);
    assertThat(
            API.request("DELETE", "/datasources/" + id)
                .admin()
                .header("If-Match", "*")
                .send()
                .status())
        .isIn(404, 412);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "id", "-id", "published_at", "-published_at"})
  void theListGoesThroughAllPagesInItsOrder(String sort) {
    List<String> made = List.of(API.create(works()), API.create(works()), API.create(works()));
    API.put(made.get(0), works().put("sshUsername", "published again"));
    List<String> seen = new ArrayList<>();
    List<String> keys = new ArrayList<>();
    String next =
        "/datasources?_limit=2&driver=mariadb&host="
            + MARIA.host()
            + (sort.isEmpty() ? "" : "&_sort=" + sort);
    while (next != null) {
      Answer page = API.get(next).send();
      assertThat(page.status()).isEqualTo(200);
      assertThat(page.json().size()).isBetween(1, 2);
      page.json().forEach(item -> seen.add(item.path("id").asText()));
      String key = sort.endsWith("published_at") ? "published_at" : "id";
      page.json().forEach(item -> keys.add(item.path(key).asText()));
      String link = page.header("Link");
      next = link == null ? null : link.substring(1, link.indexOf('>'));
    }
    assertThat(seen).doesNotHaveDuplicates().containsAll(made);
    Comparator<String> order =
        sort.endsWith("published_at") ? Comparator.comparing(Instant::parse) : naturalOrder();
    assertThat(keys).isSortedAccordingTo(sort.startsWith("-") ? order.reversed() : order);

    Answer count = API.get("/datasources/count?driver=mariadb&host=" + MARIA.host()).send();
    assertThat(count.json().path("count").asInt()).isEqualTo(seen.size());
  }

  @Test
  void aParameterThatIsNotKnownIsRefused() {
    String id = API.create(works());
    for (String path :
        List.of(
            "/datasources?limit=2",
            "/datasources?_limit=0",
            "/datasources?_limit=101",
            "/datasources?_sort=host",
            "/datasources?_sort=published_at&_start=demo",
            "/datasources/count?_limit=2")) {
      assertThat(API.get(path).send().status()).as(path).isEqualTo(422);
    }
    assertThat(
            API.request("PUT", "/datasources/" + id + "?dryrun=true")
                .admin()
                .json(works())
                .send()
                .status())
        .isEqualTo(422);
    assertThat(API.get("/datasources?_limit=1&_limit=2").send().status()).isEqualTo(400);
    assertThat(API.get("/datasources/count?driver=%C3%28").send().status()).isEqualTo(200);
  }

  @Test
  void aDryRunTestsAndKeepsNothing() {
    String id = API.create(works());
    String before = API.stored(id);
    String address = "/datasources/" + id + "?dryRun=true";

    Answer passed =
        API.request("PUT", address).admin().json(works().put("port", MARIA.port())).send();
    assertThat(passed.status()).isEqualTo(200);
    Answer failed = API.request("PUT", address).admin().json(works().put("port", 1)).send();
    assertThat(failed.status()).isEqualTo(422);
    assertThat(failed.json().path("report").isObject()).isTrue();
    assertThat(API.stored(id)).isEqualTo(before);
  }

  @Test
  void aConnectionCanBeTestedWithoutBeingKept() {
    Answer count = API.get("/datasources/count").send();

    Answer passed = API.request("POST", "/datasources/test").admin().json(works()).send();
    assertThat(passed.status()).as(passed.body()).isEqualTo(200);
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/Report", passed.json()))
        .isEmpty();
    Answer failed =
        API.request("POST", "/datasources/test").admin().json(works().put("port", 1)).send();
    assertThat(failed.status()).isEqualTo(422);
    assertThat(failed.reason()).isEqualTo("CONNECTION_REFUSED");

    assertThat(API.get("/datasources/count").send().body()).isEqualTo(count.body());
  }

  @Test
  void whatIsStoredCanBeTested() {
    Answer answer =
        API.request("POST", "/datasources/" + API.create(works()) + "/test").admin().send();
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().path("status").asText()).isEqualTo("passed");
  }

  @Test
  void aStaleVersionIsRefused() {
    String id = API.create(works());
    Answer stale =
        API.request("PUT", "/datasources/" + id)
            .admin()
            .header("If-Match", "\"9\"")
            .json(works())
            .send();
    assertThat(stale.status()).isEqualTo(412);
    Answer current =
        API.request("PUT", "/datasources/" + id)
            .admin()
            .header("If-Match", "\"1\"")
            .json(works())
            .send();
    assertThat(current.status()).isEqualTo(200);
  }

  @Test
  void oneOfSeveralVersionsMayBeTheCurrentOne() {
    String id = API.create(works());
    for (String missed :
        List.of("W/\"1\"", "\"8\", W/\"1\"", "1", "\"8\",\"9\"", "\"x\"", "\"1\" \"2\"", "", ",")) {
      assertThat(ifMatch("PATCH", id, missed).status()).as(missed).isEqualTo(412);
      assertThat(ifMatch("DELETE", id, missed).status()).as(missed).isEqualTo(412);
    }
    assertThat(ifMatch("PATCH", id, "\"1\", \"14\"").status()).isEqualTo(200);
    assertThat(ifMatch("PATCH", id, "W/\"7\",\"opaque\" , \"3\",\"2\"").status()).isEqualTo(200);
    assertThat(ifMatch("DELETE", id, "\"2\", \"3\"").status()).isEqualTo(204);
  }

  private static Answer ifMatch(String method, String id, String tags) {
    Api.Request request =
        API.request(method, "/datasources/" + id).admin().header("If-Match", tags);
    return method.equals("PATCH")
        ? request.json(Api.object(Map.of("password", PASSWORD))).send()
        : request.send();
  }

  @Test
  void aKeptSecretIsRefusedWhenItsDestinationChanges() {
    String id = API.create(works());
    String before = API.stored(id);
    ObjectNode moved = works().put("host", "localhost");
    moved.remove("password");

    Answer answer = API.put(id, moved);

    assertThat(answer.status()).isEqualTo(422);
    assertThat(answer.reason()).isEqualTo("SECRET_REENTRY_REQUIRED");
    assertThat(answer.json().path("errors").path(0).path("field").asText()).isEqualTo("password");
    assertThat(API.stored(id)).isEqualTo(before);
  }

  @Test
  void problemDetailsAreAnsweredToWhoAsksForThem() {
    Answer answer =
        API.get("/datasources/missing").header("Accept", "application/problem+json").send();
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/Problem", answer.json()))
        .isEmpty();
    assertThat(answer.json().path("status").asInt()).isEqualTo(404);
  }

  @Test
  void aForbiddenAddressLooksUnknownToWhoMayNotDiagnose() {
    ObjectNode metadata = works().put("host", "169.254.169.254");

    Answer ordinary =
        API.request("POST", "/datasources/test")
            .token(API.token("datasources:test"))
            .json(metadata)
            .send();
    assertThat(ordinary.reason()).isEqualTo("UNKNOWN_HOST");
    assertThat(ordinary.body()).doesNotContain("POLICY_DENIED");
    Answer diagnosing =
        API.request("POST", "/datasources/test")
            .token(API.token("datasources:test", "diagnostics"))
            .json(metadata)
            .send();
    assertThat(diagnosing.reason()).isEqualTo("POLICY_DENIED");
  }

  @Test
  void theServiceItselfIsNoTarget() {
    for (int port :
        List.of(
            SLUICE.api().getPort(),
            SLUICE.readiness().getPort(),
            Integer.parseInt(SLUICE.bootstrap().split(":", 2)[1]))) {
      Answer answer =
          API.request("POST", "/datasources/test").admin().json(works().put("port", port)).send();
      assertThat(answer.reason()).isEqualTo("POLICY_DENIED");
    }
  }

  @Test
  void theDriversAndTheContractAreServed() {
    JsonNode drivers = API.get("/drivers").send().json();
    assertThat(drivers.findValuesAsText("id")).contains("mariadb", "mysql", "postgresql");
    assertThat(driver(drivers, "mariadb").path("available").asBoolean()).isTrue();
    assertThat(driver(drivers, "mariadb").has("fetch")).isFalse();
    JsonNode oracle = driver(drivers, "oracle");
    assertThat(oracle.path("available").asBoolean()).isFalse();
    assertThat(oracle.path("fetch").asText())
        .contains("-Dartifact=com.oracle.database.jdbc:ojdbc11:")
        .endsWith("-DoutputDirectory=drivers/oracle");
    assertThat(oracle.at("/options/0/name").asText()).isEqualTo("serviceName");
    assertThat(oracle.at("/options/0/destination").asBoolean()).isTrue();
    assertThat(driver(drivers, "mongo").path("note").asText()).isNotEmpty();
    Answer contract = API.request("GET", "/openapi.json").send();
    assertThat(contract.status()).isEqualTo(200);
    assertThat(contract.json()).isEqualTo(ContractFile.read(ContractFile.OPENAPI));
  }

  private static JsonNode driver(JsonNode drivers, String name) {
    for (JsonNode each : drivers) {
      if (each.path("id").asText().equals(name)
          || each.path("aliases").toString().contains("\"" + name + "\"")) {
        return each;
      }
    }
    throw new AssertionError("No driver " + name);
  }

  @Test
  void aSecretThatNoKeyOpensHidesNoDataSource() throws SQLException {
    String id = withASecretThatNoKeyOpens();

    Answer one = API.get("/datasources/" + id).send();
    Answer page = API.get("/datasources?_sort=-published_at").send();
    Answer deleted = API.request("DELETE", "/datasources/" + id).admin().send();

    assertThat(one.status()).as(one.body()).isEqualTo(200);
    assertThat(one.json().path("password").asText()).isEqualTo("********");
    assertThat(page.status()).as(page.body()).isEqualTo(200);
    assertThat(page.json().findValuesAsText("id")).contains(id);
    assertThat(deleted.status()).isEqualTo(204);
  }

  @Test
  void aSecretThatNoKeyOpensCanBeReplaced() throws SQLException {
    String id = withASecretThatNoKeyOpens();
    ObjectNode without = works();
    without.remove("password");

    Answer replaced = API.put(id, works());
    Answer kept = API.put(id, without);

    assertThat(replaced.status()).as(replaced.body()).isEqualTo(200);
    assertThat(replaced.json().path("version").asLong()).isEqualTo(2);
    assertThat(kept.status()).as(kept.body()).isEqualTo(200);
  }

  private static String withASecretThatNoKeyOpens() throws SQLException {
    String id = API.create(works());
    try (Connection store = SLUICE.store();
        Statement statement = store.createStatement()) {
      statement.executeUpdate(
          "update data_sources set secrets = jsonb_set(secrets, '{password,sealed}', '\"x\"')"
              + " where id = '"
              + id
              + "'");
    }
    return id;
  }
}
