package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A fault of the service's own tells nothing, in the shape of the API in use. */
class AnswersTest {
  private final Answers answers = new Answers(new ObjectMapper());

  @ParameterizedTest
  @CsvSource({
    "/restapi/v2/workspaces/1/datasources/1, COMMON_INTERNAL_SERVER_ERROR",
    "/datasources/1, Error - Server Error"
  })
  void aFaultOfTheServiceTellsNothingOfItself(String path, String expected) {
    HttpRequest request =
        new HttpRequest("r-1", "PUT", path, "CONFIG=x", Map.of(), new byte[0], false);

    HttpAnswer answer =
        answers.problem(request, null, new IllegalStateException("jdbc:internal"), null);

    assertThat(answer.status()).isEqualTo(500);
    String body = new String(answer.body(), UTF_8);
    assertThat(body).contains(expected).doesNotContain("jdbc", "IllegalState", "CONFIG");
    if (path.startsWith("/restapi")) {
      assertThat(body).contains("\"errorCode\":7005");
    }
  }
}
