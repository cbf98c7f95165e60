package io.sluice.decode;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;

/**
 * An update as it came in. Neither this nor its text form is ever logged; {@link #toString()} shows
 * no content.
 *
 * @param bytes the body; for {@link Api#ZOHO_CONFIG} the JSON text of the CONFIG parameter
 * @param contentType the header's raw value; may be null; not looked at for {@link Api#ZOHO_CONFIG}
 * @param pathId the id of the data source that is updated; null where a new one is made
 */
// The array is handed over, never shared: the sender of the message does not keep it.
@SuppressWarnings("ArrayRecordComponent")
public record Encoded(byte[] bytes, String contentType, Api api, String pathId) {
  /** The largest body, in bytes. */
  public static final int MAX_BYTES = 64 * 1024;

  private static final char BYTE_ORDER_MARK = '\uFEFF';

  /** Whose field names the body speaks. */
  public enum Api {
    /** The native API: JSON, XML or a form by the content type. */
    NATIVE,
    /** The native API's PATCH: JSON, also as {@code application/merge-patch+json}. */
    MERGE_PATCH,
    /** The Zoho-compatible API's CONFIG parameter. */
    ZOHO_CONFIG
  }

  /**
   * The body as text, without a byte order mark.
   *
   * @throws Refusal {@link Reason#BODY_TOO_LARGE}, or {@link Reason#MALFORMED_BODY} when it is not
   *     UTF-8
   */
  String text() {
    if (bytes.length > MAX_BYTES) {
      throw Refusal.because(Reason.BODY_TOO_LARGE);
    }
    String text =
        Characters.utf8(bytes)
            .orElseThrow(
                () -> Refusal.because(Reason.MALFORMED_BODY, "The body is not valid UTF-8."));
    return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
  }

  @Override
  public String toString() {
    return "Encoded[" + bytes.length + " bytes]";
  }
}
