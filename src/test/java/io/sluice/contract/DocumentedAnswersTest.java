package io.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is held against the contract is found wanting where it is. */
final class DocumentedAnswersTest {
  private static final String COUNT = "{\"count\":2}";

  private static Map<String, List<String>> headers(String... more) {
    Map<String, List<String>> headers = new HashMap<>();
    headers.put("X-Request-Id", List.of("r1"));
    headers.put("X-Content-Type-Options", List.of("nosniff"));
    headers.put("cache-control", List.of("no-store"));
    headers.put("content-type", List.of("application/json"));
    for (int i = 0; i < more.length; i += 2) {
      headers.put(more[i], List.of(more[i + 1]));
    }
    return headers;
  }

  private static List<String> ofCount(int status, Map<String, List<String>> headers, String body) {
    return DocumentedAnswers.objections("GET", "/datasources/count", status, headers, body);
  }

  @Test
  void anAnswerAsDescribedIsFine() {
    assertThat(ofCount(200, headers(), COUNT)).isEmpty();
    assertThat(DocumentedAnswers.objections("HEAD", "/datasources/count", 200, headers(), ""))
        .isEmpty();
    assertThat(ofCount(405, headers("Allow", "GET"), "{\"code\":405,\"message\":\"m\"}")).isEmpty();
  }

  @Test
  void anotherStatusContentTypeFieldOrHeaderIsNot() {
    String error = "{\"code\":404,\"message\":\"m\"}";
    assertThat(ofCount(404, headers(), error)).containsExactly("the operation has no such status");
    assertThat(ofCount(201, headers(), COUNT)).containsExactly("the operation has no such status");
    assertThat(ofCount(200, headers(), "{\"count\":2,\"host\":\"h\"}")).isNotEmpty();
    assertThat(ofCount(200, headers(), "{\"count\":\"2\"}")).isNotEmpty();
    assertThat(ofCount(200, headers(), "{}")).isNotEmpty();
    assertThat(ofCount(200, headers(), COUNT + COUNT)).containsExactly("the body is no JSON");
    assertThat(ofCount(200, headers("content-type", "application/json;charset=UTF-8"), COUNT))
        .isNotEmpty();
    Map<String, List<String>> untyped = headers();
    untyped.remove("content-type");
    assertThat(ofCount(200, untyped, COUNT)).isNotEmpty();
    assertThat(ofCount(200, headers("Server", "x"), COUNT))
        .containsExactly("Server is not described");
    Map<String, List<String>> anonymous = headers();
    anonymous.remove("X-Request-Id");
    assertThat(ofCount(200, anonymous, COUNT)).containsExactly("X-Request-Id is missing");
    assertThat(ofCount(503, headers(), "{\"code\":503,\"message\":\"m\"}"))
        .containsExactly("Retry-After is missing");
    assertThat(ofCount(503, headers("Retry-After", "soon"), "{\"code\":503,\"message\":\"m\"}"))
        .isNotEmpty();
    assertThat(DocumentedAnswers.objections("DELETE", "/datasources/x", 204, headers(), ""))
        .containsExactly("an answer without a body is described");
    assertThat(DocumentedAnswers.objections("GET", "/elsewhere", 200, headers(), COUNT))
        .containsExactly("there is no such operation");
    assertThat(DocumentedAnswers.objections("HEAD", "/datasources/count", 200, headers(), COUNT))
        .containsExactly("HEAD has a body");
  }
}
