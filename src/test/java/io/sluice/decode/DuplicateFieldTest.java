package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A field that is given twice is refused: two readers of one body could take different ones. */
class DuplicateFieldTest {
  private static DecodeRoute route;

  @BeforeAll
  static void start() throws Exception {
    route = new DecodeRoute();
  }

  @AfterAll
  static void stop() {
    route.close();
  }

  static Stream<Arguments> twice() {
    return Stream.of(
        Arguments.of("host", DecodeRoute.json("{\"host\":\"a\",\"host\":\"a\"}")),
        Arguments.of("host", DecodeRoute.json("{\"host\":\"a\",\"h\\u006fst\":\"b\"}")),
        Arguments.of("options.a", DecodeRoute.json("{\"options\":{\"a\":\"1\",\"a\":\"2\"}}")),
        Arguments.of("options", DecodeRoute.json("{\"options\":{},\"options\":{}}")),
        Arguments.of("last_test.a", DecodeRoute.json("{\"last_test\":{\"a\":1,\"a\":2}}")),
        Arguments.of(
            "sslCertificate", DecodeRoute.json("{\"certificate\":\"\",\"sslCertificate\":\"\"}")),
        Arguments.of("host", DecodeRoute.xml("<i><host>a</host><host>a</host></i>")),
        Arguments.of("options.a", DecodeRoute.xml("<i><options><a>1</a><a>2</a></options></i>")),
        Arguments.of("options", DecodeRoute.xml("<i><options/><options/></i>")),
        Arguments.of("sslKeyfile", DecodeRoute.xml("<i><keyfile/><sslKeyfile/></i>")),
        Arguments.of("host", DecodeRoute.form("host=a&port=1&host=a")),
        Arguments.of("host", DecodeRoute.form("host=a&h%6Fst=b")),
        Arguments.of("options.a", DecodeRoute.form("options.a=1&options.a=2")),
        Arguments.of("options", DecodeRoute.form("options=&options.a=2")),
        Arguments.of("host", DecodeRoute.form("{\"host\":\"a\",\"host\":\"a\"}")),
        Arguments.of("hostName", DecodeRoute.config("{\"hostName\":\"a\",\"hostName\":\"b\"}")));
  }

  @ParameterizedTest
  @MethodSource
  void twice(String field, Encoded encoded) {
    Refusal refusal = route.refusal(encoded);
    assertThat(refusal.reason()).isEqualTo(Reason.DUPLICATE_FIELD);
    assertThat(refusal.reason().httpStatus()).isEqualTo(400);
    assertThat(refusal.errors()).extracting(FieldError::field).containsExactly(field);
  }
}
