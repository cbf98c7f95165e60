package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each operation of the contract has a route, and the route asks for the scope of the contract. */
final class OperationRoutesTest {
  private static final String DIRECT = "direct:";

  @Test
  void everyOperationIsARouteThatAsksForTheScopeOfTheContract() throws IOException {
    Map<String, JsonNode> routes = routes();
    List<JsonNode> operations = operations();
    assertThat(operations).isNotEmpty();
    assertThat(operations)
        .allSatisfy(
            operation -> {
              String id = operation.path("operationId").asText();
              assertThat(routes).containsKey(id);
              assertThat(scope(routes, id)).as(id).isEqualTo(operation.path("x-scope").asText());
            });
  }

  /** The constant that the route, or the route that it passes everything on to, asks for. */
  private static String scope(Map<String, JsonNode> routes, String id) {
    JsonNode steps = routes.get(id).path("steps");
    for (JsonNode step : steps) {
      JsonNode property = step.path("setProperty");
      if (property.path("name").asText().equals("scope")) {
        return property.path("constant").asText();
      }
    }
    String next = steps.path(0).path("to").path("uri").asText();
    return next.startsWith(DIRECT) && steps.size() == 1
        ? scope(routes, next.substring(DIRECT.length()))
        : "";
  }

  private static List<JsonNode> operations() {
    List<JsonNode> operations = new ArrayList<>();
    for (JsonNode path : ContractFile.read(ContractFile.OPENAPI).path("paths")) {
      path.forEach(
          operation -> {
            if (operation.has("operationId")) {
              operations.add(operation);
            }
          });
    }
    return operations;
  }

  /** What each route reads from, by the name of its {@code direct:}. */
  private static Map<String, JsonNode> routes() throws IOException {
    Map<String, JsonNode> routes = new HashMap<>();
    try (Stream<Path> files = Files.list(Path.of("routes"))) {
      for (Path file : files.toList()) {
        for (JsonNode item : ContractFile.read(file)) {
          JsonNode from = item.path("route").path("from");
          String uri = from.path("uri").asText();
          if (uri.startsWith(DIRECT)) {
            routes.put(uri.substring(DIRECT.length()), from);
          }
        }
      }
    }
    return routes;
  }
}
