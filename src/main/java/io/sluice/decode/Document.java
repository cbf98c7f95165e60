package io.sluice.decode;

import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** What every encoding ends as: names and values, in the sender's order, each name once. */
record Document(Map<String, Value> fields) {
  /** The one field that is a group. */
  static final String OPTIONS = "options";

  /**
   * What an answer of the API has beside the fields. Sent back it is ignored, so that what GET
   * returned can be edited and PUT; no encoding looks into it.
   */
  static final Set<String> ANSWER_ONLY =
      Set.of(
          "version",
          "published_at",
          "created_by",
          "updated_by",
          "status",
          "last_test",
          "pending",
          "secrets");

  Document {
    fields = Collections.unmodifiableMap(new LinkedHashMap<>(fields));
  }

  /**
   * Adds one field while a document or a group is read.
   *
   * @param prefix what stands before the name for the sender's eyes: empty, or {@code options.}
   * @throws Refusal {@link Reason#DUPLICATE_FIELD} when the name is there already
   */
  static void add(Map<String, Value> fields, String prefix, String name, Value value) {
    if (fields.putIfAbsent(name, value) != null) {
      String shown = Characters.shown(prefix + name);
      throw Refusal.ofField(Reason.DUPLICATE_FIELD, shown, shown + " is given twice.");
    }
  }

  @Override
  public String toString() {
    return "Document[" + fields.size() + " fields]";
  }
}
