package io.sluice.model;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The grammar of a data source's id: letters, digits, {@code .}, {@code _}, {@code -}, 1 to 64.
 * Words that are addresses of their own, and path segments that clients resolve away, are no ids.
 */
public final class DataSourceId {
  private static final Pattern GRAMMAR = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private static final Set<String> RESERVED = Set.of(".", "..", "count", "test", "bulk");

  private DataSourceId() {}

  public static boolean valid(String id) {
    return GRAMMAR.matcher(id).matches() && !reserved(id);
  }

  /** Whether this is one of those words, in any case: addresses that differ in case mislead. */
  public static boolean reserved(String id) {
    return RESERVED.contains(id.toLowerCase(Locale.ROOT));
  }
}
