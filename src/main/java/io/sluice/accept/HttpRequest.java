package io.sluice.accept;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * One HTTP request as it arrived: the only form in which a client's headers, query and body enter a
 * route. Nothing of it is copied into Camel's headers.
 *
 * @param id identifies the request in logs and in {@code request_id}
 * @param path percent-encoded, as it was sent
 * @param query the raw query, or null. It can hold passwords: never log it
 * @param headers by lower-case name; a header that was repeated has several values
 * @param body the raw bytes; empty when {@code tooLarge}
 * @param tooLarge whether the body passed the limit and was thrown away
 */
// The array is handed over, never shared.
@SuppressWarnings("ArrayRecordComponent")
public record HttpRequest(
    String id,
    String method,
    String path,
    String query,
    Map<String, List<String>> headers,
    byte[] body,
    boolean tooLarge) {

  /** The exchange property that holds the request. */
  public static final String PROPERTY = "request";

  /** {@code identity}, which stands for no encoding, or nothing. */
  private static final Pattern PLAIN = Pattern.compile("(?i)[\\s,]*(?:identity[\\s,]*)*");

  private static final Pattern JSON = Pattern.compile("(?i)application/json\\s*(?:;|$)");

  /** The first value of a header. */
  public Optional<String> header(String lowerCaseName) {
    return headers.getOrDefault(lowerCaseName, List.of()).stream().findFirst();
  }

  /** All values of a header as the one list that they are (RFC 9110, section 5.3). */
  String list(String lowerCaseName) {
    return String.join(", ", headers.getOrDefault(lowerCaseName, List.of()));
  }

  /** Whether a header comes more than once. */
  boolean repeats(String lowerCaseName) {
    return headers.getOrDefault(lowerCaseName, List.of()).size() > 1;
  }

  /**
   * What the body is.
   *
   * @return the raw value; null where there is none
   * @throws Refusal when there is no one answer, or the body is encoded in a further way
   */
  String contentType() {
    if (repeats("content-type")) {
      throw Refusal.ofField(Reason.MALFORMED_BODY, "Content-Type", "Send one Content-Type.");
    }
    if (!PLAIN.matcher(list("content-encoding")).matches()) {
      throw Refusal.ofField(
          Reason.UNSUPPORTED_MEDIA_TYPE,
          "Content-Encoding",
          "Send the body without a Content-Encoding.");
    }
    return header("content-type").orElse(null);
  }

  /**
   * The body of an operation that takes nothing but JSON.
   *
   * @throws Refusal when it is something else
   */
  JsonNode json(ObjectMapper reader) {
    if (tooLarge) {
      throw Refusal.because(Reason.BODY_TOO_LARGE);
    }
    String type = contentType();
    if (type == null || !JSON.matcher(type).lookingAt()) {
      throw Refusal.ofField(
          Reason.UNSUPPORTED_MEDIA_TYPE,
          "Content-Type",
          "The body of this operation is sent as application/json.");
    }
    try {
      return reader.readTree(body);
    } catch (IOException e) {
      throw Refusal.because(Reason.MALFORMED_BODY);
    }
  }

  /**
   * The same where the operation takes an object with these fields and no others.
   *
   * @throws Refusal when it is something else
   */
  JsonNode json(ObjectMapper reader, Set<String> fields) {
    JsonNode read = json(reader);
    if (!read.isObject()) {
      throw Refusal.because(Reason.MALFORMED_BODY);
    }
    read.fieldNames()
        .forEachRemaining(
            name -> {
              if (!fields.contains(name)) {
                throw Refusal.because(
                    Reason.UNKNOWN_FIELD,
                    "The body may have the fields "
                        + fields.stream().sorted().collect(Collectors.joining(", "))
                        + ".");
              }
            });
    return read;
  }

  /** Whether the request is one of the Zoho-compatible API, which has an error shape of its own. */
  boolean zoho() {
    return path.startsWith("/restapi/") || path.startsWith("/oauth/");
  }

  /** Only what may be logged. */
  @Override
  public String toString() {
    return method + " " + id;
  }
}
