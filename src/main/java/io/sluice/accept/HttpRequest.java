package io.sluice.accept;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One HTTP request as it arrived: the only form in which a client's headers, query and body enter a
 * route. Nothing of it is copied into Camel's headers.
 *
 * @param id identifies the request in logs and in {@code request_id}
 * @param path percent-encoded, normalized
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

  /** The first value of a header. */
  public Optional<String> header(String lowerCaseName) {
    return headers.getOrDefault(lowerCaseName, List.of()).stream().findFirst();
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
