package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The schema files accept what Sluice sends and takes, and nothing that must not travel. */
final class SchemaTest {
  static final List<Path> FILES =
      List.of(
          ContractFile.REPORT,
          ContractFile.EVENT_DATA,
          ContractFile.CLOUD_EVENT,
          ContractFile.UPDATE);

  @ParameterizedTest
  @FieldSource("FILES")
  void everyExampleKeepsToItsSchema(Path file) {
    JsonNode examples = ContractFile.read(file).path("examples");
    assertThat(examples).isNotEmpty();
    assertThat(examples)
        .allSatisfy(example -> assertThat(ContractFile.objectionsOf(file, example)).isEmpty());
  }

  @Test
  void namesReasonsAndStepsAreThoseOfTheModel() {
    JsonNode report = ContractFile.read(ContractFile.REPORT);
    assertThat(ContractFile.texts(report.at("/$defs/reason/enum")))
        .containsExactlyElementsOf(
            Stream.of(Reason.values())
                .filter(
                    r ->
                        r.category() == Reason.Category.TEST
                            || r.category() == Reason.Category.INTERNAL)
                .map(Enum::name)
                .toList());
    assertThat(ContractFile.texts(report.at("/$defs/step/properties/step/enum")))
        .containsExactlyElementsOf(
            Stream.of(Report.Name.values()).map(Report.Name::wireName).toList());

    JsonNode event = ContractFile.read(ContractFile.EVENT_DATA);
    assertThat(ContractFile.texts(event.at("/properties/reason/enum")))
        .containsExactlyElementsOf(Stream.of(Reason.values()).map(Enum::name).toList());
    assertThat(ContractFile.texts(event.at("/properties/changed/items/anyOf/0/enum")))
        .containsExactlyElementsOf(Stream.of(Field.values()).map(Field::wireName).toList());
  }

  @Test
  void theUpdateOfTheTopicHasTheNamesOfTheHttpApi() {
    JsonNode http = ContractFile.read(ContractFile.OPENAPI).at("/components/schemas/Update");
    JsonNode topic = ContractFile.read(ContractFile.UPDATE);
    assertThat(ContractFile.names(topic.path("properties")))
        .containsExactlyInAnyOrderElementsOf(ContractFile.names(http.path("properties")));
  }

  @Test
  void aReportThatTheCodeWritesKeepsToTheSchema() {
    Report report =
        new Report(
            Report.Status.FAILED,
            Reason.SSH_AUTH_FAILED,
            12,
            Instant.parse("2026-01-15T09:30:00.123456Z"),
            "postgresql://[2001:db8::5]:5432/shop",
            List.of(
                Report.Step.passed(Report.Name.POLICY, 0, null),
                Report.Step.passed(Report.Name.DNS, 1, "1 address"),
                Report.Step.failed(Report.Name.SSH_AUTH, 10, Reason.SSH_AUTH_FAILED, null, null),
                Report.Step.skipped(Report.Name.LOGIN)));
    JsonMapper json =
        JsonMapper.builder()
            .addModule(new JavaTimeModule())
            .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
            .build();
    assertThat(ContractFile.objectionsOf(ContractFile.REPORT, json.valueToTree(report))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{password: hunter2}",
        "{secrets: {}}",
        "{settings: {host: db.example}}",
        "{changed: [passwd]}",
        "{changed: [password, password]}",
        "{intake: ftp}",
        "{version: 0}",
        "{id: 'no/slash'}",
        "{actor: ''}",
        "{report: {status: passed}}",
        "{errors: [{field: password, reason: MISSING_FIELD, message: m, value: hunter2}]}",
        "{errors: []}",
        "{updateId: ''}"
      })
  void anEventIsRefusedThatHoldsAValueOrAWordOfItsOwn(String difference) {
    assertThat(
            ContractFile.objectionsOf(
                ContractFile.EVENT_DATA, changed(ContractFile.EVENT_DATA, difference)))
        .isNotEmpty();
    JsonNode envelope = changed(ContractFile.CLOUD_EVENT, "{}");
    ((ObjectNode) envelope).set("data", changed(ContractFile.EVENT_DATA, difference));
    assertThat(ContractFile.objectionsOf(ContractFile.CLOUD_EVENT, envelope)).isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{specversion: '0.3'}",
        "{type: sluice.datasource.exploded}",
        "{time: yesterday}",
        "{subject: null}",
        "{datacontenttype: text/plain}",
        "{Password: hunter2}",
        "{data: {password: hunter2}}",
        // An update that failed is not announced with a report that passed.
        "{type: sluice.datasource.update-failed}",
        "{type: sluice.datasource.unreachable}"
      })
  void anEnvelopeIsRefusedThatIsNotOneOfOurs(String difference) {
    assertThat(
            ContractFile.objectionsOf(
                ContractFile.CLOUD_EVENT, changed(ContractFile.CLOUD_EVENT, difference)))
        .isNotEmpty();
  }

  @Test
  void anEnvelopeMayCarryExtensionAttributes() {
    JsonNode traced = changed(ContractFile.CLOUD_EVENT, "{traceparent: 00-0af7-b7ad-01}");
    assertThat(ContractFile.objectionsOf(ContractFile.CLOUD_EVENT, traced)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{status: skipped}",
        "{reason: AUTH_FAILED}",
        "{status: failed}",
        "{status: failed, reason: BODY_TOO_LARGE}",
        "{durationMs: -1}",
        "{testedAt: 'now'}",
        "{target: 'mariadb://root:hunter2@db.example:3306/shop'}",
        "{steps: [{step: login, status: failed}]}",
        "{steps: [{step: ping, status: passed}]}",
        "{steps: [{step: login, status: passed, reason: AUTH_FAILED}]}",
        "{steps: [{step: login, status: passed, banner: '5.5.5-MariaDB'}]}"
      })
  void aReportIsRefusedThatContradictsItselfOrNamesCredentials(String difference) {
    assertThat(
            ContractFile.objectionsOf(
                ContractFile.REPORT, changed(ContractFile.REPORT, difference)))
        .isNotEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{jdbcUrl: 'jdbc:mysql://db.example/'}",
        "{port: 0}",
        "{port: 65536}",
        "{port: '33 06'}",
        "{ssl: maybe}",
        "{ssl: 1}",
        "{certificate: a, sslCertificate: a}",
        "{keyfile: a, sslKeyfile: a}",
        "{host: [a.example, b.example]}",
        "{options: {warehouse: {a: b}}}",
        "{Password: hunter2}"
      })
  void anUpdateIsRefusedThatHasAnotherFieldKindOrSpelling(String difference) {
    assertThat(
            ContractFile.objectionsOf(
                ContractFile.UPDATE, changed(ContractFile.UPDATE, difference)))
        .isNotEmpty();
  }

  @Test
  void xmlFieldsComeInAnyOrder() {
    assertThat(
            ContractFile.objectionOfXsd(
                "<item><password>p</password><options><schema>s</schema></options>"
                    + "<host>db.example</host><driver>mysql</driver></item>"))
        .isEmpty();
  }

  @Test
  void everyFieldOfTheModelHasAnXmlElement() {
    for (Field field : Field.values()) {
      assertThat(
              ContractFile.objectionOfXsd("<item><%1$s></%1$s></item>".formatted(field.wireName())))
          .as(field.wireName())
          .isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<item><host>a</host><host>b</host></item>",
        "<item><jdbcUrl>jdbc:mysql://db.example/</jdbcUrl></item>",
        "<item><ssl>maybe</ssl></item>",
        "<item><port>33o6</port></item>",
        "<item><host><name>a</name></host></item>",
        "<item>text</item>"
      })
  void xmlIsRefusedThatRepeatsInventsOrNests(String xml) {
    assertThat(ContractFile.objectionOfXsd(xml)).isNotEmpty();
  }

  /** The first example of a schema file, with some of its members replaced. */
  private static JsonNode changed(Path file, String difference) {
    ObjectNode example = ContractFile.read(file).path("examples").get(0).deepCopy();
    Consumer<Map.Entry<String, JsonNode>> put = e -> example.set(e.getKey(), e.getValue());
    ContractFile.parse(difference).properties().forEach(put);
    return example;
  }
}
