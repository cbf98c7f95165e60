package io.sluice.decode;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Fields of {@code application/x-www-form-urlencoded} (WHATWG URL Standard, section 5.1), but
 * strictly: every field has a {@code =}, every {@code %} two hexadecimal digits, and what they say
 * is UTF-8.
 */
final class Form {
  private static final String OPTION_PREFIX = Document.OPTIONS + ".";

  private Form() {}

  /** One field, decoded. */
  record Pair(String name, String value) {
    @Override
    public String toString() {
      return "Pair";
    }
  }

  /**
   * @throws Refusal {@link Reason#MALFORMED_BODY}
   */
  static List<Pair> pairs(String form) {
    List<Pair> pairs = new ArrayList<>();
    for (String pair : form.split("&", -1)) {
      if (pair.isEmpty()) {
        continue;
      }
      int equals = pair.indexOf('=');
      if (equals < 0) {
        throw malformed("Each field of a form has the form name=value.");
      }
      String name = decode(null, pair.substring(0, equals));
      pairs.add(new Pair(name, decode(name, pair.substring(equals + 1))));
    }
    return pairs;
  }

  /**
   * Reads a body; {@code options.warehouse} becomes the member {@code warehouse} of the options.
   */
  static Document document(String form) {
    Map<String, Value> fields = new LinkedHashMap<>();
    Map<String, Value> options = new LinkedHashMap<>();
    for (Pair pair : pairs(form)) {
      String name = pair.name();
      Value value = new Value.Text(pair.value());
      int dot = name.indexOf('.');
      if (name.startsWith(OPTION_PREFIX)) {
        Document.add(options, OPTION_PREFIX, name.substring(OPTION_PREFIX.length()), value);
      } else if (dot < 0 || !Document.ANSWER_ONLY.contains(name.substring(0, dot))) {
        Document.add(fields, "", name, value);
      }
    }
    if (!options.isEmpty()) {
      Document.add(fields, "", Document.OPTIONS, new Value.Group(options));
    }
    return new Document(fields);
  }

  /**
   * @param field whose value the text is; null: it is a name
   */
  private static String decode(String field, String text) {
    byte[] in = text.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream(in.length);
    for (int i = 0; i < in.length; i++) {
      if (in[i] == '+') {
        out.write(' ');
      } else if (in[i] == '%') {
        int high = i + 2 < in.length ? Character.digit(in[i + 1], 16) : -1;
        int low = i + 2 < in.length ? Character.digit(in[i + 2], 16) : -1;
        if (high < 0 || low < 0) {
          throw malformed(field, "has a % without two hexadecimal digits behind it");
        }
        out.write(high << 4 | low);
        i += 2;
      } else {
        out.write(in[i]);
      }
    }
    return Characters.utf8(out.toByteArray())
        .orElseThrow(() -> malformed(field, "is not encoded in UTF-8"));
  }

  private static Refusal malformed(String field, String rule) {
    if (field == null) {
      return malformed("The name of a form's field " + rule + ".");
    }
    String shown = Characters.shown(field);
    return Refusal.ofField(Reason.MALFORMED_BODY, shown, shown + " " + rule + ".");
  }

  private static Refusal malformed(String message) {
    return Refusal.because(Reason.MALFORMED_BODY, message);
  }
}
