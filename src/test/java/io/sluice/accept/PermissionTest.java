package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.accept.Api.Answer;
import io.sluice.contract.ContractFile;
import io.sluice.servers.SluiceProcess;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation of the contract is closed to who has no business there. */
class PermissionTest {
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);
  private static final String OTHER_ORG = "66";
  private static final String OTHER_WORKSPACE = "77";

  /** One operation, with the address of a data source that exists. */
  record Operation(String id, String method, String address, String scope, boolean zoho) {
    @Override
    public String toString() {
      return id;
    }
  }

  static Stream<Operation> operations() {
    List<Operation> all = new ArrayList<>();
    JsonNode paths = ContractFile.read(ContractFile.OPENAPI).path("paths");
    for (String path : ContractFile.names(paths)) {
      String address =
          path.replace("{id}", "demo")
              .replace("{workspaceId}", SLUICE.workspace())
              .replace("{datasourceId}", "demo")
              .replaceAll("\\{\\w+}", "00000000-0000-0000-0000-000000000000");
      paths
          .path(path)
          .properties()
          .forEach(
              method -> {
                JsonNode operation = method.getValue();
                if (operation.has("operationId") && !isPublic(operation)) {
                  all.add(
                      new Operation(
                          operation.path("operationId").asText(),
                          method.getKey().toUpperCase(Locale.ROOT),
                          address,
                          operation.path("x-scope").asText(),
                          path.startsWith("/restapi/")));
                }
              });
    }
    assertThat(all).hasSizeGreaterThan(10);
    return all.stream();
  }

  private static boolean isPublic(JsonNode operation) {
    return operation.path("security").isArray() && operation.path("security").isEmpty();
  }

  private static Api.Request request(Operation operation) {
    Api.Request request = API.request(operation.method(), operation.address());
    return operation.zoho() ? request.header("ZANALYTICS-ORGID", SLUICE.organization()) : request;
  }

  private static Answer send(Operation operation, String token) {
    String scheme = operation.zoho() ? "Zoho-oauthtoken " : "Bearer ";
    return request(operation).header("Authorization", scheme + token).send();
  }

  private static void refused(Operation operation, Answer answer, int nativeStatus, int zohoCode) {
    if (operation.zoho()) {
      assertThat(answer.errorCode()).as(answer.body()).isEqualTo(zohoCode);
      assertThat(ContractFile.objectionsOfOpenApi("/components/schemas/ZohoFailure", answer.json()))
          .isEmpty();
    } else {
      assertThat(answer.status()).as(answer.body()).isEqualTo(nativeStatus);
      assertThat(answer.json().path("code").asInt()).isEqualTo(nativeStatus);
    }
    assertThat(answer.body()).doesNotContain("\"host\"", "published_at");
  }

  @ParameterizedTest
  @MethodSource("operations")
  void refusesWhoBringsNoToken(Operation operation) {
    refused(operation, request(operation).send(), 403, 8518);
  }

  @ParameterizedTest
  @MethodSource("operations")
  void refusesATokenUnderTheOtherScheme(Operation operation) {
    String scheme = operation.zoho() ? "Bearer " : "Zoho-oauthtoken ";
    refused(
        operation,
        request(operation).header("Authorization", scheme + SLUICE.token()).send(),
        403,
        8518);
  }

  @ParameterizedTest
  @MethodSource("operations")
  void refusesABadToken(Operation operation) {
    refused(operation, send(operation, "slc_bad"), 403, 8535);
    refused(operation, send(operation, SLUICE.token() + "x"), 403, 8535);
    refused(operation, send(operation, ""), 403, 8518);
  }

  @ParameterizedTest
  @MethodSource("operations")
  void refusesATokenWithoutTheScope(Operation operation) {
    String[] others =
        Stream.of("datasources:read", "datasources:write", "datasources:test", "diagnostics")
            .filter(scope -> !covers(scope, operation.scope()))
            .toArray(String[]::new);
    assertThat(others).isNotEmpty();
    refused(operation, send(operation, API.token(others)), 403, 8535);
  }

  /** Every write is a test, so the scope to write covers the one to test. */
  private static boolean covers(String scope, String needed) {
    return switch (needed) {
      case "ZohoAnalytics.metadata.update" -> scope.equals("datasources:write");
      case "ZohoAnalytics.metadata.read" -> scope.equals("datasources:read");
      case "datasources:test" -> Set.of("datasources:test", "datasources:write").contains(scope);
      default -> scope.equals(needed);
    };
  }

  @ParameterizedTest
  @MethodSource("operations")
  void letsATokenInThatHasTheScopeAndNoOther(Operation operation) {
    String id = "permission-" + operation.id();
    Answer answer =
        operation.id().equals("deleteDataSource")
            ? API.request("DELETE", "/datasources/" + id).token(API.token(operation.scope())).send()
            : send(operation, API.token(operation.scope()));
    assertThat(answer.status()).as(answer.body()).isNotIn(401, 403, 500, 503);
  }

  @ParameterizedTest
  @MethodSource("operations")
  void showsNothingOfThisWorkspaceToATokenOfAnother(Operation operation) {
    String stranger = API.tokenIn(OTHER_ORG, OTHER_WORKSPACE, "admin");
    if (operation.zoho()) {
      refused(operation, send(operation, stranger), 403, 7301);
    } else if (operation.address().contains("demo")) {
      boolean rollback = operation.id().equals("rollbackDataSource");
      String body = rollback ? "{\"version\":1}" : "{\"driver\":\"mariadb\"}";
      Answer answer =
          API.request(operation.method(), operation.address())
              .token(stranger)
              .body("application/json", body)
              .send();
      assertThat(answer.status()).as(answer.body()).isEqualTo(404);
    } else {
      Answer answer = send(operation, stranger);
      assertThat(answer.body()).doesNotContain("\"demo\"").isNotEqualTo("{\"count\":2}");
    }
    assertThat(API.get("/datasources/demo").send().status()).isEqualTo(200);
  }

  @Test
  void aTokenThatExpiredIsRefused() throws SQLException {
    String token = API.token("datasources:read");
    try (Connection store = SLUICE.store();
        PreparedStatement expire =
            store.prepareStatement(
                "update api_tokens set expires_at = now() - interval '1 second'"
                    + " where name = 'test' and scopes = '{datasources:read}'")) {
      expire.executeUpdate();
    }
    assertThat(API.request("GET", "/datasources").token(token).send().status()).isEqualTo(403);
  }

  @Test
  void tokensAreKeptAsHashesOnly() throws SQLException {
    String token = API.token("datasources:read");
    List<String> rows = new ArrayList<>();
    try (Connection store = SLUICE.store();
        PreparedStatement all = store.prepareStatement("select t::text from api_tokens t");
        ResultSet found = all.executeQuery()) {
      while (found.next()) {
        rows.add(found.getString(1));
      }
    }
    assertThat(rows).isNotEmpty();
    assertThat(Collections.unmodifiableList(rows))
        .noneMatch(row -> row.contains(token) || row.contains(SLUICE.token()));
  }
}
