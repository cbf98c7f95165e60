package io.sluice.decode;

import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.util.Set;
import org.apache.camel.Exchange;

/**
 * What the route {@code decode} does before and after Camel's data format. Bean {@code decoder};
 * thread-safe.
 */
public final class Decoder {
  /** Exchange property: {@code JSON}, {@code XML} or {@code FORM}, between the two steps. */
  public static final String SYNTAX = "syntax";

  /** Exchange property: the id in the body, where there was one. */
  public static final String BODY_ID = "bodyId";

  private static final String ENCODED = "encoded";
  private static final char BYTE_ORDER_MARK = '\uFEFF';
  private static final Set<Character> JSON_SPACE = Set.of(' ', '\t', '\r', '\n');

  private final NativeReader nativeReader;
  private final ZohoReader zohoReader;

  public Decoder(DriverCatalogue drivers) {
    nativeReader = new NativeReader(drivers);
    zohoReader = new ZohoReader(drivers);
  }

  /**
   * Takes an {@link Encoded} body; leaves what the data format reads, with {@link #SYNTAX} telling
   * which one.
   *
   * @throws Refusal for content type, size, UTF-8, and JSON that is no object
   */
  public void open(Exchange exchange) {
    Encoded encoded = (Encoded) exchange.getMessage().getBody();
    MediaType type =
        encoded.api() == Encoded.Api.ZOHO_CONFIG
            ? MediaType.JSON
            : MediaType.of(encoded.contentType(), encoded.api());
    if (encoded.bytes().length > Encoded.MAX_BYTES) {
      throw Refusal.because(Reason.BODY_TOO_LARGE);
    }
    String text = text(encoded.bytes());
    if (type == MediaType.FORM && beginsObject(text)) {
      // The published samples send a JSON document under a form's content type.
      type = MediaType.JSON;
    }
    Object source =
        switch (type) {
          case JSON -> json(text);
          case XML -> StrictXmlReader.over(text);
          case FORM -> Form.document(text);
        };
    exchange.setProperty(ENCODED, encoded);
    exchange.setProperty(SYNTAX, type.name());
    exchange.getMessage().setBody(source);
  }

  /**
   * Takes what the data format read; leaves an {@link io.sluice.model.Update}, and nothing of the
   * source in body, headers or properties.
   *
   * @throws Refusal with all errors of the fields
   */
  public void finish(Exchange exchange) {
    Encoded encoded = (Encoded) exchange.removeProperty(ENCODED);
    exchange.removeProperty(SYNTAX);
    Object body = exchange.getMessage().getBody();
    exchange.getMessage().setBody(null);
    Document document = body instanceof XmlBody xml ? xml.document() : (Document) body;
    switch (encoded.api()) {
      case NATIVE, MERGE_PATCH -> {
        NativeReader.Reading reading = nativeReader.read(document, encoded.pathId());
        exchange.setProperty(BODY_ID, reading.id());
        exchange.getMessage().setBody(reading.update());
      }
      case ZOHO_CONFIG -> exchange.getMessage().setBody(zohoReader.read(document));
    }
  }

  private static String text(byte[] bytes) {
    String text =
        Characters.utf8(bytes)
            .orElseThrow(
                () -> Refusal.because(Reason.MALFORMED_BODY, "The body is not valid UTF-8."));
    return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
  }

  private static String json(String text) {
    if (!beginsObject(text)) {
      throw Refusal.because(Reason.MALFORMED_BODY, "The body must be a JSON object.");
    }
    return text;
  }

  private static boolean beginsObject(String text) {
    int i = 0;
    while (i < text.length() && JSON_SPACE.contains(text.charAt(i))) {
      i++;
    }
    return i < text.length() && text.charAt(i) == '{';
  }
}
