package io.sluice.drivers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Reads one driver's file. Strict: every key is known, every value has its type, and all problems
 * are reported at once, each with file and key.
 */
final class Descriptor {
  private static final ObjectReader YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .build()
          .readerFor(JsonNode.class);
  private static final String LIKE = "like";

  /** What a file never has from the one that it is like. */
  private static final List<String> OWN =
      List.of("id", "title", "aliases", "zohoDatabaseTypes", "verified", "note");

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,62}");
  private static final Pattern ARTIFACT = Pattern.compile("[\\w.-]+:[\\w.-]+:[\\w.-]+(:[\\w.-]+)?");
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([A-Za-z|]+)}");
  private static final Set<String> IN_EVERY_URL = Set.of("host", "port", "database");
  private static final Pattern SQL_STATE = Pattern.compile("[0-9A-Z]{2}([0-9A-Z]{3})?");

  /** What a test finds before any server is asked. */
  private static final Set<Reason> OURS_ALONE =
      EnumSet.of(Reason.POLICY_DENIED, Reason.DRIVER_UNSUPPORTED, Reason.LOCKOUT_GUARD);

  private final String file;
  private final String path;
  private final JsonNode node;
  private final List<String> problems;
  private final Set<String> read = new HashSet<>();

  private Descriptor(String file, String path, JsonNode node, List<String> problems) {
    this.file = file;
    this.path = path;
    this.node = node;
    this.problems = problems;
  }

  /** Empty when the file has a problem; it is then among {@code problems}. */
  static Optional<Driver> read(Path file, List<String> problems) throws IOException {
    String name = file.getFileName().toString();
    int before = problems.size();
    ObjectNode root = mapping(file, problems);
    if (root != null && root.path(LIKE).isTextual()) {
      root = over(root, file.resolveSibling(root.path(LIKE).asText() + ".yaml"), problems);
    }
    if (root == null) {
      return Optional.empty();
    }
    Driver driver = new Descriptor(name, "", root, problems).driver();
    return problems.size() == before ? Optional.of(driver) : Optional.empty();
  }

  private static ObjectNode mapping(Path file, List<String> problems) throws IOException {
    try {
      if (YAML.readValue(Files.readString(file)) instanceof ObjectNode mapping) {
        return mapping;
      }
      problems.add(file.getFileName() + ": must be a YAML mapping");
    } catch (JsonProcessingException e) {
      problems.add(
          file.getFileName() + ": not YAML, or a key is given twice: " + e.getOriginalMessage());
    }
    return null;
  }

  /**
   * A file that names another one: it has all that the other has and it does not give itself. Of
   * {@code properties} each single one counts, and its own {@code errors} come first.
   */
  private static ObjectNode over(ObjectNode own, Path file, List<String> problems)
      throws IOException {
    if (!Files.exists(file)) {
      problems.add(own.path("id").asText() + ".yaml: " + LIKE + " names no file");
      return null;
    }
    ObjectNode all = mapping(file, problems);
    if (all == null) {
      return null;
    }
    all.remove(OWN);
    for (Map.Entry<String, JsonNode> entry : own.properties()) {
      JsonNode inherited = all.get(entry.getKey());
      if (entry.getValue() instanceof ObjectNode added && inherited instanceof ObjectNode base) {
        base.setAll(added);
      } else if (entry.getKey().equals("errors")
          && entry.getValue() instanceof ArrayNode first
          && inherited instanceof ArrayNode rest) {
        all.set(entry.getKey(), first.addAll(rest));
      } else {
        all.set(entry.getKey(), entry.getValue());
      }
    }
    all.remove(LIKE);
    return all;
  }

  private Driver driver() {
    String id = matching("id", NAME);
    if (id != null && !file.equals(id + ".yaml")) {
      problem("id", "must be the file's name");
    }
    Set<Field> required = fields("required");
    Set<Field> secrets = secrets();
    for (Field field : required) {
      if (Field.LOGIN_SECRETS.contains(field) && !secrets.contains(field)) {
        problem("required", "names a secret that is not among secrets: " + field);
      }
    }
    Driver.Family family = constant("family", Driver.Family.class);
    if (family == Driver.Family.NONE) {
      return neverConnected(id, required, secrets);
    }
    Map<String, Driver.Option> options = options();
    Driver driver =
        new Driver(
            id,
            text("title"),
            texts("aliases"),
            texts("zohoDatabaseTypes"),
            text("driverClass"),
            jar(),
            family,
            tls(family),
            url(options),
            value("database") == null ? Driver.DATABASE : pattern("database"),
            port("defaultPort"),
            required,
            secrets,
            options,
            mapping("properties"),
            mapping("withoutTls"),
            mapping("withTls"),
            pattern("greeting"),
            rules(),
            text("validationQuery"),
            flag("lazy", false),
            constant("verified", Driver.Verified.class),
            optional("note"));
    refuseUnread();
    return driver;
  }

  /** Its names, its fields, and why it is never connected to. */
  private Driver neverConnected(String id, Set<Field> required, Set<Field> secrets) {
    Driver driver =
        new Driver(
            id,
            text("title"),
            texts("aliases"),
            texts("zohoDatabaseTypes"),
            "",
            null,
            Driver.Family.NONE,
            Driver.Tls.HOOKS,
            "",
            Driver.DATABASE,
            port("defaultPort"),
            required,
            secrets,
            options(),
            Map.of(),
            Map.of(),
            Map.of(),
            Pattern.compile(""),
            List.of(),
            "",
            false,
            Driver.Verified.UNVERIFIED,
            text("note"));
    refuseUnread();
    return driver;
  }

  private Driver.Jar jar() {
    return new Driver.Jar(
        matching("artifact", ARTIFACT),
        flag("bundled"),
        value("sha256") == null ? null : matching("sha256", SHA256));
  }

  /** Where no driver asks the server for TLS this has to be told; everything else has its hooks. */
  private Driver.Tls tls(Driver.Family family) {
    boolean relayed =
        family == Driver.Family.RELAY
            || family == Driver.Family.ORACLE
            || family == Driver.Family.MONGODB;
    Driver.Tls tls =
        value("tls") == null && !relayed ? Driver.Tls.HOOKS : constant("tls", Driver.Tls.class);
    if (tls != null && (tls == Driver.Tls.HOOKS) == relayed) {
      problem("tls", "must be implicit or none with a relay or MongoDB, and hooks without");
    }
    return tls;
  }

  private String url(Map<String, Driver.Option> options) {
    String url = text("url");
    Set<String> named = new HashSet<>();
    if (url != null) {
      Matcher placeholder = PLACEHOLDER.matcher(url);
      while (placeholder.find()) {
        named.addAll(List.of(placeholder.group(1).split("\\|", -1)));
      }
    }
    options.forEach(
        (name, option) -> {
          if (option.property() == null && !named.contains(name)) {
            problem("options." + name, "has no property and no place in the url");
          }
        });
    named.removeAll(IN_EVERY_URL);
    named.removeAll(options.keySet());
    if (!named.isEmpty()) {
      problem("url", "names what is no option: " + named);
    }
    return url;
  }

  private void refuseUnread() {
    node.fieldNames()
        .forEachRemaining(
            key -> {
              if (!read.contains(key)) {
                problem(key, "is not a known key");
              }
            });
  }

  private void problem(String key, String what) {
    problems.add(file + ": " + path + key + " " + what);
  }

  private JsonNode value(String key) {
    read.add(key);
    JsonNode value = node.get(key);
    return value == null || value.isNull() ? null : value;
  }

  /** Null when there is a problem. */
  private String text(String key) {
    JsonNode value = value(key);
    if (value == null || !value.isValueNode() || value.asText().isEmpty()) {
      problem(key, "must be a text");
      return null;
    }
    return value.asText();
  }

  /** Null when it is absent. */
  private String optional(String key) {
    return value(key) == null ? null : text(key);
  }

  private boolean flag(String key) {
    JsonNode value = value(key);
    if (value == null || !value.isBoolean()) {
      problem(key, "must be true or false");
      return false;
    }
    return value.asBoolean();
  }

  private String matching(String key, Pattern grammar) {
    String text = text(key);
    if (text != null && !grammar.matcher(text).matches()) {
      problem(key, "must match " + grammar);
      return null;
    }
    return text;
  }

  private Pattern pattern(String key) {
    String text = text(key);
    try {
      return text == null ? null : Pattern.compile(text);
    } catch (PatternSyntaxException e) {
      problem(key, "is not a regular expression");
      return null;
    }
  }

  private int port(String key) {
    JsonNode value = value(key);
    if (value == null || !value.isInt() || value.asInt() < 1 || value.asInt() > 65_535) {
      problem(key, "must be a number from 1 to 65535");
      return 0;
    }
    return value.asInt();
  }

  private boolean flag(String key, boolean absent) {
    JsonNode value = value(key);
    if (value != null && !value.isBoolean()) {
      problem(key, "must be true or false");
    }
    return value == null ? absent : value.asBoolean();
  }

  private <E extends Enum<E>> E constant(String key, Class<E> type) {
    String text = text(key);
    if (text == null) {
      return null;
    }
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equalsIgnoreCase(text)) {
        return constant;
      }
    }
    problem(key, "must be one of " + List.of(type.getEnumConstants()));
    return null;
  }

  private List<String> texts(String key) {
    JsonNode value = value(key);
    List<String> texts = new ArrayList<>();
    if (value != null && !value.isArray()) {
      problem(key, "must be a list");
    } else if (value != null) {
      value.forEach(each -> texts.add(each.asText()));
    }
    return texts;
  }

  private Set<Field> fields(String key) {
    Set<Field> fields = EnumSet.noneOf(Field.class);
    for (String name : texts(key)) {
      Field.named(name).ifPresentOrElse(fields::add, () -> problem(key, "names no field: " + name));
    }
    return fields;
  }

  /** Most logins take a password and nothing else. */
  private Set<Field> secrets() {
    if (value("secrets") == null) {
      return EnumSet.of(Field.PASSWORD);
    }
    Set<Field> secrets = fields("secrets");
    for (Field field : secrets) {
      if (!Field.LOGIN_SECRETS.contains(field)) {
        problem("secrets", "names no secret of a login: " + field);
      }
    }
    return secrets;
  }

  private Map<String, String> mapping(String key) {
    JsonNode value = value(key);
    Map<String, String> mapping = new LinkedHashMap<>();
    if (value != null && !value.isObject()) {
      problem(key, "must be a mapping");
    } else if (value != null) {
      for (Map.Entry<String, JsonNode> entry : value.properties()) {
        if (entry.getValue().isValueNode() && !entry.getValue().isNull()) {
          mapping.put(entry.getKey(), entry.getValue().asText());
        } else {
          problem(key + "." + entry.getKey(), "must be a single value");
        }
      }
    }
    return mapping;
  }

  private Map<String, Driver.Option> options() {
    JsonNode value = value("options");
    Map<String, Driver.Option> options = new LinkedHashMap<>();
    if (value != null && !value.isObject()) {
      problem("options", "must be a mapping");
    } else if (value != null) {
      for (Map.Entry<String, JsonNode> entry : value.properties()) {
        Descriptor option =
            new Descriptor(file, "options." + entry.getKey() + ".", entry.getValue(), problems);
        options.put(
            entry.getKey(),
            new Driver.Option(
                option.optional("property"),
                option.pattern("grammar"),
                option.flag("destination", false),
                option.optional("existence")));
        option.refuseUnread();
      }
    }
    return options;
  }

  private List<Driver.ErrorRule> rules() {
    JsonNode value = value("errors");
    List<Driver.ErrorRule> rules = new ArrayList<>();
    if (value != null && !value.isArray()) {
      problem("errors", "must be a list");
    } else if (value != null) {
      for (JsonNode each : value) {
        rules.add(new Descriptor(file, "errors[" + rules.size() + "].", each, problems).rule());
      }
    }
    return rules;
  }

  private Driver.ErrorRule rule() {
    JsonNode code = value("vendorCode");
    if (code != null && !code.isInt()) {
      problem("vendorCode", "must be a number");
    }
    String state = value("sqlState") == null ? null : matching("sqlState", SQL_STATE);
    String named = optional("code");
    if (named == null ? code == null && state == null : code != null || state != null) {
      problem("vendorCode", "or sqlState must be given, or code alone");
    }
    Driver.Circumstance when =
        value("when") == null ? null : constant("when", Driver.Circumstance.class);
    if (when != null && named != null) {
      problem("when", "is for vendorCode and sqlState");
    }
    String step = text("step");
    Report.Name name = null;
    for (Report.Name each : Report.Name.values()) {
      if (each.wireName().equals(step)) {
        name = each;
      }
    }
    if (name == null) {
      problem("step", "must be a step of the test report");
    }
    Reason reason = constant("reason", Reason.class);
    if (reason != null
        && (reason.category() != Reason.Category.TEST || OURS_ALONE.contains(reason))) {
      problem("reason", "must be one that a server's error can stand for");
    }
    Field field = null;
    if (value("field") != null) {
      field = Field.named(text("field")).orElse(null);
      if (field == null) {
        problem("field", "is not a field");
      }
    }
    String hint = value("hint") == null ? null : text("hint");
    boolean lockout = flag("lockout", reason == Reason.AUTH_FAILED);
    if (lockout && reason != null && reason != Reason.AUTH_FAILED) {
      problem("lockout", "can only be true with AUTH_FAILED");
    }
    refuseUnread();
    return new Driver.ErrorRule(
        code == null ? null : code.asInt(), state, named, when, name, reason, field, hint, lockout);
  }
}
