package io.sluice.model;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a sender asks for, the same whichever encoding carried it. A field that is not in {@code
 * changes} was not sent (or was sent as the mask, which means the same).
 *
 * @param id the id that the body names for a new data source; null where it names none, and for an
 *     update, whose id is in the path or the record's key
 * @param changes the fields that were sent; values have passed their kind's check
 * @param options driver-specific options that were sent; {@link Change.Clear} where {@code null} or
 *     empty was
 * @param clearsOptions whether a patch removes the stored options (RFC 7396, where {@code options}
 *     itself is {@code null}); an update that replaces the document does so in any case
 */
public record Update(
    String id,
    Map<Field, Change> changes,
    SortedMap<String, Change> options,
    boolean clearsOptions) {

  /** What happens to one field. */
  public sealed interface Change {
    /** The field gets this value: a String, an Integer for a port or a Boolean for a flag. */
    record Set(Object value) implements Change {}

    /** The secret gets this value. */
    record Replace(Secret value) implements Change {}

    /** The field is emptied. */
    record Clear() implements Change {}
  }

  public Update {
    changes = changes.isEmpty() ? Map.of() : Collections.unmodifiableMap(new EnumMap<>(changes));
    options = Collections.unmodifiableSortedMap(new TreeMap<>(options));
  }

  /** An update that leaves those stored options that it does not name to its operation. */
  public Update(String id, Map<Field, Change> changes, SortedMap<String, Change> options) {
    this(id, changes, options, false);
  }

  /** The update that leads to these settings and to nothing else, whatever is stored. */
  public static Update to(Settings settings) {
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    for (Field field : Field.values()) {
      if (settings.secret(field) != null) {
        changes.put(field, new Change.Replace(settings.secret(field)));
      } else if (settings.values().containsKey(field)) {
        changes.put(field, new Change.Set(settings.values().get(field)));
      } else {
        changes.put(field, new Change.Clear());
      }
    }
    SortedMap<String, Change> options = new TreeMap<>();
    settings.options().forEach((name, value) -> options.put(name, new Change.Set(value)));
    return new Update(null, changes, options);
  }

  /** The text that was sent for a field, when one was. */
  public Optional<String> text(Field field) {
    return changes.get(field) instanceof Change.Set set
        ? Optional.of(set.value().toString())
        : Optional.empty();
  }
}
