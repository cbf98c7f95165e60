package io.sluice.decode;

import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Refusal;
import org.apache.camel.Exchange;

/**
 * What the route {@code decode} does before and after Camel's data format. Bean {@code decoder};
 * thread-safe.
 */
public final class Decoder {
  /** Exchange property: {@code JSON}, {@code XML} or {@code FORM}, between the two steps. */
  public static final String SYNTAX = "syntax";

  private static final String ENCODED = "encoded";

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
    String text = encoded.text();
    if (type == MediaType.FORM && StrictJson.beginsObject(text)) {
      // The published samples send a JSON document under a form's content type.
      type = MediaType.JSON;
    }
    Object source =
        switch (type) {
          case JSON -> StrictJson.object(text);
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
    exchange
        .getMessage()
        .setBody(
            switch (encoded.api()) {
              case NATIVE, MERGE_PATCH ->
                  nativeReader.read(document, encoded.api(), encoded.pathId());
              case ZOHO_CONFIG -> zohoReader.read(document);
            });
  }
}
