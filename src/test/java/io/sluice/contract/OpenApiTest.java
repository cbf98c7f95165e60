package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.TextNode;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.model.Secret;
import io.sluice.model.ZohoError;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.parser.OpenAPIV3Parser;
import io.swagger.v3.parser.core.models.ParseOptions;
import io.swagger.v3.parser.core.models.SwaggerParseResult;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.assertj.core.api.Condition;
import org.junit.jupiter.api.Test;

/** The HTTP contract reads well, says what the code says, and its examples keep to it. */
final class OpenApiTest {
  private static final JsonNode DOCUMENT = ContractFile.read(ContractFile.OPENAPI);
  private static final SwaggerParseResult PARSED =
      new OpenAPIV3Parser().readLocation(ContractFile.OPENAPI.toString(), null, new ParseOptions());
  private static final Condition<String> A_SUCCESS =
      new Condition<>(code -> code.startsWith("2"), "a 2xx answer");

  @Test
  void theParserOfTheRoutesHasNothingToSay() {
    assertThat(PARSED.getMessages()).isEmpty();
    assertThat(PARSED.getOpenAPI()).isNotNull();
  }

  @Test
  void everyOperationHasAnIdOfItsOwnTextsAScopeAndAnswers() {
    List<Operation> operations = operations(PARSED.getOpenAPI());
    assertThat(operations).isNotEmpty();
    assertThat(operations).extracting(Operation::getOperationId).doesNotContainNull();
    assertThat(operations).extracting(Operation::getOperationId).doesNotHaveDuplicates();
    assertThat(operations)
        .allSatisfy(
            operation -> {
              assertThat(operation.getSummary()).isNotBlank();
              assertThat(operation.getDescription()).isNotBlank();
              if (operation.getSecurity() == null || !operation.getSecurity().isEmpty()) {
                assertThat(operation.getExtensions()).containsKey("x-scope");
              }
              assertThat(operation.getResponses())
                  .hasKeySatisfying(A_SUCCESS)
                  .containsKey("default");
            });
  }

  @Test
  void noQueryParameterHasADefaultThatCamelWouldTurnIntoAHeader() {
    List<String> defaults = new ArrayList<>();
    walk(
        "",
        DOCUMENT,
        (pointer, node) -> {
          if ("query".equals(node.path("in").asText()) && node.path("schema").has("default")) {
            defaults.add(pointer);
          }
        });
    assertThat(defaults).isEmpty();
  }

  @Test
  void everyFieldOfTheModelCanBeSentAndRead() {
    List<String> names = Stream.of(Field.values()).map(Field::wireName).toList();
    assertThat(ContractFile.names(schema("Update").path("properties"))).containsAll(names);
    assertThat(ContractFile.names(schema("UpdateForm").path("properties"))).containsAll(names);
    assertThat(ContractFile.names(schema("DataSource").path("properties"))).containsAll(names);
  }

  @Test
  void everyNameThatCanBeSentIsAFieldOrBelongsToTheWholeDocument() {
    List<String> others =
        ContractFile.names(schema("Update").path("properties")).stream()
            .filter(name -> Field.named(name).isEmpty())
            .toList();
    List<String> responseOnly =
        List.of(
            "version",
            "status",
            "published_at",
            "created_by",
            "updated_by",
            "last_test",
            "pending",
            "secrets");
    assertThat(others)
        .containsExactlyInAnyOrderElementsOf(
            Stream.concat(Stream.of("id", "options"), responseOnly.stream()).toList());
  }

  @Test
  void lengthsAreThoseOfTheModel() {
    JsonNode properties = schema("Update").path("properties");
    assertThat(Field.values())
        .filteredOn(f -> f.kind() != Field.Kind.FLAG && f.kind() != Field.Kind.PORT)
        .allSatisfy(
            field ->
                assertThat(properties.path(field.wireName()).path("maxLength").asInt())
                    .as(field.wireName())
                    .isEqualTo(field.maxLength()));
  }

  @Test
  void aSecretIsReadAsTheMaskOnly() {
    JsonNode properties = schema("DataSource").path("properties");
    assertThat(Field.SECRETS)
        .allSatisfy(
            field ->
                assertThat(properties.path(field.wireName()).path("$ref").asText())
                    .as(field.wireName())
                    .isEqualTo("#/components/schemas/Mask"));
    assertThat(schema("Mask").path("enum"))
        .containsExactly(TextNode.valueOf(Secret.MASK), NullNode.instance);
    assertThat(
            ContractFile.names(
                schema("DataSource").path("properties").path("secrets").path("properties")))
        .containsExactlyInAnyOrderElementsOf(Field.SECRETS.stream().map(Field::wireName).toList());
  }

  @Test
  void reasonsAndStepsAreThoseOfTheCatalogue() {
    assertThat(ContractFile.texts(schema("Reason").path("enum")))
        .containsExactlyElementsOf(Stream.of(Reason.values()).map(Enum::name).toList());
    assertThat(ContractFile.texts(schema("TestReason").path("enum")))
        .containsExactlyElementsOf(
            Stream.of(Reason.values())
                .filter(
                    r ->
                        r.category() == Reason.Category.TEST
                            || r.category() == Reason.Category.INTERNAL)
                .map(Enum::name)
                .toList());
    assertThat(ContractFile.texts(schema("Step").path("properties").path("step").path("enum")))
        .containsExactlyElementsOf(
            Stream.of(Report.Name.values()).map(Report.Name::wireName).toList());
  }

  @Test
  void zohoErrorsAreThoseOfTheModelInEnumsAndTable() {
    JsonNode failure = schema("ZohoFailure").path("properties");
    assertThat(ContractFile.texts(failure.path("summary").path("enum")))
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(ZohoError.values()).map(ZohoError::summary).toList());
    assertThat(ContractFile.texts(failure.at("/data/properties/errorCode/enum")))
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(ZohoError.values()).map(e -> String.valueOf(e.code())).toList());

    List<String> rows =
        operations(PARSED.getOpenAPI()).stream()
            .filter(operation -> operation.getOperationId().equals("updateZohoDataSource"))
            .flatMap(operation -> operation.getDescription().lines())
            .toList();
    assertThat(ZohoError.values())
        .allSatisfy(
            error ->
                assertThat(rows)
                    .as(error.summary())
                    .anyMatch(
                        row ->
                            row.startsWith("| " + error.code() + " | " + error.summary())
                                && row.contains("| " + error.httpStatus() + " |")));
  }

  @Test
  void everyExampleKeepsToItsSchema() {
    List<String> checked = new ArrayList<>();
    walk(
        "",
        DOCUMENT,
        (pointer, node) -> {
          if (!node.has("schema")) {
            return;
          }
          for (JsonNode example : examples(node)) {
            checked.add(pointer);
            if (pointer.endsWith("/application~1xml")) {
              assertThat(ContractFile.objectionOfXsd(example.asText())).as(pointer).isEmpty();
            } else {
              assertThat(ContractFile.objectionsOfOpenApi(pointer + "/schema", example))
                  .as(pointer)
                  .isEmpty();
            }
          }
        });
    assertThat(checked).hasSizeGreaterThan(20);
  }

  @Test
  void anUpdateWithAnUnknownFieldAJdbcUrlOrAWrongPortIsNotAnUpdate() {
    for (String body :
        List.of(
            "{jdbcUrl: 'jdbc:mysql://db.example/'}",
            "{port: 65536}",
            "{port: -1}",
            "{port: 33o6}",
            "{ssl: maybe}",
            "{id: 'a/b'}",
            "{options: [warehouse]}")) {
      assertThat(
              ContractFile.objectionsOfOpenApi(
                  "/components/schemas/Update", ContractFile.parse(body)))
          .as(body)
          .isNotEmpty();
    }
    assertThat(
            ContractFile.objectionsOfOpenApi(
                "/components/schemas/Create", ContractFile.parse("{host: db.example}")))
        .isNotEmpty();
  }

  @Test
  void nullAndEmptyClearWhateverTheKind() {
    for (Field field : Field.values()) {
      if (field != Field.DRIVER) {
        for (String empty : List.of("null", "''")) {
          JsonNode body = ContractFile.parse("{" + field.wireName() + ": " + empty + "}");
          assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/Update", body))
              .as("%s: %s", field, empty)
              .isEmpty();
        }
      }
    }
  }

  private static List<Operation> operations(OpenAPI api) {
    return api.getPaths().values().stream()
        .flatMap(path -> path.readOperations().stream())
        .toList();
  }

  private static JsonNode schema(String name) {
    return DOCUMENT.at("/components/schemas/" + name);
  }

  /** The values of {@code example} and {@code examples} beside a schema. */
  private static List<JsonNode> examples(JsonNode holder) {
    List<JsonNode> found = new ArrayList<>();
    if (holder.has("example")) {
      found.add(holder.get("example"));
    }
    for (JsonNode named : holder.path("examples")) {
      String ref = named.path("$ref").asText();
      found.add((ref.isEmpty() ? named : DOCUMENT.at(ref.substring(1))).path("value"));
    }
    return found;
  }

  private static void walk(String pointer, JsonNode node, BiConsumer<String, JsonNode> visitor) {
    if (node.isObject()) {
      visitor.accept(pointer, node);
      node.properties()
          .forEach(
              entry ->
                  walk(
                      pointer + "/" + entry.getKey().replace("~", "~0").replace("/", "~1"),
                      entry.getValue(),
                      visitor));
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        walk(pointer + "/" + i, node.get(i), visitor);
      }
    }
  }
}
