package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The route takes an encoded update, whatever its headers say, and leaves nothing but the update.
 */
class DecodeStageTest {
  private static DecodeRoute route;

  @BeforeAll
  static void start() throws Exception {
    route = new DecodeRoute();
  }

  @AfterAll
  static void stop() {
    route.close();
  }

  @Test
  void aHeaderChoosesNeitherClassNorMethod() {
    Map<String, Object> headers = new HashMap<>();
    headers.put("CamelJacksonUnmarshalType", "java.util.HashMap");
    headers.put("JMSType", "java.util.HashMap");
    headers.put("CamelJaxbPartClass", "java.lang.String");
    headers.put("CamelJaxbPartNamespace", "x");
    headers.put("CamelBeanMethodName", "finish");
    headers.put("CamelFilterNonXmlChars", "true");
    headers.put("Content-Type", "text/plain");
    for (Encoded encoded :
        List.of(
            DecodeRoute.json("{\"password\":\"p\"}"),
            DecodeRoute.xml("<i><password>p</password></i>"),
            DecodeRoute.form("password=p"))) {
      Exchange exchange = route.send(encoded, headers);
      assertThat(exchange.getException()).isNull();
      assertThat(exchange.getMessage().getBody()).isInstanceOf(Update.class);
      assertThat(exchange.getMessage().getHeaders()).isEmpty();
      assertThat(exchange.getProperties()).doesNotContainKeys("encoded", "syntax");
    }
  }

  @Test
  void nothingOnTheWayTurnsIntoTextWithASecretInIt() {
    Encoded encoded = DecodeRoute.json("{\"password\":\"c4n4ry\"}");
    Exchange exchange = route.send(encoded, Map.of());
    assertThat(encoded.toString()).doesNotContain("c4n4ry");
    assertThat(exchange.getMessage().getBody().toString()).doesNotContain("c4n4ry");
    assertThat(exchange.getMessage().getBody(String.class)).doesNotContain("c4n4ry");
    assertThat(Form.document("password=c4n4ry").toString()).doesNotContain("c4n4ry");
    assertThat(Form.document("password=c4n4ry").fields().toString()).doesNotContain("c4n4ry");
  }

  @Test
  void aPatchIsJsonOnlyAndSaysSo() {
    for (Encoded other :
        List.of(
            patch("application/xml", "<i/>"), patch("application/x-www-form-urlencoded", "a=b"))) {
      Refusal refusal = route.refusal(other);
      assertThat(refusal.reason()).isEqualTo(Reason.UNSUPPORTED_MEDIA_TYPE);
      assertThat(refusal.getMessage())
          .contains("application/merge-patch+json", "application/json")
          .doesNotContain("xml", "form");
    }
  }

  @Test
  void aPatchClearsTheOptionsThatItNamesOrAllOfThem() {
    Update all = route.update(patch("application/json", "{\"options\":null}"));
    assertThat(all.clearsOptions()).isTrue();
    assertThat(all.options()).isEmpty();
    assertThat(route.update(patch("application/json", "{\"host\":\"h\"}")).clearsOptions())
        .isFalse();
    assertThat(route.update(patch("application/json", "{\"options\":{\"a\":null}}")).options())
        .containsOnlyKeys("a");
  }

  private static Encoded patch(String contentType, String body) {
    return new Encoded(
        DecodeRoute.json(body).bytes(), contentType, Encoded.Api.MERGE_PATCH, Wire.ID);
  }
}
