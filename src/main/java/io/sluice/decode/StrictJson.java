package io.sluice.decode;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The Jackson mapper for what senders write (RFC 8259): one object, no name twice at any depth, no
 * trailing text, at most {@value #MAX_DEPTH} levels. It reads into a {@code Document} and into
 * nothing else that a sender could choose.
 *
 * <p>Jackson's own messages quote the text that they cannot read, so none of its exceptions leaves
 * this class: a syntax error is a {@link Refusal} with line and column.
 */
public final class StrictJson {
  /** Levels of objects and arrays. */
  static final int MAX_DEPTH = 8;

  private static final int MAX_NUMBER_DIGITS = 64;

  private static final String SPACE = " \t\r\n";

  private StrictJson() {}

  /** Makes the mapper for the bean {@code strictJson}. Thread-safe, like every mapper. */
  public static ObjectMapper mapper() {
    return JsonMapper.builder(factory())
        .addModule(new SimpleModule().addDeserializer(Document.class, new Reader()))
        .build();
  }

  /**
   * The text itself, when it begins like an object.
   *
   * @throws Refusal {@link Reason#MALFORMED_BODY} for any other text
   */
  static String object(String text) {
    if (!beginsObject(text)) {
      throw Refusal.because(Reason.MALFORMED_BODY, "The body must be a JSON object.");
    }
    return text;
  }

  /** Whether the first character after white space is a brace. */
  static boolean beginsObject(String text) {
    int i = 0;
    while (i < text.length() && SPACE.indexOf(text.charAt(i)) >= 0) {
      i++;
    }
    return i < text.length() && text.charAt(i) == '{';
  }

  private static JsonFactory factory() {
    return JsonFactory.builder()
        // Names are the sender's: neither the factory nor the JVM shall remember them.
        .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
        .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
        .recyclerPool(JsonRecyclerPools.sharedBoundedPool())
        .streamReadConstraints(
            StreamReadConstraints.builder()
                .maxNestingDepth(MAX_DEPTH)
                .maxNumberLength(MAX_NUMBER_DIGITS)
                .build())
        .build();
  }

  /**
   * Needs a text that {@link #object} has let through, so that the first token cannot fail outside
   * of it.
   */
  private static final class Reader extends StdDeserializer<Document> {
    private static final long serialVersionUID = 1L;

    Reader() {
      super(Document.class);
    }

    @Override
    public Document deserialize(JsonParser parser, DeserializationContext context) {
      try {
        Document document = new Document(members(parser, ""));
        if (parser.nextToken() != null) {
          throw Refusal.because(
              Reason.MALFORMED_BODY, "Nothing may follow the JSON object in the body.");
        }
        return document;
      } catch (StreamConstraintsException e) {
        throw Refusal.because(
            Reason.MALFORMED_BODY,
            "The JSON body is nested more than "
                + MAX_DEPTH
                + " levels deep, or has a number that is too long.");
      } catch (IOException e) {
        JsonLocation at = parser.currentLocation();
        throw Refusal.because(
            Reason.MALFORMED_BODY,
            "The body is not valid JSON: line %d, column %d."
                .formatted(at.getLineNr(), at.getColumnNr()));
      }
    }

    private static Map<String, Value> members(JsonParser parser, String prefix) throws IOException {
      Map<String, Value> members = new LinkedHashMap<>();
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        Document.add(members, prefix, name, value(parser, prefix + name + "."));
      }
      return members;
    }

    private static Value value(JsonParser parser, String prefix) throws IOException {
      return switch (parser.currentToken()) {
        case VALUE_STRING -> new Value.Text(parser.getText());
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> new Value.Numeral(parser.getText());
        case VALUE_TRUE -> new Value.Flag(true);
        case VALUE_FALSE -> new Value.Flag(false);
        case VALUE_NULL -> new Value.Null();
        case START_OBJECT -> new Value.Group(members(parser, prefix));
        case START_ARRAY -> {
          List<Value> items = new ArrayList<>();
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            items.add(value(parser, prefix));
          }
          yield new Value.Sequence(items);
        }
        case END_OBJECT, END_ARRAY, FIELD_NAME, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE ->
            throw new IllegalStateException("A JSON value cannot begin here.");
      };
    }
  }
}
