package io.sluice;

import static java.util.stream.Collectors.joining;
import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import io.sluice.contract.ContractFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The files of {@code routes} and {@code config/sql}, as files. */
class RoutesTest {
  private static final Pattern FILE_NAME = Pattern.compile("\\d\\d-([a-z-]+)\\.camel\\.yaml");
  private static final Pattern DIRECT = Pattern.compile("direct:([A-Za-z-]+)");
  private static final Pattern STATEMENT =
      Pattern.compile("(?:named|byId|filtered|receipt)\\(\\s*\"([a-z-]+)\"");

  static Stream<Path> files() {
    return below(Path.of("routes"), ".camel.yaml").stream();
  }

  private static List<Path> below(Path folder, String end) {
    try (Stream<Path> all = Files.walk(folder)) {
      List<Path> found = all.filter(file -> file.toString().endsWith(end)).sorted().toList();
      assertThat(found).isNotEmpty();
      return found;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<JsonNode> routes(Path file) {
    List<JsonNode> routes = new ArrayList<>();
    ContractFile.read(file)
        .forEach(
            item -> {
              if (item.has("route")) {
                routes.add(item.path("route"));
              }
            });
    return routes;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Set<String> all(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map((MatchResult match) -> match.group(1))
        .collect(toCollection(TreeSet::new));
  }

  private static List<String> objections(JsonNode document) throws IOException {
    try (InputStream schema = RoutesTest.class.getResourceAsStream("/schema/camelYamlDsl.json")) {
      JsonSchema dsl = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4).getSchema(schema);
      return dsl.validate(document).stream().map(ValidationMessage::toString).toList();
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void aFileIsWhatCamelsSchemaAllows(Path file) throws IOException {
    assertThat(objections(ContractFile.read(file))).isEmpty();
  }

  @Test
  void aStepThatCamelDoesNotKnowIsFound() throws IOException {
    JsonNode wrong =
        new YAMLMapper()
            .readTree(
                """
                - route:
                    id: wrong
                    from:
                      uri: direct:wrong
                      steps:
                        - setHedder:
                            name: a
                """);
    assertThat(objections(wrong)).isNotEmpty();
  }

  @ParameterizedTest
  @MethodSource("files")
  void everyRouteHasAnIdAndTheOneThatAFileIsNamedAfterIsInIt(Path file) {
    List<JsonNode> routes = routes(file);
    List<String> ids = routes.stream().map(route -> route.path("id").asText()).toList();
    assertThat(ids).doesNotContain("").doesNotHaveDuplicates();
    assertThat(file.getFileName().toString()).matches(FILE_NAME);
    for (JsonNode route : routes) {
      String uri = route.path("from").path("uri").asText();
      if (uri.startsWith("direct:")) {
        assertThat(uri).isEqualTo("direct:" + route.path("id").asText());
      }
    }
    // The files of the APIs and of the error handling hold one route per operation, or none.
    String stage = all(FILE_NAME, file.getFileName().toString()).iterator().next();
    if (!Set.of("problems", "accept-http", "accept-zoho", "administer").contains(stage)) {
      assertThat(ids).contains(stage);
    }
  }

  @Test
  void everyRouteThatIsNamedExists() {
    Set<String> ids = new TreeSet<>();
    Set<String> named = new TreeSet<>();
    files()
        .forEach(
            file -> {
              routes(file).forEach(route -> ids.add(route.path("id").asText()));
              named.addAll(all(DIRECT, text(file)));
            });
    assertThat(ids).containsAll(named);
  }

  /**
   * Camel's timer waits for a time of day: it stands still after the machine's clock is set back.
   */
  @ParameterizedTest
  @MethodSource("files")
  void noRouteTicksByAClockThatCanBeSet(Path file) {
    assertThat(routes(file))
        .noneMatch(route -> route.path("from").path("uri").asText().startsWith("timer:"));
  }

  @ParameterizedTest
  @MethodSource("files")
  void aFileSaysFirstWhatItIsFor(Path file) {
    assertThat(text(file)).startsWith("# ");
  }

  @Test
  void everyStatementThatIsNamedIsAFileAndEveryFileIsUsed() {
    String code =
        below(Path.of("src/main/java"), ".java").stream().map(RoutesTest::text).collect(joining());
    Set<String> files = new TreeSet<>();
    for (Path file : below(Path.of("config/sql"), ".sql")) {
      if (file.getParent().endsWith("sql")) {
        files.add(file.getFileName().toString().replace(".sql", ""));
      }
    }
    assertThat(files).containsAll(all(STATEMENT, code));
    assertThat(files).allSatisfy(name -> assertThat(code).contains('"' + name + '"'));
  }

  @Test
  void everyPartOfStatementsIsInSeveral() {
    String statements =
        below(Path.of("config/sql"), ".sql").stream().map(RoutesTest::text).collect(joining());
    assertThat(below(Path.of("config/sql/parts"), ".sql"))
        .isNotEmpty()
        .allSatisfy(
            part ->
                assertThat(statements.lines())
                    .filteredOn(("include " + part.getFileName()).replace(".sql", "")::equals)
                    .hasSizeGreaterThan(1));
  }
}
