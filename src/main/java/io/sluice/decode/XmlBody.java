package io.sluice.decode;

import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import jakarta.xml.bind.annotation.XmlAccessType;
import jakarta.xml.bind.annotation.XmlAccessorType;
import jakarta.xml.bind.annotation.XmlAnyElement;
import jakarta.xml.bind.annotation.XmlMixed;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.xml.XMLConstants;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * What camel-jaxb reads an XML body into: any root element, any children. It has no root element of
 * its own, so that Camel's type converter never turns it back into XML, secrets included.
 */
@XmlAccessorType(XmlAccessType.FIELD)
final class XmlBody {
  static final String NIL = "nil";
  private static final String ITEM = "item";
  private static final String OPTION_PREFIX = Document.OPTIONS + ".";

  /** Elements, and the text between them. */
  @XmlMixed @XmlAnyElement private final List<Object> content = new ArrayList<>();

  /**
   * @throws Refusal {@link Reason#MALFORMED_BODY} or {@link Reason#DUPLICATE_FIELD}
   */
  Document document() {
    Map<String, Value> fields = new LinkedHashMap<>();
    for (Object part : content) {
      if (part instanceof Element element) {
        String name = element.getTagName();
        if (!Document.ANSWER_ONLY.contains(name)) {
          Document.add(fields, "", name, field(name, element));
        }
      } else {
        refuseText(part.toString());
      }
    }
    return new Document(fields);
  }

  private static Value field(String name, Element element) {
    if (name.equals(Document.OPTIONS)) {
      return options(element);
    }
    return name.equals(Field.SSH_JUMP.wireName()) && hasItems(element)
        ? items(element)
        : value(name, element);
  }

  private static boolean hasItems(Element element) {
    for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element) {
        return true;
      }
    }
    return false;
  }

  private static Value items(Element element) {
    List<Value> items = new ArrayList<>();
    for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (!(node instanceof Element item)) {
        refuseText(node.getNodeValue());
      } else if (item.getTagName().equals(ITEM)) {
        items.add(value(Field.SSH_JUMP + "[" + items.size() + "]", item));
      } else {
        throw malformed("A list in an XML body has children called item.");
      }
    }
    return new Value.Sequence(items);
  }

  private static Value options(Element element) {
    Map<String, Value> options = new LinkedHashMap<>();
    for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element option) {
        String name = option.getTagName();
        Document.add(options, OPTION_PREFIX, name, value(OPTION_PREFIX + name, option));
      } else {
        refuseText(node.getNodeValue());
      }
    }
    return new Value.Group(options);
  }

  /**
   * @param name for the sender's eyes
   */
  private static Value value(String name, Element element) {
    StringBuilder text = new StringBuilder();
    for (Node node = element.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element) {
        throw malformed(
            name, "has child elements, as only options and sshJump have in an XML body");
      }
      text.append(node.getNodeValue());
    }
    String nil = element.getAttributeNS(XMLConstants.W3C_XML_SCHEMA_INSTANCE_NS_URI, NIL).strip();
    boolean isNil = nil.equals("true") || nil.equals("1");
    if (!isNil && !nil.isEmpty() && !nil.equals("false") && !nil.equals("0")) {
      throw malformed(name, "has an attribute xsi:nil that is neither true nor false");
    }
    if (isNil && text.length() > 0) {
      throw malformed(name, "must be empty where xsi:nil is true");
    }
    return isNil ? new Value.Null() : new Value.Text(text.toString());
  }

  private static void refuseText(String text) {
    if (!text.isBlank()) {
      throw malformed("An XML body has text inside of its fields only.");
    }
  }

  private static Refusal malformed(String name, String rule) {
    String shown = Characters.shown(name);
    return Refusal.ofField(Reason.MALFORMED_BODY, shown, shown + " " + rule + ".");
  }

  private static Refusal malformed(String message) {
    return Refusal.because(Reason.MALFORMED_BODY, message);
  }
}
