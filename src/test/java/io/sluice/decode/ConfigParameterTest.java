package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.model.Refusal;
import io.sluice.model.ZohoError;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Clients send CONFIG in the query, in a form body, and un-encoded in a form body. */
class ConfigParameterTest {
  private static final String FORM = "application/x-www-form-urlencoded";
  private static final String JSON = "{\"password\":\"a b+c%26&d=e;f=ü 100%\",\"port\":\"1\"}";
  private static final String ENCODED = URLEncoder.encode(JSON, StandardCharsets.UTF_8);

  private static String find(String query, String body, String contentType) {
    byte[] bytes = body == null ? null : body.getBytes(StandardCharsets.UTF_8);
    return new String(ConfigParameter.find(query, bytes, contentType), StandardCharsets.UTF_8);
  }

  static Stream<Arguments> found() {
    return Stream.of(
        Arguments.of("CONFIG=" + ENCODED, null, null),
        Arguments.of("CONFIG=" + ENCODED, "", null),
        Arguments.of("a=b&CONFIG=" + ENCODED + "&c=d", "", null),
        Arguments.of("CONFIG=" + ENCODED.replace("+", "%20"), "", FORM),
        Arguments.of("CONFIG=" + ENCODED, "{}", "application/json"),
        Arguments.of(null, "CONFIG=" + ENCODED, FORM),
        Arguments.of("x=1", "a=b&CONFIG=" + ENCODED, FORM + "; charset=UTF-8"),
        Arguments.of(null, "CONFIG=" + ENCODED.replace("%7B", "{").replace("%7D", "}"), FORM),
        Arguments.of(null, "CONFIG=" + JSON, FORM),
        Arguments.of(null, "a=b&CONFIG=" + JSON, "Application/X-WWW-Form-Urlencoded"));
  }

  @ParameterizedTest
  @MethodSource
  void found(String query, String body, String contentType) {
    assertThat(find(query, body, contentType)).isEqualTo(JSON);
  }

  static Stream<Arguments> refused() {
    return Stream.of(
        Arguments.of(8504, null, null, null),
        Arguments.of(8504, "config=" + ENCODED, null, null),
        Arguments.of(8504, "", "", null),
        Arguments.of(8504, "x=y", "x=y", FORM),
        Arguments.of(8504, null, JSON, "application/json"),
        Arguments.of(8504, null, "CONFIG=" + ENCODED, "text/plain"),
        Arguments.of(8077, "CONFIG=", null, null),
        Arguments.of(8077, null, "CONFIG=+", FORM),
        Arguments.of(8080, "CONFIG=" + ENCODED + "&CONFIG=" + ENCODED, null, null),
        Arguments.of(8080, "CONFIG=" + ENCODED, "CONFIG=" + ENCODED, FORM),
        Arguments.of(8080, "CONFIG=" + ENCODED, "CONFIG=" + JSON, FORM),
        Arguments.of(8080, "CONFIG=%7", null, null),
        Arguments.of(8080, "CONFIG=%FF", null, null),
        Arguments.of(8507, null, "CONFIG=" + "x".repeat(Encoded.MAX_BYTES), FORM));
  }

  @ParameterizedTest
  @MethodSource
  void refused(int code, String query, String body, String contentType) {
    Refusal refusal = catchThrowableOfType(Refusal.class, () -> find(query, body, contentType));
    assertThat(ZohoError.of(refusal).code()).isEqualTo(code);
    assertThat(refusal.getMessage()).doesNotContain("password");
  }

  @Test
  void anUnencodedConfigIsTheRestOfTheBody() {
    assertThat(find(null, "CONFIG={\"a\":\"1\"}&CONFIG={\"a\":\"2\"}", FORM))
        .isEqualTo("{\"a\":\"1\"}&CONFIG={\"a\":\"2\"}");
  }
}
