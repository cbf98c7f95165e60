package io.sluice.contract;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import com.networknt.schema.oas.OpenApi30;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.StreamSupport;
import javax.xml.XMLConstants;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;
import org.xml.sax.SAXException;

/** The contracts as they lie in {@code config/}, and what they say about a document. */
public final class ContractFile {
  public static final Path OPENAPI = Path.of("config", "openapi.yaml");
  public static final Path EVENT_DATA = Path.of("config", "schema", "event-data.json");
  public static final Path CLOUD_EVENT = Path.of("config", "schema", "cloudevent.json");
  static final Path REPORT = Path.of("config", "schema", "report.json");
  static final Path UPDATE = Path.of("config", "schema", "update.json");

  private static final Path XSD = Path.of("config", "schema", "datasource.xsd");
  private static final YAMLMapper YAML = new YAMLMapper();

  private static final JsonSchemaFactory OPENAPI_SCHEMAS =
      JsonSchemaFactory.getInstance(
          SpecVersion.VersionFlag.V4,
          builder ->
              builder
                  .metaSchema(OpenApi30.getInstance())
                  .defaultMetaSchemaIri(OpenApi30.getInstance().getIri()));
  private static final JsonSchemaFactory JSON_SCHEMAS =
      JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);
  private static final SchemaValidatorsConfig STRICT =
      SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build();

  /** By location: made once, since the tests validate every answer that they receive. */
  private static final Map<String, JsonSchema> COMPILED = new ConcurrentHashMap<>();

  private ContractFile() {}

  /** Reads YAML or JSON. */
  public static JsonNode read(Path file) {
    try {
      return YAML.readTree(file.toFile());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonNode parse(String yamlOrJson) {
    try {
      return YAML.readTree(yamlOrJson);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The names of an object's members. */
  public static List<String> names(JsonNode object) {
    return object.properties().stream().map(Map.Entry::getKey).toList();
  }

  /** The texts of an array. */
  static List<String> texts(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asText).toList();
  }

  /**
   * What the OpenAPI document objects to.
   *
   * @param pointer where the schema stands in the document, such as {@code
   *     /components/schemas/Update}
   */
  public static List<String> objectionsOfOpenApi(String pointer, JsonNode instance) {
    String fragment = pointer.replace("{", "%7B").replace("}", "%7D");
    return objections(OPENAPI_SCHEMAS, OPENAPI.toUri() + "#" + fragment, instance);
  }

  /** What a JSON Schema file objects to. */
  public static List<String> objectionsOf(Path schema, JsonNode instance) {
    return objections(JSON_SCHEMAS, schema.toUri().toString(), instance);
  }

  private static List<String> objections(
      JsonSchemaFactory factory, String location, JsonNode instance) {
    return COMPILED
        .computeIfAbsent(location, at -> factory.getSchema(SchemaLocation.of(at), STRICT))
        .validate(instance)
        .stream()
        .map(ValidationMessage::toString)
        .toList();
  }

  /** What the XML schema objects to first. */
  static Optional<String> objectionOfXsd(String xml) {
    try {
      SchemaFactory factory = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI);
      Schema schema = factory.newSchema(XSD.toFile());
      schema.newValidator().validate(new StreamSource(new StringReader(xml)));
      return Optional.empty();
    } catch (SAXException e) {
      return Optional.of(e.getMessage());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
