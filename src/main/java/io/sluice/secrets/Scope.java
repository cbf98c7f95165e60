package io.sluice.secrets;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a token permits. {@link #ADMIN} permits everything; {@link #DATASOURCES_WRITE} permits
 * {@link #DATASOURCES_TEST} too, because every write is a test. Nothing else implies anything.
 */
public enum Scope {
  DATASOURCES_READ("datasources:read"),
  DATASOURCES_WRITE("datasources:write"),
  DATASOURCES_TEST("datasources:test"),
  /** Answers may tell a refused address from an unknown one. */
  DIAGNOSTICS("diagnostics"),
  /** Orgs, workspaces and tokens. */
  ADMIN("admin");

  /**
   * Zoho Analytics' names. There is one scope for every kind of write here, so Zoho's create,
   * update and delete each stand for it.
   */
  private static final Map<String, Set<Scope>> ZOHO =
      Map.of(
          "zohoanalytics.metadata.read", Set.of(DATASOURCES_READ),
          "zohoanalytics.metadata.create", Set.of(DATASOURCES_WRITE),
          "zohoanalytics.metadata.update", Set.of(DATASOURCES_WRITE),
          "zohoanalytics.metadata.delete", Set.of(DATASOURCES_WRITE),
          "zohoanalytics.metadata.all", Set.of(DATASOURCES_READ, DATASOURCES_WRITE));

  private final String wireName;

  Scope(String wireName) {
    this.wireName = wireName;
  }

  public String wireName() {
    return wireName;
  }

  /**
   * Reads a list of scopes, separated by spaces (RFC 6749, section 3.3) or commas (Zoho), by native
   * or Zoho names, in any case.
   *
   * @throws IllegalArgumentException when it holds an unknown name, or none
   */
  public static Set<Scope> parse(String list) {
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (String name : list.trim().split("[,\\s]+", -1)) {
      scopes.addAll(named(name));
    }
    return Collections.unmodifiableSet(scopes);
  }

  private static Set<Scope> named(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return Stream.of(values())
        .filter(scope -> scope.wireName.equals(lower))
        .findFirst()
        .map(Set::of)
        .or(() -> Optional.ofNullable(ZOHO.get(lower)))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "Unknown scope. Known are "
                        + Stream.of(values()).map(Scope::wireName).collect(Collectors.joining(", "))
                        + ", and ZohoAnalytics.metadata.read, create, update, delete, all."));
  }

  /** The scopes as one text that {@link #parse} reads, always in the same order. */
  public static String format(Collection<Scope> scopes) {
    return scopes.stream().sorted().map(Scope::wireName).collect(Collectors.joining(" "));
  }

  /** Whether a token with this scope may do what asks for the other one. */
  public boolean implies(Scope other) {
    return this == other
        || this == ADMIN
        || (this == DATASOURCES_WRITE && other == DATASOURCES_TEST);
  }

  @Override
  public String toString() {
    return wireName;
  }
}
