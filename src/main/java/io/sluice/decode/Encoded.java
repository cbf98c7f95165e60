package io.sluice.decode;

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

  /** Whose field names the body speaks. */
  public enum Api {
    /** The native API: JSON, XML or a form by the content type. */
    NATIVE,
    /** The native API's PATCH: JSON, also as {@code application/merge-patch+json}. */
    MERGE_PATCH,
    /** The Zoho-compatible API's CONFIG parameter. */
    ZOHO_CONFIG
  }

  @Override
  public String toString() {
    return "Encoded[" + bytes.length + " bytes]";
  }
}
