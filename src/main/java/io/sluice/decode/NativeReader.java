package io.sluice.decode;

import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.DataSourceId;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.model.ZohoError;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Gives a document the meaning of the native API. Thread-safe. */
final class NativeReader {
  static final String ID = "id";

  private static final Pattern OPTION_NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_.-]{0,63}");

  private final DriverCatalogue drivers;

  NativeReader(DriverCatalogue drivers) {
    this.drivers = drivers;
  }

  /**
   * @param pathId the id that the body's must equal; null: any well-formed one
   * @throws Refusal with all errors of the fields
   */
  Update read(Document document, Encoded.Api api, String pathId) {
    Map<Field, Value> values = new EnumMap<>(Field.class);
    Map<Field, String> names = new EnumMap<>(Field.class);
    Problems problems = new Problems();
    String id = null;
    SortedMap<String, Change> options = new TreeMap<>();
    boolean clearsOptions = false;
    for (Map.Entry<String, Value> entry : document.fields().entrySet()) {
      String name = entry.getKey();
      Optional<Field> field = Field.named(name);
      if (field.isPresent()) {
        refuseAlias(names.put(field.get(), name), name);
        values.put(field.get(), entry.getValue());
      } else if (name.equals(ID)) {
        id = id(entry.getValue(), pathId, problems);
      } else if (name.equals(Document.OPTIONS)) {
        boolean none = entry.getValue() instanceof Value.Null;
        clearsOptions = none && api == Encoded.Api.MERGE_PATCH;
        if (!none) {
          options.putAll(options(entry.getValue(), problems));
        }
      } else if (!Document.ANSWER_ONLY.contains(name)) {
        problems.add(name, Reason.UNKNOWN_FIELD, "is not a field of a data source");
      }
    }
    Optional<Driver> driver =
        values.get(Field.DRIVER) instanceof Value.Text named
            ? drivers.named(named.text())
            : Optional.empty();
    values.computeIfPresent(Field.HOST, (field, value) -> FieldGrammar.host(driver, value));
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    values.forEach(
        (field, value) ->
            FieldGrammar.read(field, names.get(field), value, problems)
                .flatMap(change -> canonical(field, change, problems))
                .ifPresent(change -> changes.put(field, change)));
    problems.refuseIfAny();
    return new Update(pathId == null ? id : null, changes, options, clearsOptions);
  }

  private static void refuseAlias(String earlier, String name) {
    if (earlier != null) {
      throw Refusal.ofField(
          Reason.DUPLICATE_FIELD, name, name + " and " + earlier + " are the same field.");
    }
  }

  private static String id(Value value, String pathId, Problems problems) {
    if (value instanceof Value.Null && pathId == null) {
      return null;
    }
    if (!(value instanceof Value.Text text)) {
      problems.wrongType(ID, "must be a string");
    } else if (pathId != null && !text.text().equals(pathId)) {
      problems.add(ID, Reason.INVALID_FIELD, "must be the id of the data source that is updated");
    } else if (pathId == null && DataSourceId.reserved(text.text())) {
      problems.add(ID, Reason.INVALID_FIELD, "is a reserved word: choose another one");
    } else if (pathId == null && !DataSourceId.valid(text.text())) {
      problems.add(
          ID,
          Reason.INVALID_FIELD,
          "must have 1 to 64 letters, digits, dots, underscores, hyphens");
    } else {
      return text.text();
    }
    return null;
  }

  private static SortedMap<String, Change> options(Value value, Problems problems) {
    SortedMap<String, Change> options = new TreeMap<>();
    if (!(value instanceof Value.Group group)) {
      problems.wrongType(Document.OPTIONS, "must be an object with one member per option");
      return options;
    }
    group
        .members()
        .forEach(
            (name, option) -> {
              String shown = Document.OPTIONS + "." + name;
              if (OPTION_NAME.matcher(name).matches()) {
                FieldGrammar.option(shown, option, problems)
                    .ifPresent(change -> options.put(name, change));
              } else {
                problems.add(shown, Reason.UNKNOWN_FIELD, "is not the name of an option");
              }
            });
    return options;
  }

  /** Two names of one driver are one driver, so that an update with the other changes nothing. */
  private Optional<Change> canonical(Field field, Change change, Problems problems) {
    if (field != Field.DRIVER || !(change instanceof Change.Set set)) {
      return Optional.of(change);
    }
    Optional<Driver> driver = drivers.named(set.value().toString());
    if (driver.isEmpty()) {
      problems.add(
          field.wireName(),
          Reason.DRIVER_UNSUPPORTED,
          ZohoError.DBTYPE_SERVICENAME_NOTMACHED,
          "is not in the catalogue; GET /drivers lists what is");
    }
    return driver.map(d -> new Change.Set(d.id()));
  }
}
