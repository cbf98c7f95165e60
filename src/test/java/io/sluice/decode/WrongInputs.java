package io.sluice.decode;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Map.entry;

import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Each field of the native API in each way that it can be wrong, and what contract section 1 has to
 * say about it. The names, the kinds and the limits are written down here a second time, from the
 * contract: what the product makes of an input is never asked for.
 */
public final class WrongInputs {
  /** Stands in every value that is longer than a word; no answer may repeat it. */
  public static final String CANARY = "c4n4ryValue";

  static final String JSON = "application/json";
  static final String XML = "application/xml";
  static final String FORM = "application/x-www-form-urlencoded";

  private static final String PLACE = "@@PLACE@@";

  /** A sender's text is at most this long in all; beyond, it is 413 whatever is in it. */
  private static final int BODY = 64 * 1024;

  /** Characters; a longer text does not fit into every encoding of an event. */
  private static final int MODERATE = 10_000;

  /** What the contract says of a kind of field. */
  enum Kind {
    LINE,
    HOST,
    PORT,
    FLAG,
    SECRET,
    /** Lines of text, secret or not. */
    PEM,
    HOST_KEY,
    HOPS
  }

  record Rule(Kind kind, int maxLength) {}

  /** Contract section 1, the table of fields; the limits are those of the OpenAPI document. */
  static final Map<String, Rule> FIELDS =
      Map.ofEntries(
          entry("driver", new Rule(Kind.LINE, 64)),
          entry("host", new Rule(Kind.HOST, 253)),
          entry("port", new Rule(Kind.PORT, 5)),
          entry("username", new Rule(Kind.LINE, 256)),
          entry("password", new Rule(Kind.SECRET, 4096)),
          entry("database", new Rule(Kind.LINE, 256)),
          entry("ssl", new Rule(Kind.FLAG, 5)),
          entry("sslCA", new Rule(Kind.PEM, 32_768)),
          entry("certificate", new Rule(Kind.PEM, 32_768)),
          entry("sslCertificate", new Rule(Kind.PEM, 32_768)),
          entry("keyfile", new Rule(Kind.PEM, 32_768)),
          entry("sslKeyfile", new Rule(Kind.PEM, 32_768)),
          entry("keyfilePassword", new Rule(Kind.SECRET, 4096)),
          entry("sslKeyfilePassword", new Rule(Kind.SECRET, 4096)),
          entry("ssh", new Rule(Kind.FLAG, 5)),
          entry("sshHost", new Rule(Kind.HOST, 253)),
          entry("sshPort", new Rule(Kind.PORT, 5)),
          entry("sshUsername", new Rule(Kind.LINE, 256)),
          entry("sshPassword", new Rule(Kind.SECRET, 4096)),
          entry("sshIdentity", new Rule(Kind.PEM, 32_768)),
          entry("sshTunneling", new Rule(Kind.FLAG, 5)),
          entry("sshHostKey", new Rule(Kind.HOST_KEY, 4096)),
          entry("sshJump", new Rule(Kind.HOPS, 8192)),
          entry("accessToken", new Rule(Kind.SECRET, 8192)),
          entry("refreshToken", new Rule(Kind.SECRET, 4096)));

  /** What only a line of text that is shown to people must not have. */
  private static final String HIDDEN = "\u061C\u200E\u200F\u202A\u202E\u2066\u2069\u2028\u2029";

  /** Controls (C0, DEL, C1) that no text may have. */
  private static final String CONTROLS =
      "\u0000\u0001\u0008\u001B\u001F\u007F\u0080\u0085\u009B\u009F";

  /** Noncharacters, which have no form in XML. */
  private static final String NONCHARACTERS = "\uFFFE\uFFFF";

  private static final String LINE_ENDS = "\n\r\t";

  private static final Set<Kind> LINES = EnumSet.of(Kind.PEM);
  private static final Set<Kind> NEVER_SHOWN = EnumSet.of(Kind.SECRET, Kind.PEM);

  /**
   * What comes of an input.
   *
   * @param status 200 where the decode stage lets it through
   * @param field what the answer names; null where the body as a whole cannot be read
   */
  public record Expected(int status, String reason, String field) {
    static final Expected READ = new Expected(200, null, null);
    static final Expected UNREADABLE = new Expected(400, "MALFORMED_BODY", null);
    static final Expected UNSUPPORTED = new Expected(415, "UNSUPPORTED_MEDIA_TYPE", null);

    static Expected wrong(String field) {
      return new Expected(422, "INVALID_FIELD", field);
    }

    public boolean refused() {
      return status != 200;
    }
  }

  /** One body. */
  public record Input(String label, Encoded encoded, Expected expected) {
    @Override
    public String toString() {
      return label;
    }
  }

  private final Map<String, Object> base;
  private final String pathId;
  private final List<Input> inputs = new ArrayList<>();

  private WrongInputs(Map<String, Object> base, String pathId) {
    this.base = base;
    this.pathId = pathId;
  }

  /**
   * All inputs in the three formats of a body.
   *
   * @param base a document that would be accepted, of which one field at a time goes wrong
   */
  public static List<Input> of(Map<String, Object> base, String pathId) {
    WrongInputs all = new WrongInputs(base, pathId);
    FIELDS.keySet().stream().sorted().forEach(all::field);
    all.options();
    return all.inputs;
  }

  /** The texts once more, in every other way in: patches, records and events. */
  static List<Input> elsewhere(Map<String, Object> base) {
    WrongInputs all = new WrongInputs(base, Wire.ID);
    FIELDS.forEach(
        (name, rule) ->
            texts(name, rule)
                .forEach(
                    (text, expected) -> {
                      if (text.length() <= MODERATE) {
                        all.elsewhere(name, text, expected);
                      }
                    }));
    return all.inputs;
  }

  private void elsewhere(String name, String text, Expected expected) {
    boolean xmlHasIt = text.chars().allMatch(WrongInputs::inXml);
    wire(name, text)
        .all()
        .forEach(
            (encoding, encoded) ->
                inputs.add(
                    new Input(
                        name + " as " + shown(text) + ", " + encoding,
                        encoded,
                        xmlHasIt || !encoding.contains("XML") ? expected : Expected.UNREADABLE)));
  }

  private void field(String name) {
    Rule rule = FIELDS.get(name);
    for (Map.Entry<String, Expected> text : texts(name, rule).entrySet()) {
      Wire wire = wire(name, text.getKey());
      String json = wire.json();
      if (json.length() * 2 > BODY && json.getBytes(UTF_8).length > BODY / 2) {
        // Base64 and percent signs need room.
        continue;
      }
      boolean xmlHasIt = text.getKey().chars().allMatch(WrongInputs::inXml);
      add(name, text, JSON, "JSON", wire.json());
      add(name, text, FORM, "JSON under form", wire.json());
      add(name, text, FORM, "form", wire.form());
      add(
          name,
          entry(text.getKey(), xmlHasIt ? text.getValue() : Expected.UNREADABLE),
          XML,
          "XML",
          wire.xml());
    }
    json(name, rule);
    xml(name, rule);
    form(name);
    charsets(name, rule);
  }

  /** XML 1.0, production 2; pairs of surrogates are not among the inputs. */
  private static boolean inXml(int c) {
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xFFFE);
  }

  /** Texts that every format can carry. */
  static Map<String, Expected> texts(String name, Rule rule) {
    Expected wrong = Expected.wrong(name);
    Kind kind = rule.kind();
    Map<String, Expected> texts = new LinkedHashMap<>();
    if (!name.equals("driver")) {
      texts.put("", Expected.READ);
    }
    String begin = kind == Kind.PORT ? "3306" : kind == Kind.FLAG ? "true" : CANARY;
    String end = kind == Kind.PORT || kind == Kind.FLAG ? "" : CANARY;
    for (String both : List.of(CONTROLS, NONCHARACTERS)) {
      each(both).forEach(c -> texts.put(begin + c + end, wrong));
    }
    each(LINE_ENDS)
        .forEach(c -> texts.put(begin + c + end, LINES.contains(kind) ? Expected.READ : wrong));
    each(HIDDEN)
        .forEach(
            c -> texts.put(begin + c + end, NEVER_SHOWN.contains(kind) ? Expected.READ : wrong));
    // A line end behind the value is a slip of whoever copied it; only a host key is a file's line.
    each(LINE_ENDS)
        .forEach(
            c ->
                texts.put(
                    begin + c,
                    LINES.contains(kind) || kind == Kind.HOST_KEY ? Expected.READ : wrong));
    if (kind == Kind.LINE || kind == Kind.SECRET || kind == Kind.PEM || kind == Kind.HOST_KEY) {
      texts.put("a".repeat(rule.maxLength() + 1), wrong);
      texts.put("\u00e9".repeat(rule.maxLength() + 1), wrong);
      texts.put(CANARY.repeat(rule.maxLength()).substring(0, rule.maxLength() + 1), wrong);
      if (!name.equals("driver")) {
        texts.put("a".repeat(rule.maxLength()), Expected.READ);
      }
    }
    for (String text : ofKind(kind)) {
      texts.put(text, wrong);
    }
    return texts;
  }

  private static List<String> ofKind(Kind kind) {
    String c = CANARY;
    return switch (kind) {
      case LINE, SECRET, PEM, HOST_KEY -> List.of();
      case HOST ->
          List.of(
              c + ":3306",
              c + "," + c,
              "user@" + c,
              c + "/x",
              c + "\\x",
              c + "?a=b",
              c + "#f",
              c + "%00",
              c + "..b",
              c + ".",
              "." + c,
              "-" + c,
              c + "_b",
              "h\u00f6st",
              "[::1]",
              "fe80::1%eth0",
              "::1::",
              "1:2:3",
              "127.1",
              "0x7f000001",
              "2130706433",
              "010.0.0.1",
              "256.0.0.1",
              " " + c,
              c + " ",
              "a".repeat(64),
              "a.".repeat(126) + "aa");
      case PORT ->
          List.of(
              "0",
              "65536",
              "-1",
              "+1",
              "1e3",
              "3306.0",
              "03306",
              " 3306",
              "3306 ",
              "99999999999",
              "1".repeat(100),
              "0x10",
              "3_306",
              "3,306",
              "\u0663\u0663",
              "NaN",
              "null",
              "true",
              c);
      case FLAG ->
          List.of(
              "TRUE", "True", "1", "0", "yes", "no", "on", "off", " true", "true ", "null",
              "falsch", c);
      case HOPS ->
          List.of(
              c + "," + c + "," + c + "," + c + "," + c,
              c + ",",
              "," + c,
              "@" + c,
              c + ":0",
              c + ":65536",
              c + ":",
              c + "  SHA256:a",
              "fe80::1",
              "[" + c + "]",
              "[fe80::1%eth0]",
              "ssh://" + c,
              "-oProxyCommand=" + c,
              "127.1",
              "u".repeat(257) + "@" + c,
              c + " " + "k".repeat(8192));
    };
  }

  /** Types of JSON, and what a JSON string alone can name. */
  private void json(String name, Rule rule) {
    Kind kind = rule.kind();
    List<String> wrong =
        new ArrayList<>(
            List.of(
                "{}",
                "{\"a\":\"" + CANARY + "\"}",
                "{\"" + name + "\":\"" + CANARY + "\"}",
                "[[]]",
                "[{}]",
                "[null]",
                "[5]",
                "[true]",
                "12.5",
                "-1",
                "1e2",
                "0",
                "12345678901234567890123456789",
                "\"" + CANARY + "\\uD800\"",
                "\"\\uDFFF" + CANARY + "\"",
                "\"\\uDC00\\uD800\""));
    if (kind == Kind.HOPS) {
      wrong.addAll(List.of("[[\"" + CANARY + "\"]]", "[\"" + CANARY + "\",\"\"]"));
    } else {
      wrong.addAll(List.of("[]", "[\"" + CANARY + "\"]"));
    }
    if (kind != Kind.FLAG) {
      wrong.addAll(List.of("true", "false"));
    }
    if (kind != Kind.PORT) {
      wrong.add("3306");
    } else {
      wrong.addAll(List.of("65536", "3306.0", "33e2", "3306.5", "-3306"));
    }
    for (String value : wrong) {
      addJson(name, value, Expected.wrong(name));
    }
    addJson(name, "null", name.equals("driver") ? null : Expected.READ);
    for (String broken :
        List.of(
            "\"" + CANARY + "\u0000\"",
            "\"" + CANARY + "\n\"",
            "\"" + CANARY + "\t\"",
            "\"" + CANARY + "\\x\"",
            "\"" + CANARY + "\\u12\"",
            "\"" + CANARY,
            "'" + CANARY + "'",
            CANARY,
            "NaN",
            "Infinity",
            "undefined",
            "03306",
            "+1",
            ".5",
            "0x10",
            "[",
            "\"a\" \"b\"",
            "[".repeat(20) + "]".repeat(20))) {
      addJson(name, broken, Expected.UNREADABLE);
    }
    String given = "\"" + name + "\":\"a\"";
    add(
        JSON,
        name + " twice, JSON",
        document(name).replace("\"" + PLACE + "\"", "\"a\"," + given),
        new Expected(400, "DUPLICATE_FIELD", name));
  }

  private void addJson(String name, String value, Expected expected) {
    if (expected == null) {
      return;
    }
    String body = document(name).replace("\"" + PLACE + "\"", value);
    String label = name + " as " + shown(value);
    add(JSON, label + ", JSON", body, expected);
    add(FORM, label + ", JSON under form", body, expected);
  }

  private void xml(String name, Rule rule) {
    String body = wire(name, PLACE).xml();
    String element = "<" + name + ">" + PLACE + "</" + name + ">";
    Expected misshapen = new Expected(400, "MALFORMED_BODY", name);
    Map<String, Expected> elements = new LinkedHashMap<>();
    elements.put("<%1$s><a>%2$s</a></%1$s>", rule.kind() == Kind.HOPS ? null : misshapen);
    elements.put("<%1$s>%2$s<a/></%1$s>", rule.kind() == Kind.HOPS ? null : misshapen);
    elements.put("<%1$s xsi:nil=\"maybe\"/>", misshapen);
    elements.put("<%1$s xsi:nil=\"true\">%2$s</%1$s>", misshapen);
    elements.put("<%1$s xsi:nil=\"true\"/>", name.equals("driver") ? null : Expected.READ);
    elements.put("<%1$s type=\"x\">%2$s</%1$s>", Expected.UNREADABLE);
    elements.put("<x:%1$s xmlns:x=\"urn:x\">%2$s</x:%1$s>", Expected.UNREADABLE);
    elements.put("<%1$s>%2$s", Expected.UNREADABLE);
    elements.put("<%1$s>%2$s</%1$sx>", Expected.UNREADABLE);
    elements.put("<%1$s>&%2$s;</%1$s>", Expected.UNREADABLE);
    elements.put("<%1$s>&#0;%2$s</%1$s>", Expected.UNREADABLE);
    elements.put("<%1$s>&#xD800;%2$s</%1$s>", Expected.UNREADABLE);
    elements.put("<%1$s>&#xFFFF;%2$s</%1$s>", Expected.UNREADABLE);
    elements.put("<%1$s><?php %2$s?></%1$s>", Expected.UNREADABLE);
    elements.put("<%1$s>]]>%2$s</%1$s>", Expected.UNREADABLE);
    elements.forEach(
        (form, expected) -> {
          if (expected != null) {
            add(
                XML,
                name + " as " + form.replace("%1$s", name) + ", XML",
                body.replace(element, form.formatted(name, CANARY)),
                expected);
          }
        });
    add(
        XML,
        name + " twice, XML",
        body.replace(element, element + element),
        new Expected(400, "DUPLICATE_FIELD", name));
  }

  private void form(String name) {
    String pair = name + "=" + URLEncoder.encode(PLACE, UTF_8);
    String body = wire(name, PLACE).form();
    Expected notUtf8 = new Expected(400, "MALFORMED_BODY", name);
    for (String octets :
        List.of(
            "%ED%A0%80",
            "%C0%80",
            "%C1%BF",
            "%80",
            "%E2%82",
            "%F4%90%80%80",
            "%FF",
            "%FE%FF%00a",
            "%F8%88%80%80%80")) {
      add(
          FORM,
          name + " as " + octets + ", form",
          body.replace(pair, name + "=a" + octets),
          notUtf8);
    }
    for (String octets : List.of("%", "%4", "%zz", "%u0041")) {
      add(
          FORM,
          name + " as " + octets + ", form",
          body.replace(pair, name + "=a" + octets),
          notUtf8);
    }
    add(
        FORM,
        name + " without a value, form",
        body.replace(pair, name),
        new Expected(400, "MALFORMED_BODY", null));
    add(
        FORM,
        name + " twice, form",
        body.replace(pair, name + "=a&" + name + "=b"),
        new Expected(400, "DUPLICATE_FIELD", name));
    for (String other :
        List.of(name + ".a", name + "[]", name + "[0]", name.toUpperCase(Locale.ROOT) + "_")) {
      add(
          FORM,
          other + ", form",
          body.replace(pair, URLEncoder.encode(other, UTF_8) + "=" + CANARY),
          new Expected(422, "UNKNOWN_FIELD", other));
    }
  }

  /** Bytes that are no UTF-8, with and without saying so. */
  private void charsets(String name, Rule rule) {
    Map<String, String> formats =
        Map.of(
            JSON, document(name),
            XML,
                wire(name, PLACE).xml().replace("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n", ""),
            FORM, wire(name, PLACE).form().replace(URLEncoder.encode(PLACE, UTF_8), PLACE));
    formats.forEach(
        (type, body) -> {
          String plain = body.replace(PLACE, rule.kind() == Kind.PORT ? "3306" : "true");
          String accented = body.replace(PLACE, "caf\u00e9");
          add(
              name + " in ISO-8859-1, " + type,
              type,
              accented.getBytes(ISO_8859_1),
              Expected.UNREADABLE);
          for (String charset :
              List.of("iso-8859-1", "utf-16", "us-ascii", "utf-7", "UTF-8x", "\"\"")) {
            add(
                name + " declared as " + charset + ", " + type,
                type + "; charset=" + charset,
                plain.getBytes(UTF_8),
                Expected.UNSUPPORTED);
          }
          for (Charset charset : List.of(UTF_16LE, UTF_16BE)) {
            add(
                name + " in " + charset + " with its mark, " + type,
                type,
                ("\uFEFF" + plain).getBytes(charset),
                Expected.UNREADABLE);
            // To a form that is a name with NULs in it, which no field has.
            add(
                name + " in " + charset + ", " + type,
                type,
                plain.getBytes(charset),
                type.equals(FORM) ? new Expected(422, "UNKNOWN_FIELD", "") : Expected.UNREADABLE);
          }
          for (int[] octets :
              List.of(
                  new int[] {0x80},
                  new int[] {0xC0, 0x80},
                  new int[] {0xC1, 0xBF},
                  new int[] {0xE0, 0x80, 0x80},
                  new int[] {0xE2, 0x82},
                  new int[] {0xED, 0xA0, 0x80},
                  new int[] {0xF4, 0x90, 0x80, 0x80},
                  new int[] {0xF8, 0x88, 0x80, 0x80, 0x80},
                  new int[] {0xFE},
                  new int[] {0xFF, 0xFE})) {
            add(
                name + " with the octets " + Arrays.toString(octets) + ", " + type,
                type,
                spliced(body, octets),
                Expected.UNREADABLE);
          }
        });
    for (String declared : List.of("ISO-8859-1", "UTF-16", "us-ascii", "nonsense")) {
      add(
          XML,
          name + " in an XML document that says " + declared,
          "<?xml version=\"1.0\" encoding=\""
              + declared
              + "\"?>"
              + formats.get(XML).replace(PLACE, CANARY),
          new Expected(415, "UNSUPPORTED_MEDIA_TYPE", null));
    }
  }

  private void options() {
    for (String value : List.of("[]", "\"" + CANARY + "\"", "1", "true", "[{}]")) {
      add(
          JSON,
          "options as " + value,
          new Wire(with("options", PLACE), Map.of()).json().replace("\"" + PLACE + "\"", value),
          Expected.wrong("options"));
    }
    String one = new Wire(base, Map.of("schema", PLACE)).json();
    for (String value : List.of("[]", "{}", "[\"" + CANARY + "\"]", "1.5", "\"\\uD800\"", "1e3")) {
      add(
          JSON,
          "options.schema as " + value,
          one.replace("\"" + PLACE + "\"", value),
          Expected.wrong("options.schema"));
    }
    for (String value : List.of("null", "5", "true", "\"\"")) {
      add(
          JSON,
          "options.schema as " + value,
          one.replace("\"" + PLACE + "\"", value),
          Expected.READ);
    }
    List<String> texts = new ArrayList<>();
    texts.add("x".repeat(1025));
    for (String c : List.of(CONTROLS, LINE_ENDS, HIDDEN, NONCHARACTERS)) {
      each(c).forEach(one1 -> texts.add(CANARY + one1));
    }
    for (String text : texts) {
      Wire wire = new Wire(base, Map.of("schema", text));
      Expected wrong = Expected.wrong("options.schema");
      String label = "options.schema as " + shown(text);
      add(JSON, label + ", JSON", wire.json(), wrong);
      add(FORM, label + ", form", wire.form(), wrong);
      add(
          XML,
          label + ", XML",
          wire.xml(),
          text.chars().allMatch(WrongInputs::inXml) ? wrong : Expected.UNREADABLE);
    }
  }

  private Wire wire(String name, String text) {
    return new Wire(with(name, text), Map.of());
  }

  private String document(String name) {
    return wire(name, PLACE).json();
  }

  /** The base with one field of another value; it comes last. */
  private Map<String, Object> with(String name, Object value) {
    Map<String, Object> fields = new LinkedHashMap<>(base);
    fields.remove(name);
    fields.put(name, value);
    return fields;
  }

  private void add(
      String name, Map.Entry<String, Expected> text, String type, String format, String body) {
    add(type, name + " as " + shown(text.getKey()) + ", " + format, body, text.getValue());
  }

  private void add(String type, String label, String body, Expected expected) {
    add(label, type, body.getBytes(UTF_8), expected);
  }

  private void add(String label, String type, byte[] body, Expected expected) {
    inputs.add(new Input(label, new Encoded(body, type, Encoded.Api.NATIVE, pathId), expected));
  }

  private static byte[] spliced(String body, int... octets) {
    int at = body.indexOf(PLACE);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(body.substring(0, at).getBytes(UTF_8));
    for (int octet : octets) {
      out.write(octet);
    }
    out.writeBytes(body.substring(at + PLACE.length()).getBytes(UTF_8));
    return out.toByteArray();
  }

  private static List<String> each(String characters) {
    return characters.codePoints().mapToObj(Character::toString).toList();
  }

  /** For a failure message: short, and all of it visible. */
  static String shown(String text) {
    StringBuilder shown = new StringBuilder();
    text.chars()
        .limit(40)
        .forEach(
            c ->
                shown.append(c >= ' ' && c < 127 ? Character.toString(c) : "\\u%04X".formatted(c)));
    return text.length() > 40 ? shown + "… (" + text.length() + ")" : shown.toString();
  }
}
