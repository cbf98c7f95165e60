package io.sluice.decode;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.MissingResourceException;
import javax.xml.XMLConstants;
import javax.xml.stream.Location;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamConstants;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import javax.xml.stream.util.StreamReaderDelegate;

/**
 * The one way in for XML (XML 1.0, fifth edition). A DOCTYPE is refused, so there are no entities
 * of the sender's and nothing external (XXE). Namespaces, attributes, processing instructions and
 * deep nesting are refused, also what stands after the root element. One body, one thread.
 *
 * <p>{@code xsi:nil} is the one attribute that is let through, below the root only: on the root it
 * or {@code xsi:type} would reach into how JAXB builds its object.
 */
final class StrictXmlReader extends StreamReaderDelegate {
  /** Levels of elements. */
  static final int MAX_DEPTH = 8;

  /** Thread-safe once it is configured: each reader gets a copy of its properties. */
  private static final XMLInputFactory FACTORY = factory();

  private int depth;

  private StrictXmlReader(XMLStreamReader reader) {
    super(reader);
  }

  private static XMLInputFactory factory() {
    XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
    factory.setProperty(XMLInputFactory.SUPPORT_DTD, false); // XXE
    factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false); // XXE
    factory.setProperty(XMLConstants.ACCESS_EXTERNAL_DTD, "");
    factory.setProperty(XMLInputFactory.IS_COALESCING, true);
    factory.setXMLResolver(
        (publicId, systemId, base, namespace) -> {
          throw new XMLStreamException("An external entity is never read.");
        });
    return factory;
  }

  /**
   * @throws Refusal when the XML declaration cannot be read or names another encoding than UTF-8
   */
  static XMLStreamReader over(String xml) {
    XMLStreamReader reader;
    try {
      reader = FACTORY.createXMLStreamReader(new StringReader(xml));
    } catch (XMLStreamException e) {
      throw notXml(e.getLocation());
    }
    String declared = reader.getCharacterEncodingScheme();
    if (declared != null && !declared.equalsIgnoreCase(StandardCharsets.UTF_8.name())) {
      throw Refusal.because(
          Reason.UNSUPPORTED_MEDIA_TYPE, "The XML declaration names another encoding than UTF-8.");
    }
    if (reader.getVersion() != null && !reader.getVersion().equals("1.0")) {
      throw malformed("The XML version is 1.0.");
    }
    return new StrictXmlReader(reader);
  }

  @Override
  public int next() {
    if (getEventType() == XMLStreamConstants.END_ELEMENT && depth == 0) {
      return nextAfterRoot();
    }
    return step();
  }

  /** JAXB asks for one event after the root and stops; the rest of the text still has to be XML. */
  private int nextAfterRoot() {
    int event = step();
    while (event != XMLStreamConstants.END_DOCUMENT) {
      event = step();
    }
    return event;
  }

  private int step() {
    int event;
    try {
      event = super.next();
    } catch (XMLStreamException e) {
      throw notXml(e.getLocation());
    } catch (MissingResourceException e) {
      // The JDK's parser has no text for some errors within a DOCTYPE, and fails over that.
      throw notXml(getLocation());
    }
    switch (event) {
      case XMLStreamConstants.START_ELEMENT -> startElement();
      case XMLStreamConstants.END_ELEMENT -> depth--;
      case XMLStreamConstants.DTD -> throw malformed("An XML body must not have a DOCTYPE.");
      case XMLStreamConstants.ENTITY_REFERENCE, XMLStreamConstants.ENTITY_DECLARATION ->
          throw malformed("An XML body must not have entities of its own.");
      case XMLStreamConstants.PROCESSING_INSTRUCTION ->
          throw malformed("An XML body must not have processing instructions.");
      default -> {}
    }
    return event;
  }

  private void startElement() {
    depth++;
    if (depth > MAX_DEPTH) {
      throw malformed("The XML body is nested more than " + MAX_DEPTH + " levels deep.");
    }
    if (getNamespaceURI() != null && !getNamespaceURI().isEmpty()) {
      throw malformed("The elements of an XML body must not be in a namespace.");
    }
    if (getLocalName().indexOf(':') >= 0 || (getPrefix() != null && !getPrefix().isEmpty())) {
      // XML 1.0 lets a name begin with a colon, which no tree with namespaces can hold.
      throw malformed("The names of elements in an XML body must not have a colon.");
    }
    for (int i = 0; i < getAttributeCount(); i++) {
      boolean nil =
          depth > 1
              && XMLConstants.W3C_XML_SCHEMA_INSTANCE_NS_URI.equals(getAttributeNamespace(i))
              && XmlBody.NIL.equals(getAttributeLocalName(i));
      if (!nil) {
        throw malformed("The elements of an XML body must not have attributes, except xsi:nil.");
      }
    }
  }

  private static Refusal notXml(Location at) {
    return malformed(
        at == null
            ? "The body is not valid XML."
            : "The body is not valid XML: line %d, column %d."
                .formatted(at.getLineNumber(), at.getColumnNumber()));
  }

  private static Refusal malformed(String message) {
    return Refusal.because(Reason.MALFORMED_BODY, message);
  }
}
