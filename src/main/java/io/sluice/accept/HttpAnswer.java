package io.sluice.accept;

import java.util.HashMap;
import java.util.Map;

/**
 * What a route answers to an HTTP request: the only form in which anything leaves to a client.
 *
 * @param contentType null where there is no body
 * @param body null where there is none
 * @param headers further headers, each named by this service
 * @param feed what goes on after the body until the client leaves; null: the answer ends with it
 */
// The array is handed over, never shared.
@SuppressWarnings("ArrayRecordComponent")
public record HttpAnswer(
    int status, String contentType, byte[] body, Map<String, String> headers, EventFeed feed) {

  public HttpAnswer {
    headers = Map.copyOf(headers);
  }

  HttpAnswer(int status, String contentType, byte[] body, Map<String, String> headers) {
    this(status, contentType, body, headers, null);
  }

  /** The same answer with one more header. */
  HttpAnswer with(String header, String value) {
    Map<String, String> more = new HashMap<>(headers);
    more.put(header, value);
    return new HttpAnswer(status, contentType, body, more, feed);
  }

  /** No body, as a 204 wants it. */
  static HttpAnswer empty(int status) {
    return new HttpAnswer(status, null, null, Map.of());
  }
}
