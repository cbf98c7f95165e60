package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What the answer says of wrong fields, where {@link WrongInputsTest} is not about a single one.
 */
class WrongFieldTest {
  private static final String CANARY = "c4n4ryValue";

  private static DecodeRoute route;

  @BeforeAll
  static void start() throws Exception {
    route = new DecodeRoute();
  }

  @AfterAll
  static void stop() {
    route.close();
  }

  /** Where in a list the wrong value stood. */
  private static final Pattern ITEM = Pattern.compile("\\[[0-9]\\]$");

  private static void assertRefused(Refusal refusal, Reason reason, String field) {
    assertThat(refusal.reason()).isEqualTo(reason);
    assertThat(refusal.errors())
        .extracting(error -> ITEM.matcher(error.field()).replaceAll(""))
        .containsExactly(field);
    assertThat(refusal.errors()).extracting(FieldError::reason).containsExactly(reason);
    assertThat(refusal.getMessage()).contains(field).doesNotContain(CANARY).doesNotContain("aaaa");
    assertThat(refusal.errors().toString()).doesNotContain(CANARY);
    assertThat(refusal).hasNoCause();
  }

  @Test
  void theItemOfAListThatIsWrongIsNamed() {
    Refusal refusal =
        route.refusal(
            DecodeRoute.json("{\"sshJump\":[\"a.example\",\"b@c:0\",\"c.example\",\"x:y\"]}"));
    assertThat(refusal.errors())
        .extracting(FieldError::field)
        .containsExactly("sshJump[1]", "sshJump[3]");
    assertThat(refusal.errors().get(0).message()).startsWith("sshJump[1] must be user@host:port");
    assertThat(route.refusal(DecodeRoute.json("{\"sshJump\":\"a.example,x:y\"}")).errors())
        .extracting(FieldError::field)
        .containsExactly("sshJump[1]");
  }

  @Test
  void allWrongFieldsAreNamedAtOnce() {
    Refusal refusal =
        route.refusal(
            DecodeRoute.json(
                "{\"port\":0,\"color\":1,\"host\":\"a,b\",\"options\":{\"a b\":1,\"ok\":[]},"
                    + "\"id\":\"other\"}"));
    assertThat(refusal.errors())
        .extracting(FieldError::field)
        .containsExactlyInAnyOrder("port", "color", "host", "options.a b", "options.ok", "id");
    assertThat(refusal.reason().httpStatus()).isEqualTo(422);
    assertThat(refusal.getMessage()).startsWith("6 fields");
  }

  @Test
  void anUnknownFieldIsNamedInEveryEncoding() {
    new Wire(Map.of("colour", CANARY), Map.of())
        .all()
        .values()
        .forEach(e -> assertRefused(route.refusal(e), Reason.UNKNOWN_FIELD, "colour"));
    // Names are case-sensitive, as on the published page.
    new Wire(Map.of("Password", CANARY), Map.of())
        .all()
        .values()
        .forEach(e -> assertRefused(route.refusal(e), Reason.UNKNOWN_FIELD, "Password"));
  }

  @Test
  void aNameIsCutAndCannotForgeALogLine() {
    String name = "x\\u202Ey\\n" + "z".repeat(100);
    Refusal refusal = route.refusal(DecodeRoute.json("{\"" + name + "\":1}"));
    assertThat(refusal.errors().get(0).field())
        .isEqualTo("x\uFFFDy\uFFFD" + "z".repeat(60))
        .hasSize(64);
    assertThat(refusal.getMessage()).doesNotContain("\n", "\u202E");
  }

  @Test
  void anAnswerDoesNotOutgrowItsRequest() {
    StringBuilder body = new StringBuilder("{\"a\":1");
    for (int i = 0; i < 5000; i++) {
      body.append(",\"f").append(i).append("\":1");
    }
    assertThat(route.refusal(DecodeRoute.json(body + "}")).errors()).hasSize(32);
  }

  @Test
  void anotherIdThanThePathsIsRefused() {
    new Wire(Map.of("id", "warehouse-2"), Map.of())
        .all()
        .values()
        .forEach(e -> assertRefused(route.refusal(e), Reason.INVALID_FIELD, "id"));
  }

  @ParameterizedTest
  @ValueSource(strings = {".", "..", "count", "test", "bulk", "Count"})
  void aReservedWordIsNoIdAndIsToldToBeReserved(String id) {
    Refusal refusal =
        route.refusal(
            new Encoded(
                DecodeRoute.json("{\"id\":\"" + id + "\"}").bytes(),
                "application/json",
                Encoded.Api.NATIVE,
                null));
    assertRefused(refusal, Reason.INVALID_FIELD, "id");
    assertThat(refusal.getMessage()).contains("reserved");
  }

  @Test
  void aDriverThatIsNotInTheCatalogueIsRefused() {
    new Wire(Map.of("driver", CANARY), Map.of())
        .all()
        .values()
        .forEach(e -> assertRefused(route.refusal(e), Reason.DRIVER_UNSUPPORTED, "driver"));
  }

  @Test
  void optionsAreTextOfLimitedLength() {
    for (String value : List.of("a\nb", "x".repeat(1025), "\u202E")) {
      new Wire(Map.of(), Map.of("schema", value))
          .all()
          .values()
          .forEach(e -> assertRefused(route.refusal(e), Reason.INVALID_FIELD, "options.schema"));
    }
    for (String options : List.of("[]", "\"x\"", "1", "true")) {
      assertRefused(
          route.refusal(DecodeRoute.json("{\"options\":" + options + "}")),
          Reason.INVALID_FIELD,
          "options");
    }
    assertRefused(route.refusal(DecodeRoute.form("options=x")), Reason.INVALID_FIELD, "options");
    assertThat(route.update(DecodeRoute.json("{\"options\":{\"a\":5,\"b\":true}}")))
        .isEqualTo(route.update(DecodeRoute.form("options.a=5&options.b=true")));
  }
}
