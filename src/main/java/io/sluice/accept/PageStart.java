package io.sluice.accept;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeParseException;

/**
 * After which data source a page begins.
 *
 * @param id null at the beginning
 * @param published when it was, for pages in the order of time; else null
 */
record PageStart(String id, Instant published) {
  /** Stands in no id and in no time. */
  private static final char SEPARATOR = '~';

  /**
   * @param text as {@link #text()} wrote it; null at the beginning
   */
  static PageStart of(String text, boolean byTime) {
    if (text == null) {
      return new PageStart(null, null);
    }
    // PostgreSQL's text has no NUL.
    String given = text.replace("\0", "");
    if (!byTime) {
      return new PageStart(given, null);
    }
    int end = given.indexOf(SEPARATOR);
    try {
      return new PageStart(
          given.substring(end + 1), Instant.parse(given.substring(0, Math.max(end, 0))));
    } catch (DateTimeParseException e) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, "_start", "Send what the Link of the page before has.");
    }
  }

  OffsetDateTime since() {
    return published == null ? null : published.atOffset(ZoneOffset.UTC);
  }

  String text() {
    return published == null ? id : published.toString() + SEPARATOR + id;
  }
}
