package io.sluice.decode;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.DataSourceId;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * Opens a Kafka record: a plain body, or a CloudEvent 1.0 in structured JSON or binary mode (Kafka
 * Protocol Binding for CloudEvents 1.0.2, section 3). What comes out is the same as for an HTTP
 * request with that body, and goes through the same route. Thread-safe.
 *
 * <p>Our reading: {@code source} is not asked for, since nothing here depends on it; the updates of
 * a data source are told apart by {@code id} alone.
 */
public final class CloudEventDecoder {
  /** The one type of event that is an update. */
  public static final String TYPE = "sluice.datasource.update";

  private static final String SPEC_VERSION = "1.0";
  private static final String CLOUD_EVENTS = "application/cloudevents";
  private static final String STRUCTURED_JSON = "application/cloudevents+json";
  private static final String JSON = "application/json";
  private static final String CONTENT_TYPE = "content-type";
  private static final String IDEMPOTENCY_KEY = "idempotency-key";
  private static final String ATTRIBUTE_PREFIX = "ce_";
  private static final int MAX_IDENTITY_LENGTH = 256;

  /** Begins an identity that no sender gave, so that no sender can take it beforehand. */
  private static final String OWN = "@";

  private final ObjectMapper strictJson = StrictJson.mapper();

  /**
   * @throws Refusal when the record can never be an update; it then belongs to the dead letters
   */
  public KafkaUpdate decode(KafkaRecord record) {
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    headers.putAll(record.headers());
    String key = key(record.key());
    if (record.value() == null) {
      throw Refusal.because(Reason.MALFORMED_BODY, "The record has no value.");
    }
    String contentType = headers.getOrDefault(CONTENT_TYPE, JSON);
    String essence = MediaType.essence(contentType).orElse("");
    if (essence.equals(STRUCTURED_JSON)) {
      return structured(key, record.value());
    }
    if (essence.startsWith(CLOUD_EVENTS)) {
      throw Refusal.because(
          Reason.UNSUPPORTED_MEDIA_TYPE, "A CloudEvent is read in JSON format, one per record.");
    }
    Encoded encoded = encoded(record.value(), contentType, key);
    if (headers.containsKey(ATTRIBUTE_PREFIX + "specversion")
        || headers.containsKey(ATTRIBUTE_PREFIX + "type")) {
      return new KafkaUpdate(
          key, checkedId(key, name -> headers.get(ATTRIBUTE_PREFIX + name)), encoded);
    }
    String given = headers.getOrDefault(ATTRIBUTE_PREFIX + "id", headers.get(IDEMPOTENCY_KEY));
    return new KafkaUpdate(key, given == null ? OWN + record : identity(given), encoded);
  }

  /** What waits in the queue: of a length that can be worked, and a content type without frills. */
  private static Encoded encoded(byte[] body, String contentType, String key) {
    MediaType.of(contentType, Encoded.Api.NATIVE);
    if (body.length > Encoded.MAX_BYTES) {
      throw Refusal.because(Reason.BODY_TOO_LARGE);
    }
    String essence = MediaType.essence(contentType).orElseThrow();
    return new Encoded(body, essence, Encoded.Api.NATIVE, key);
  }

  private static String key(byte[] bytes) {
    return Optional.ofNullable(bytes)
        .flatMap(Characters::utf8)
        .filter(DataSourceId::valid)
        .orElseThrow(
            () -> invalid("key", "The record's key must be the id of the data source to update."));
  }

  /**
   * Checks the attributes of an event, and gives its id.
   *
   * @param attributes the value of a name without a prefix; null where there is none
   */
  private static String checkedId(String key, UnaryOperator<String> attributes) {
    if (!SPEC_VERSION.equals(attributes.apply("specversion"))) {
      throw invalid("specversion", "specversion must be " + SPEC_VERSION + ".");
    }
    if (!TYPE.equals(attributes.apply("type"))) {
      throw invalid("type", "type must be " + TYPE + ".");
    }
    String subject = attributes.apply("subject");
    if (subject != null && !subject.equals(key)) {
      throw invalid("subject", "subject must be the record's key.");
    }
    return identity(attributes.apply("id"));
  }

  private static String identity(String identity) {
    if (identity == null
        || identity.isEmpty()
        || identity.length() > MAX_IDENTITY_LENGTH
        || identity.startsWith(OWN)
        || Characters.problem(identity, Characters.Rule.SHOWN_LINE).isPresent()) {
      throw invalid(
          "id",
          "The update's identity must have 1 to "
              + MAX_IDENTITY_LENGTH
              + " characters, not begin with "
              + OWN
              + ", and have no control character.");
    }
    return identity;
  }

  private KafkaUpdate structured(String key, byte[] value) {
    Map<String, Value> event = read(value).fields();
    String identity = checkedId(key, name -> attribute(event, name));
    String dataType = attribute(event, "datacontenttype");
    String contentType = dataType == null ? JSON : dataType;
    return new KafkaUpdate(key, identity, encoded(data(event, contentType), contentType, key));
  }

  private Document read(byte[] value) {
    String json = StrictJson.object(new Encoded(value, JSON, Encoded.Api.NATIVE, null).text());
    try {
      return strictJson.readValue(json, Document.class);
    } catch (JsonProcessingException e) {
      // The reader of documents has turned every syntax error into a refusal.
      throw new UncheckedIOException(e);
    }
  }

  private static String attribute(Map<String, Value> event, String name) {
    Value value = event.get(name);
    if (value == null || value instanceof Value.Null) {
      return null;
    }
    if (value instanceof Value.Text text) {
      return text.text();
    }
    throw invalid(name, name + " must be a string.");
  }

  private byte[] data(Map<String, Value> event, String contentType) {
    Value data = event.get("data");
    String base64 = attribute(event, "data_base64");
    if ((data == null) == (base64 == null)) {
      throw invalid("data", "An event has either data or data_base64.");
    }
    if (base64 != null) {
      try {
        return Base64.getDecoder().decode(base64);
      } catch (IllegalArgumentException e) {
        throw invalid("data_base64", "data_base64 must be Base64 text.");
      }
    }
    if (MediaType.essence(contentType).filter(JSON::equals).isPresent()) {
      return utf8(json(data));
    }
    if (data instanceof Value.Text text) {
      return utf8(text.text());
    }
    throw invalid("data", "data must be a string when datacontenttype is not JSON.");
  }

  /** Writes a value as it was read, for the decode stage to judge. */
  private String json(Value value) {
    StringWriter out = new StringWriter();
    try (JsonGenerator generator = strictJson.createGenerator(out)) {
      write(generator, value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toString();
  }

  /** A JSON escape can name half a character, which no UTF-8 can carry. */
  private static byte[] utf8(String text) {
    return Characters.utf8(text)
        .orElseThrow(
            () -> Refusal.because(Reason.MALFORMED_BODY, "The event's data is not Unicode text."));
  }

  private static void write(JsonGenerator generator, Value value) throws IOException {
    if (value instanceof Value.Text text) {
      generator.writeString(text.text());
    } else if (value instanceof Value.Numeral numeral) {
      generator.writeNumber(numeral.literal());
    } else if (value instanceof Value.Flag flag) {
      generator.writeBoolean(flag.on());
    } else if (value instanceof Value.Group group) {
      generator.writeStartObject();
      for (Map.Entry<String, Value> member : group.members().entrySet()) {
        generator.writeFieldName(member.getKey());
        write(generator, member.getValue());
      }
      generator.writeEndObject();
    } else if (value instanceof Value.Sequence sequence) {
      generator.writeStartArray();
      for (Value item : sequence.items()) {
        write(generator, item);
      }
      generator.writeEndArray();
    } else {
      generator.writeNull();
    }
  }

  private static Refusal invalid(String field, String message) {
    return Refusal.ofField(Reason.INVALID_FIELD, field, message);
  }
}
