package io.sluice.decode;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.ZohoError;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the CONFIG parameter of the Zoho-compatible API: in the query, or in a form body, in
 * exactly one of them and once. In a body it may also stand un-encoded, as some clients send it; it
 * is then the rest of the body, since an {@code &} may be part of a password.
 */
public final class ConfigParameter {
  /** The parameter's name, in this case. */
  public static final String NAME = "CONFIG";

  /** An encoded object begins with {@code %7B}, or at least with a brace before {@code %22}. */
  private static final Pattern RAW_JSON =
      Pattern.compile("(?:^|&)" + NAME + "=(\\s*\\{\\s*[\"}].*)", Pattern.DOTALL);

  private static final String FORM = "application/x-www-form-urlencoded";

  private ConfigParameter() {}

  /**
   * @param rawQuery the request target's query, not decoded; may be null
   * @param body the request's body; may be null
   * @param contentType the header's raw value; may be null. A body of any other type than a form is
   *     not looked at.
   * @return the JSON text, UTF-8, for {@link Encoded.Api#ZOHO_CONFIG}
   * @throws Refusal when it is missing (8504), given twice, or not decodable (8080)
   */
  public static byte[] find(String rawQuery, byte[] body, String contentType) {
    List<String> found = new ArrayList<>();
    if (rawQuery != null) {
      found.addAll(among(rawQuery));
    }
    if (body != null
        && body.length > 0
        && MediaType.essence(contentType).filter(FORM::equals).isPresent()) {
      found.addAll(inBody(body));
    }
    if (found.isEmpty()) {
      throw refusal(
          Reason.MISSING_FIELD,
          ZohoError.LESS_THAN_MIN_OCCURANCE,
          "CONFIG is missing: send it in the query or in a form body.");
    }
    if (found.size() > 1) {
      throw refusal(
          Reason.DUPLICATE_FIELD, ZohoError.INVALID_JSON_CONFIGURATION, "CONFIG is given twice.");
    }
    if (found.get(0).isBlank()) {
      throw refusal(
          Reason.MISSING_FIELD, ZohoError.EMPTY_JSON_CONFIGURATION, "CONFIG has no value.");
    }
    return found.get(0).getBytes(StandardCharsets.UTF_8);
  }

  private static List<String> inBody(byte[] body) {
    String form = new Encoded(body, null, Encoded.Api.ZOHO_CONFIG, null).text();
    Matcher raw = RAW_JSON.matcher(form);
    return raw.find() ? List.of(raw.group(1)) : among(form);
  }

  private static List<String> among(String form) {
    return Form.pairs(form).stream()
        .filter(pair -> pair.name().equals(NAME))
        .map(Form.Pair::value)
        .toList();
  }

  private static Refusal refusal(Reason reason, ZohoError zohoError, String message) {
    return Refusal.ofFields(List.of(new Refusal.FieldError(NAME, reason, message)), zohoError);
  }
}
