package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A record is a plain body or a CloudEvent; whatever else it is, it is refused at once. */
class CloudEventDecoderTest {
  private static final CloudEventDecoder DECODER = new CloudEventDecoder();
  private static final String STRUCTURED = "application/cloudevents+json";
  private static final String ATTRIBUTES =
      "\"specversion\":\"1.0\",\"type\":\"sluice.datasource.update\",\"source\":\"/s\",\"id\":\"e1\"";

  private static KafkaUpdate decode(String value, String... headers) {
    return DECODER.decode(Wire.record(value, headers(headers)));
  }

  private static Map<String, String> headers(String... headers) {
    Map<String, String> map = new HashMap<>();
    for (int i = 0; i < headers.length; i += 2) {
      map.put(headers[i], headers[i + 1]);
    }
    return map;
  }

  @Test
  void anUpdateIsIdentifiedByItsEventThenByItsKeyThenByItsPlace() {
    assertThat(decode("{}").identity()).isEqualTo("@datasource.updates-3-42-" + Wire.TIMESTAMP);
    assertThat(decode("{}", "idempotency-key", "k1").identity()).isEqualTo("k1");
    assertThat(decode("{}", "Idempotency-Key", "k1").identity()).isEqualTo("k1");
    assertThat(decode("{}", "idempotency-key", "k1", "ce_id", "e1").identity()).isEqualTo("e1");
    assertThat(decode("{" + ATTRIBUTES + ",\"data\":{}}", "content-type", STRUCTURED).identity())
        .isEqualTo("e1");
    assertThat(decode("{}").id()).isEqualTo(Wire.ID);
    assertThat(decode("{}").encoded().pathId()).isEqualTo(Wire.ID);
  }

  @Test
  void aPlainBodyIsJsonUnlessItsHeaderSaysOtherwise() {
    assertThat(decode("{}").encoded().contentType()).isEqualTo("application/json");
    assertThat(decode("<i/>", "Content-Type", "application/xml").encoded().contentType())
        .isEqualTo("application/xml");
  }

  @Test
  void theDataOfAnEventArrivesAsItWasWritten() {
    KafkaUpdate update =
        decode(
            "{"
                + ATTRIBUTES
                + ",\"ext\":1,\"data\":{\"port\":3306.50,\"a\":\"ü\\u0000\",\"b\":[1],\"c\":null,"
                + "\"d\":{\"e\":true}}}",
            "content-type",
            STRUCTURED);
    assertThat(new String(update.encoded().bytes(), StandardCharsets.UTF_8))
        .isEqualTo("{\"port\":3306.50,\"a\":\"ü\\u0000\",\"b\":[1],\"c\":null,\"d\":{\"e\":true}}");
  }

  static Stream<Arguments> refused() {
    String[] binary = {"ce_specversion", "1.0", "ce_type", CloudEventDecoder.TYPE, "ce_id", "e"};
    return Stream.of(
        Arguments.of("type", event("\"type\":\"other\",\"specversion\":\"1.0\",\"id\":\"e\"")),
        Arguments.of("type", event("\"type\":5,\"specversion\":\"1.0\",\"id\":\"e\"")),
        Arguments.of("specversion", event("\"type\":\"sluice.datasource.update\",\"id\":\"e\"")),
        Arguments.of("id", event("\"type\":\"sluice.datasource.update\",\"specversion\":\"1.0\"")),
        Arguments.of("subject", event(ATTRIBUTES + ",\"subject\":\"other\",\"data\":{}")),
        Arguments.of("data", event(ATTRIBUTES)),
        Arguments.of("data", event(ATTRIBUTES + ",\"data\":{},\"data_base64\":\"e30=\"")),
        Arguments.of("data_base64", event(ATTRIBUTES + ",\"data_base64\":\"***\"")),
        Arguments.of(
            "data",
            event(ATTRIBUTES + ",\"datacontenttype\":\"application/xml\",\"data\":{\"a\":1}")),
        Arguments.of("type", with(binary, "ce_type", "sluice.datasource.updated")),
        Arguments.of("specversion", with(binary, "ce_specversion", "0.3")),
        Arguments.of("subject", with(binary, "ce_subject", "other")),
        Arguments.of("id", with(binary, "ce_id", "")),
        Arguments.of("id", with(binary, "ce_id", "a\nb")),
        Arguments.of("id", with(binary, "ce_id", "x".repeat(257))),
        Arguments.of("key", keyed(null)),
        Arguments.of("key", keyed(new byte[0])),
        Arguments.of("key", keyed("a b".getBytes(StandardCharsets.UTF_8))),
        Arguments.of("key", keyed(new byte[] {(byte) 0xFF})));
  }

  private static KafkaRecord event(String members) {
    return Wire.record("{" + members + "}", Map.of("content-type", STRUCTURED));
  }

  private static KafkaRecord with(String[] headers, String name, String value) {
    Map<String, String> all = headers(headers);
    all.put(name, value);
    return Wire.record("{}", all);
  }

  private static KafkaRecord keyed(byte[] key) {
    return new KafkaRecord("t", 0, 0, 0, key, new byte[] {'{', '}'}, Map.of());
  }

  @ParameterizedTest
  @MethodSource
  void refused(String field, KafkaRecord record) {
    Refusal refusal = catchThrowableOfType(Refusal.class, () -> DECODER.decode(record));
    assertThat(refusal.reason()).isEqualTo(Reason.INVALID_FIELD);
    assertThat(refusal.errors()).extracting(FieldError::field).containsExactly(field);
  }

  static Stream<Arguments> unreadable() {
    return Stream.of(
        Arguments.of(
            Reason.MALFORMED_BODY, new KafkaRecord("t", 0, 0, 0, new byte[] {'k'}, null, Map.of())),
        Arguments.of(Reason.MALFORMED_BODY, event("\"a\":")),
        Arguments.of(Reason.MALFORMED_BODY, Wire.record("[]", Map.of("content-type", STRUCTURED))),
        Arguments.of(
            Reason.MALFORMED_BODY, event(ATTRIBUTES + ",\"data\":{\"password\":\"\\uD800\"}")),
        Arguments.of(Reason.DUPLICATE_FIELD, event(ATTRIBUTES + ",\"id\":\"e2\"")),
        Arguments.of(Reason.DUPLICATE_FIELD, event(ATTRIBUTES + ",\"data\":{\"a\":1,\"a\":1}")),
        Arguments.of(
            Reason.BODY_TOO_LARGE, event("\"a\":\"" + "x".repeat(Encoded.MAX_BYTES) + "\"")),
        Arguments.of(
            Reason.UNSUPPORTED_MEDIA_TYPE,
            Wire.record("[]", Map.of("content-type", "application/cloudevents-batch+json"))),
        Arguments.of(
            Reason.UNSUPPORTED_MEDIA_TYPE,
            Wire.record("x", Map.of("content-type", "application/cloudevents+avro"))));
  }

  @ParameterizedTest
  @MethodSource
  void unreadable(Reason reason, KafkaRecord record) {
    Refusal refusal = catchThrowableOfType(Refusal.class, () -> DECODER.decode(record));
    assertThat(refusal.reason()).isEqualTo(reason);
  }
}
