package io.sluice.accept;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * RFC 9110, section 13.1.1, for the strong tags that {@link NativeApi} gives out. A weak tag, or
 * one of somebody else's making, matches no version.
 */
final class IfMatch {
  /** A list of entity tags: RFC 9110, sections 5.6.1 and 8.8.3. */
  private static final Pattern TAGS =
      Pattern.compile("[\\s,]*+(?:(?:W/)?\"[^\"\\s]*+\"[\\s]*+(?:,[\\s,]*+|$))++");

  /** A tag of a version; each tag begins after the list's comma or at its start. */
  private static final Pattern VERSION_TAG = Pattern.compile("(?<=^|[\\s,])\"([1-9][0-9]{0,17})\"");

  private IfMatch() {}

  /**
   * The versions that the sender expects.
   *
   * @return null where any version will do
   */
  static Set<Long> versions(HttpRequest request) {
    String tags = request.list("if-match").strip();
    if (tags.equals("*") || request.header("if-match").isEmpty()) {
      return null;
    }
    if (!TAGS.matcher(tags).matches()) {
      throw Refusal.because(Reason.VERSION_MISMATCH);
    }
    return VERSION_TAG
        .matcher(tags)
        .results()
        .map(tag -> Long.valueOf(tag.group(1)))
        .collect(Collectors.toUnmodifiableSet());
  }
}
