package io.sluice.decode;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;

/**
 * What holds of any bytes that a decoder is given: a refusal, or an update that reads the same when
 * it is written down again in each format; never another failure, and never a submitted value in a
 * refusal.
 */
final class Decoded implements AutoCloseable {
  private final DecodeRoute route;
  private final CloudEventDecoder events = new CloudEventDecoder();

  Decoded() throws Exception {
    route = new DecodeRoute();
  }

  void json(byte[] body) {
    body(body, WrongInputs.JSON);
  }

  void xml(byte[] body) {
    body(body, WrongInputs.XML);
  }

  void form(byte[] body) {
    body(body, WrongInputs.FORM);
  }

  /** A record with a structured event, and one whose whole value is the body. */
  void event(byte[] value) {
    for (Map<String, String> headers :
        List.of(
            Map.of("content-type", "application/cloudevents+json"),
            Map.of("idempotency-key", "k"))) {
      try {
        KafkaRecord record =
            new KafkaRecord("datasource.updates", 0, 0, 0, Wire.ID.getBytes(UTF_8), value, headers);
        check(events.decode(record).encoded());
      } catch (Refusal refusal) {
        check(refusal);
      }
    }
  }

  /** CONFIG's way in a body, and in the query as far as a request line can hold it. */
  void config(byte[] body) {
    String query = new String(body, UTF_8).replaceAll("[^!-~]", "+");
    for (boolean inBody : List.of(true, false)) {
      try {
        byte[] config =
            inBody
                ? ConfigParameter.find(null, body, WrongInputs.FORM)
                : ConfigParameter.find(query, null, null);
        check(new Encoded(config, null, Encoded.Api.ZOHO_CONFIG, Wire.ID));
      } catch (Refusal refusal) {
        check(refusal);
      }
    }
  }

  private void body(byte[] body, String contentType) {
    check(new Encoded(body, contentType, Encoded.Api.NATIVE, Wire.ID));
    if (contentType.equals(WrongInputs.JSON)) {
      check(new Encoded(body, contentType, Encoded.Api.MERGE_PATCH, Wire.ID));
      check(new Encoded(body, null, Encoded.Api.ZOHO_CONFIG, Wire.ID));
    }
  }

  private void check(Encoded encoded) {
    Exchange exchange = route.send(encoded, Map.of());
    if (exchange.getException() == null) {
      check((Update) exchange.getMessage().getBody());
    } else if (exchange.getException() instanceof Refusal refusal) {
      check(refusal);
    } else {
      throw new AssertionError("This is no refusal.", exchange.getException());
    }
  }

  private static void check(Refusal refusal) {
    assertThat(refusal).hasNoCause();
    assertThat(refusal.getMessage()).isNotBlank();
    String said = refusal.getMessage();
    for (FieldError error : refusal.errors()) {
      // A name is the sender's own, and is told; it may hold anything.
      said = (said + error.message()).replace(error.field(), "");
      assertThat(error.field().codePointCount(0, error.field().length())).isLessThanOrEqualTo(64);
      assertThat(Characters.problem(error.field(), Characters.Rule.SHOWN_LINE)).isEmpty();
    }
    assertThat(said).doesNotContain(WrongInputs.CANARY);
  }

  private void check(Update update) {
    Wire wire = new Wire(written(update), writtenOptions(update));
    Update same = new Update(null, update.changes(), update.options());
    for (Encoded again :
        List.of(
            DecodeRoute.json(wire.json()),
            DecodeRoute.xml(wire.xml()),
            DecodeRoute.form(wire.form()))) {
      if (again.bytes().length <= Encoded.MAX_BYTES) {
        assertThat(route.update(again)).isEqualTo(same);
      }
    }
  }

  private static Map<String, Object> written(Update update) {
    Map<String, Object> fields = new LinkedHashMap<>();
    update.changes().forEach((field, change) -> fields.put(field.wireName(), written(change)));
    return fields;
  }

  private static Map<String, Object> writtenOptions(Update update) {
    Map<String, Object> options = new LinkedHashMap<>();
    update.options().forEach((name, change) -> options.put(name, written(change)));
    return options;
  }

  private static Object written(Change change) {
    if (change instanceof Change.Set set) {
      return set.value();
    }
    return change instanceof Change.Replace replace ? replace.value().reveal() : null;
  }

  @Override
  public void close() {
    route.close();
  }
}
