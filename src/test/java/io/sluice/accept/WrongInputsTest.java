package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.contract.DocumentedAnswers;
import io.sluice.decode.WrongConfigs;
import io.sluice.decode.WrongInputs;
import io.sluice.decode.WrongInputs.Expected;
import io.sluice.servers.SluiceProcess;
import java.net.http.HttpRequest.BodyPublishers;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Generated inputs that are wrong in themselves, sent to a process of the product: each is a
 * document that would go live but for one field, and leaves everything as it was. The decode stage
 * alone is under all of them in its own test; here every third or fourth is sent, and all of them
 * with {@code -Dsluice.wrong.all=true}.
 */
final class WrongInputsTest {
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);

  /** Bytes; a longer request line is 414 before anyone looks at it. */
  private static final int QUERY = 60_000;

  /** Else steps that are prime to the number of formats and of places: each has its turn. */
  private static final boolean ALL = Boolean.getBoolean("sluice.wrong.all");

  private static String id;
  private static Trace before;

  /** All that an update could leave behind. */
  private record Trace(String document, String history, String rows) {}

  @BeforeAll
  static void create() throws Exception {
    id = API.create(API.works());
    before = trace();
  }

  @AfterAll
  static void nothingChanged() throws Exception {
    assertThat(trace()).isEqualTo(before);
  }

  private static Trace trace() throws SQLException {
    return new Trace(
        API.stored(id),
        API.get("/datasources/" + id + "/history").send().body(),
        rows("data_source_versions", "id")
            + rows("updates", "data_source_id")
            + rows("outbox", "convert_from(record_key, 'UTF8')"));
  }

  private static String rows(String table, String column) throws SQLException {
    try (Connection store = SLUICE.store();
        PreparedStatement count =
            store.prepareStatement("select count(*) from " + table + " where " + column + " = ?")) {
      count.setString(1, id);
      try (ResultSet found = count.executeQuery()) {
        found.next();
        return table + " " + found.getLong(1) + "; ";
      }
    }
  }

  @Test
  void aWrongFieldIsRefusedByNameInEveryFormat() throws Exception {
    List<WrongInputs.Input> inputs =
        everyNth(
            WrongInputs.of(settings(), id).stream().filter(i -> i.expected().refused()).toList(),
            ALL ? 1 : 3);
    List<String> objections = new ArrayList<>();
    for (WrongInputs.Input input : inputs) {
      Answer answer =
          API.request("PUT", "/datasources/" + id)
              .admin()
              .body(
                  input.encoded().contentType(),
                  BodyPublishers.ofByteArray(input.encoded().bytes()))
              .send();
      objection(answer, input.expected()).ifPresent(o -> objections.add(input + ": " + o));
    }
    report(inputs.size(), "native API");
    assertThat(objections).isEmpty();
    assertThat(inputs).hasSizeGreaterThan(2400);
    assertThat(trace()).isEqualTo(before);
  }

  @Test
  void aWrongAttributeOfConfigHasItsCodeInEveryPlace() throws Exception {
    List<WrongConfigs.Input> inputs =
        everyNth(
            WrongConfigs.of(config()).stream()
                .filter(WrongConfigs.Input::refused)
                .filter(input -> input.query() == null || input.query().length() <= QUERY)
                .toList(),
            ALL ? 1 : 4);
    String address = "/restapi/v2/workspaces/" + SLUICE.workspace() + "/datasources/" + id;
    List<String> objections = new ArrayList<>();
    for (WrongConfigs.Input input : inputs) {
      objection(answer(address, input), input).ifPresent(o -> objections.add(input + ": " + o));
    }
    report(inputs.size(), "Zoho-compatible API");
    assertThat(objections).isEmpty();
    assertThat(inputs).hasSizeGreaterThan(1200);
    assertThat(trace()).isEqualTo(before);
  }

  @Test
  void aPatchAndANewDataSourceAreReadTheSame() throws Exception {
    List<WrongInputs.Input> inputs =
        WrongInputs.of(settings(), id).stream().filter(i -> i.expected().refused()).toList();
    List<String> objections = new ArrayList<>();
    int sent = 0;
    for (WrongInputs.Input input : everyNth(inputs, ALL ? 13 : 37)) {
      Answer created =
          API.request("POST", "/datasources")
              .admin()
              .body(
                  input.encoded().contentType(),
                  BodyPublishers.ofByteArray(input.encoded().bytes()))
              .send();
      objection(created, input.expected()).ifPresent(o -> objections.add(input + ", POST: " + o));
      sent++;
      if (input.encoded().contentType().equals("application/json")) {
        Answer patched =
            API.request("PATCH", "/datasources/" + id)
                .admin()
                .body(
                    "application/merge-patch+json",
                    BodyPublishers.ofByteArray(input.encoded().bytes()))
                .send();
        objection(patched, input.expected())
            .ifPresent(o -> objections.add(input + ", PATCH: " + o));
        sent++;
      }
    }
    report(sent, "native API's other operations");
    assertThat(objections).isEmpty();
    assertThat(sent).isGreaterThan(200);
    assertThat(trace()).isEqualTo(before);
  }

  /** What this driver cannot do without; a stored driver stays where none is named. */
  @Test
  void aFieldThatIsMissingEmptyOrNullIsNamedWhereItIsRequired() throws Exception {
    for (String field : List.of("host", "username", "database")) {
      ObjectNode missing = API.works();
      missing.remove(field);
      for (ObjectNode document :
          List.of(missing, API.works().put(field, ""), API.works().putNull(field))) {
        Answer answer = API.put(id, document);
        assertThat(objection(answer, new Expected(422, "MISSING_FIELD", field))).isEmpty();
      }
    }
    ObjectNode missing = API.works();
    missing.remove("driver");
    for (ObjectNode document :
        List.of(missing, API.works().put("driver", ""), API.works().putNull("driver"))) {
      Answer answer =
          API.request("POST", "/datasources").admin().json(document.put("id", "no-driver")).send();
      assertThat(objection(answer, new Expected(422, "MISSING_FIELD", "driver"))).isEmpty();
    }
    assertThat(trace()).isEqualTo(before);
  }

  private static <T> List<T> everyNth(List<T> inputs, int step) {
    return IntStream.iterate(0, i -> i < inputs.size(), i -> i + step)
        .mapToObj(inputs::get)
        .toList();
  }

  private static Answer answer(String address, WrongConfigs.Input input) {
    String query = input.query() == null ? "" : "?" + input.query();
    if (query.matches("(?s).*%(?![0-9A-Fa-f]{2}).*")) {
      // No client's library would send it.
      return API.rawAnswer(
          "PUT "
              + address
              + query
              + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n"
              + "ZANALYTICS-ORGID: "
              + SLUICE.organization()
              + "\r\nAuthorization: Zoho-oauthtoken "
              + SLUICE.token()
              + "\r\n\r\n");
    }
    Api.Request request =
        API.request("PUT", address + query)
            .header("Authorization", "Zoho-oauthtoken " + SLUICE.token())
            .header("ZANALYTICS-ORGID", SLUICE.organization());
    return input.body() == null
        ? request.send()
        : request.body(input.contentType(), BodyPublishers.ofByteArray(input.body())).send();
  }

  private static Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    API.works()
        .properties()
        .forEach(
            field ->
                settings.put(
                    field.getKey(),
                    field.getValue().isInt()
                        ? (Object) field.getValue().asInt()
                        : field.getValue().asText()));
    return settings;
  }

  private static Map<String, Object> config() {
    SluiceProcess.Target target = SLUICE.target();
    return Map.of(
        "serviceName",
        "LOCAL DATABASE",
        "databaseType",
        "POSTGRESQL",
        "hostName",
        target.host(),
        "port",
        target.port(),
        "userName",
        target.user(),
        "password",
        target.password(),
        "cloudDatabaseName",
        target.database());
  }

  private static void report(int count, String where) {
    System.out.println(
        count
            + " generated wrong inputs were refused by the "
            + where
            + "; so far "
            + DocumentedAnswers.count()
            + " answers were held against the contract.");
  }

  private static Optional<String> objection(Answer answer, Expected expected) {
    if (answer.status() != expected.status() || !answer.reason().equals(expected.reason())) {
      return Optional.of(answer.status() + " " + answer.body());
    }
    boolean named = true;
    if (expected.field() != null) {
      named = answer.json().path("message").asText().contains(expected.field());
      for (JsonNode error : answer.json().path("errors")) {
        named &= error.path("field").asText().startsWith(expected.field());
        named &= error.path("message").asText().contains(expected.field());
      }
      named &= !answer.json().path("errors").isEmpty();
    }
    return named && !answer.body().contains(WrongInputs.CANARY)
        ? Optional.empty()
        : Optional.of(answer.body());
  }

  private static Optional<String> objection(Answer answer, WrongConfigs.Input input) {
    JsonNode data = answer.json().path("data");
    String message = data.path("errorMessage").asText();
    boolean asDocumented =
        answer.status() == 400
            && answer.errorCode() == input.code()
            && answer
                .json()
                .path("summary")
                .asText()
                .equals(WrongConfigs.SUMMARIES.get(input.code()))
            && (input.key() == null || message.contains(input.key()))
            && !answer.body().contains(WrongInputs.CANARY);
    return asDocumented ? Optional.empty() : Optional.of(answer.status() + " " + answer.body());
  }
}
