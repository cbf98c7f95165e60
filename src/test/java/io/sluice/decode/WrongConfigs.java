package io.sluice.decode;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Map.entry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.decode.WrongInputs.Kind;
import io.sluice.decode.WrongInputs.Rule;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Each attribute of the Zoho-compatible API's CONFIG in each way that it can be wrong, in each
 * place where clients put it, with the code that contract section 3 has for it. As {@link
 * WrongInputs}, it asks the product nothing.
 */
public final class WrongConfigs {
  /** The error table of contract section 3, as far as it is about CONFIG: all of it is 400. */
  public static final Map<Integer, String> SUMMARIES =
      Map.ofEntries(
          entry(8077, "EMPTY_JSON_CONFIGURATION"),
          entry(8078, "EMPTY_JSON_ATTRIBUTE_FOUND"),
          entry(8079, "ATTRIBUTE_NOT_PRESENT_IN_JSON_CONFIGURATION"),
          entry(8080, "INVALID_JSON_CONFIGURATION"),
          entry(8504, "LESS_THAN_MIN_OCCURANCE"),
          entry(8507, "MORE_THAN_MAX_LENGTH"),
          entry(8516, "UNABLE_TO_PARSE_DATA_TYPE"),
          entry(18011, "CANNOT_CONNECT_ENDPOINT"),
          entry(18042, "S3_OUTPUT_LOCATION_NOT_REACHABLE"),
          entry(18055, "DBTYPE_SERVICENAME_NOTMACHED"),
          entry(18057, "INVALID_CLOUD_SERVICENAME"));

  private static final int EMPTY_OBJECT = 8077;
  private static final int EMPTY = 8078;
  private static final int ABSENT = 8079;
  private static final int UNREADABLE = 8080;
  private static final int NO_CONFIG = 8504;
  private static final int TOO_LONG = 8507;
  private static final int WRONG_TYPE = 8516;
  private static final int NO_HOST = 18011;
  private static final int NO_S3 = 18042;
  private static final int NO_TYPE = 18055;
  private static final int NO_SERVICE = 18057;

  /** What is accepted. */
  private static final int READ = 0;

  private static final Set<String> MANDATORY =
      Set.of("serviceName", "databaseType", "hostName", "userName");

  /** Options are text, integers or booleans; a driver's own grammar is the driver's matter. */
  private static final Rule OPTION = new Rule(Kind.LINE, 1024);

  static final Map<String, Rule> KEYS =
      Map.ofEntries(
          entry("hostName", new Rule(Kind.HOST, 253)),
          entry("port", new Rule(Kind.PORT, 5)),
          entry("userName", new Rule(Kind.LINE, 256)),
          entry("password", new Rule(Kind.SECRET, 4096)),
          entry("cloudDatabaseName", new Rule(Kind.LINE, 256)),
          entry("refreshToken", new Rule(Kind.SECRET, 4096)),
          entry("accessToken", new Rule(Kind.SECRET, 8192)),
          entry("useSSL", new Rule(Kind.FLAG, 5)),
          entry("useSSH", new Rule(Kind.FLAG, 5)),
          entry("sshTunnelHost", new Rule(Kind.HOST, 253)),
          entry("sshTunnelPort", new Rule(Kind.PORT, 5)),
          entry("sshTunnelUsername", new Rule(Kind.LINE, 256)),
          entry("sshTunnelPassword", new Rule(Kind.SECRET, 4096)),
          entry("instanceName", OPTION),
          entry("s3OutputLocation", OPTION),
          entry("warehouseName", OPTION),
          entry("sId", OPTION),
          entry("projectId", OPTION),
          entry("schemaName", OPTION),
          entry("catalogName", OPTION),
          entry("httpPath", OPTION),
          entry("workgroupName", OPTION),
          entry("dataLocation", OPTION));

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final String PLACE = "@@PLACE@@";

  /**
   * One request.
   *
   * @param query raw; null where CONFIG is not there
   * @param body null where there is none
   * @param code of the contract's table; 0 where the decode stage lets it through
   * @param key what the message names
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Input(
      String label, String query, byte[] body, String contentType, int code, String key) {
    public boolean refused() {
      return code != READ;
    }

    @Override
    public String toString() {
      return label;
    }
  }

  private final Map<String, Object> base;
  private final List<Input> inputs = new ArrayList<>();

  private WrongConfigs(Map<String, Object> base) {
    this.base = base;
  }

  /**
   * @param base a CONFIG that would be accepted, without a tunnel
   */
  public static List<Input> of(Map<String, Object> base) {
    WrongConfigs all = new WrongConfigs(base);
    KEYS.keySet().stream().sorted().forEach(all::key);
    all.word("serviceName", NO_SERVICE);
    all.word("databaseType", NO_TYPE);
    all.authType();
    all.whole();
    return all.inputs;
  }

  private void key(String key) {
    Rule rule = KEYS.get(key);
    WrongInputs.texts(key, rule)
        .forEach((text, expected) -> everywhere(key, text, code(key, rule, text, expected)));
    boolean option = rule.equals(OPTION);
    types(key)
        .forEach(
            (json, integer) -> raw(key, json, option && integer ? optionCode(key) : WRONG_TYPE));
    for (String flag : List.of("true", "false")) {
      if (rule.kind() != Kind.FLAG) {
        raw(key, flag, option ? optionCode(key) : WRONG_TYPE);
      }
    }
    if (rule.kind() == Kind.PORT) {
      for (String number : List.of("0", "65536", "-3306", "3306.5", "33e2")) {
        raw(key, number, WRONG_TYPE);
      }
    } else {
      raw(key, "3306", option ? optionCode(key) : WRONG_TYPE);
    }
    raw(key, "null", MANDATORY.contains(key) ? EMPTY : READ);
    if (MANDATORY.contains(key)) {
      absent(key);
    }
    unreadable(key);
  }

  private static int optionCode(String key) {
    return key.equals("s3OutputLocation") ? NO_S3 : READ;
  }

  /**
   * The code that the contract has for a text; its table of fields has said whether it is wrong.
   */
  private static int code(String key, Rule rule, String text, WrongInputs.Expected expected) {
    if (text.isEmpty()) {
      return MANDATORY.contains(key) ? EMPTY : READ;
    }
    boolean worded = rule.kind() == Kind.PORT || rule.kind() == Kind.FLAG;
    if (!worded && text.length() > rule.maxLength()) {
      return TOO_LONG;
    }
    if (expected.refused()) {
      boolean strange = text.chars().anyMatch(c -> c < ' ' || (c > '~' && c != '\u00f6'));
      return rule.kind() == Kind.HOST && !strange ? NO_HOST : WRONG_TYPE;
    }
    return key.equals("s3OutputLocation") ? NO_S3 : READ;
  }

  /** Values of JSON that are no text, and whether an option may be one. */
  private static Map<String, Boolean> types(String key) {
    Map<String, Boolean> types = new LinkedHashMap<>();
    for (String json :
        List.of(
            "[]",
            "{}",
            "[\"" + WrongInputs.CANARY + "\"]",
            "{\"" + key + "\":\"" + WrongInputs.CANARY + "\"}",
            "[null]",
            "12.5",
            "1e2",
            "\"" + WrongInputs.CANARY + "\\uD800\"",
            "\"\\uDFFF" + WrongInputs.CANARY + "\"")) {
      types.put(json, false);
    }
    for (String integer : List.of("-1", "0", "12345678901234567890123456789")) {
      types.put(integer, true);
    }
    return types;
  }

  /** A mandatory word out of a list. */
  private void word(String key, int unknown) {
    everywhere(key, "", EMPTY);
    everywhere(key, WrongInputs.CANARY, unknown);
    everywhere(key, WrongInputs.CANARY.repeat(500), unknown);
    for (String c : List.of("\u0000", "\n", "\u0085", "\u202E", "\uFFFF", " ")) {
      everywhere(key, base.get(key) + c, unknown);
    }
    types(key)
        .forEach((json, integer) -> raw(key, json, json.startsWith("\"") ? unknown : WRONG_TYPE));
    for (String json : List.of("true", "5")) {
      raw(key, json, WRONG_TYPE);
    }
    raw(key, "null", EMPTY);
    absent(key);
    unreadable(key);
  }

  private void authType() {
    String key = "sshTunnelAuthType";
    for (String json :
        List.of(
            "2", "-1", "1.0", "01", "true", "[]", "{}", "\"2\"", "\"00\"", "\" 1\"", "\"key\"")) {
      raw(key, json, json.equals("01") ? UNREADABLE : WRONG_TYPE);
    }
    for (String json : List.of("0", "1", "\"0\"", "\"1\"", "null", "\"\"")) {
      raw(key, json, READ);
    }
    unreadable(key);
  }

  private void absent(String key) {
    Map<String, Object> config = config(key);
    config.remove(key);
    places(key + " is absent", json(config), ABSENT, key);
  }

  /** What no key can be named for: CONFIG as a whole cannot be read. */
  private void unreadable(String key) {
    for (String json :
        List.of(
            "\"a\u0000\"",
            "\"a\n\"",
            "\"a\\x\"",
            "\"a",
            "'a'",
            "a",
            "NaN",
            "03306",
            "[",
            "[".repeat(20) + "]".repeat(20))) {
      raw(key, json, UNREADABLE);
    }
    places(
        key + " twice",
        document(key).replace("\"" + PLACE + "\"", "\"a\",\"" + key + "\":\"a\""),
        UNREADABLE,
        key);
    places(
        key + " in another case",
        document(key).replace("\"" + key + "\":", "\"" + key + "_\":"),
        MANDATORY.contains(key) ? ABSENT : UNREADABLE,
        key);
    String encoded = URLEncoder.encode(document(key), UTF_8);
    String place = URLEncoder.encode(PLACE, UTF_8);
    for (String octets :
        List.of(
            "%80",
            "%C0%80",
            "%C1%BF",
            "%E2%82",
            "%ED%A0%80",
            "%F4%90%80%80",
            "%FF%FE",
            "%E9",
            "%",
            "%4",
            "%zz")) {
      String config = "CONFIG=" + encoded.replace(place, octets);
      String label = key + " as " + octets;
      inputs.add(new Input(label + ", query", config, null, null, UNREADABLE, "CONFIG"));
      inputs.add(
          new Input(
              label + ", form",
              null,
              config.getBytes(UTF_8),
              WrongInputs.FORM,
              UNREADABLE,
              "CONFIG"));
    }
    String raw = "CONFIG=" + document(key).replace(PLACE, "caf\u00e9");
    body(key + " in ISO-8859-1, raw", raw.getBytes(ISO_8859_1), WrongInputs.FORM, UNREADABLE);
    for (Charset charset : List.of(UTF_16LE, UTF_16BE)) {
      body(
          key + " in " + charset + " with its mark",
          ("\uFEFF" + raw).getBytes(charset),
          WrongInputs.FORM,
          UNREADABLE);
    }
    for (String charset : List.of("iso-8859-1", "utf-16", "us-ascii")) {
      body(
          key + " declared as " + charset,
          raw.getBytes(UTF_8),
          WrongInputs.FORM + "; charset=" + charset,
          NO_CONFIG);
    }
  }

  private void whole() {
    places("an empty object", "{}", EMPTY_OBJECT, "CONFIG");
    places("an unknown key", json(with("jdbcUrl", WrongInputs.CANARY)), UNREADABLE, "jdbcUrl");
    for (String text : List.of("[]", "\"x\"", "1", "null", "x=y")) {
      String config = "CONFIG=" + URLEncoder.encode(text, UTF_8);
      inputs.add(new Input(text + ", query", config, null, null, UNREADABLE, "CONFIG"));
      body(text + ", form", config.getBytes(UTF_8), WrongInputs.FORM, UNREADABLE);
    }
    for (String type : List.of("application/json", "text/plain", "multipart/form-data")) {
      body(
          "CONFIG as " + type,
          ("CONFIG=" + URLEncoder.encode(json(base), UTF_8)).getBytes(UTF_8),
          type,
          NO_CONFIG);
    }
    String once = "CONFIG=" + URLEncoder.encode(json(base), UTF_8);
    inputs.add(new Input("CONFIG twice", once + "&" + once, null, null, UNREADABLE, "CONFIG"));
    inputs.add(
        new Input(
            "CONFIG in both places",
            once,
            once.getBytes(UTF_8),
            WrongInputs.FORM,
            UNREADABLE,
            "CONFIG"));
    inputs.add(new Input("no CONFIG", null, null, null, NO_CONFIG, "CONFIG"));
    inputs.add(new Input("CONFIG without a value", "CONFIG=", null, null, EMPTY_OBJECT, "CONFIG"));
  }

  private void everywhere(String key, String text, int code) {
    places(key + " as " + WrongInputs.shown(text), json(with(key, text)), code, key);
  }

  private void raw(String key, String json, int code) {
    places(
        key + " as " + WrongInputs.shown(json),
        document(key).replace("\"" + PLACE + "\"", json),
        code,
        code == UNREADABLE ? "CONFIG" : key);
  }

  /** The query, a form, and what is no form but sent as one. */
  private void places(String label, String json, int code, String key) {
    String encoded = "CONFIG=" + URLEncoder.encode(json, UTF_8);
    inputs.add(new Input(label + ", query", encoded, null, null, code, key));
    inputs.add(
        new Input(label + ", form", null, encoded.getBytes(UTF_8), WrongInputs.FORM, code, key));
    inputs.add(
        new Input(
            label + ", raw",
            null,
            ("CONFIG=" + json).getBytes(UTF_8),
            WrongInputs.FORM,
            code,
            key));
  }

  private void body(String label, byte[] body, String contentType, int code) {
    inputs.add(
        new Input(label, null, body, contentType, code, code == NO_CONFIG ? null : "CONFIG"));
  }

  private String document(String key) {
    return json(with(key, PLACE));
  }

  private Map<String, Object> with(String key, Object value) {
    Map<String, Object> config = config(key);
    config.remove(key);
    config.put(key, value);
    return config;
  }

  /** Without the master switch nobody looks at the keys of the tunnel. */
  private Map<String, Object> config(String key) {
    Map<String, Object> config = new LinkedHashMap<>(base);
    if (key.startsWith("sshTunnel")) {
      config.put("useSSH", true);
      config.put("sshTunnelHost", "bastion.example");
      config.put("sshTunnelUsername", "hop");
      config.put("sshTunnelPassword", "not-a-secret");
    }
    return config;
  }

  private static String json(Map<String, Object> config) {
    try {
      return MAPPER.writeValueAsString(config);
    } catch (JsonProcessingException e) {
      throw new AssertionError(e);
    }
  }
}
