package io.sluice.accept;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Field;
import io.sluice.model.JumpHost;
import io.sluice.model.Report;
import io.sluice.model.Secret;
import io.sluice.model.Settings;
import io.sluice.store.DataSource;

/**
 * A data source as the native API shows it: every field, null where it is not set; secrets masked;
 * ports as text, as on the page that the API comes from.
 */
final class NativeDocument {
  private final ObjectMapper json;

  NativeDocument(ObjectMapper json) {
    this.json = json;
  }

  /** As a caller may see it. */
  ObjectNode of(DataSource dataSource, Caller caller) {
    ObjectNode node = of(dataSource);
    node.set("last_test", shown(dataSource.lastTest(), caller));
    return node;
  }

  private JsonNode shown(JsonNode report, Caller caller) {
    try {
      return json.valueToTree(caller.shown(json.treeToValue(report, Report.class)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A stored report is none.", e);
    }
  }

  ObjectNode of(DataSource dataSource) {
    Settings settings = dataSource.settings();
    ObjectNode node = json.createObjectNode().put("id", dataSource.id());
    for (Field field : Field.values()) {
      if (field.secret()) {
        node.put(field.wireName(), dataSource.kept().containsKey(field) ? Secret.MASK : null);
      } else if (field.kind() == Field.Kind.FLAG) {
        node.put(field.wireName(), settings.flag(field));
      } else if (field.kind() == Field.Kind.HOPS && settings.text(field) != null) {
        ArrayNode hops = node.putArray(field.wireName());
        JumpHost.list(settings.text(field)).forEach(hop -> hops.add(hop.toString()));
      } else {
        node.put(field.wireName(), settings.text(field));
      }
    }
    node.set("options", json.valueToTree(settings.options()));
    node.put("published_at", dataSource.publishedAt().toString())
        .put("created_by", dataSource.createdBy())
        .put("updated_by", dataSource.updatedBy())
        .put("version", dataSource.version())
        .put("status", dataSource.status());
    node.set("last_test", dataSource.lastTest());
    node.set("pending", dataSource.pending());
    ObjectNode secrets = node.putObject("secrets");
    dataSource
        .kept()
        .forEach(
            (field, kept) ->
                secrets
                    .putObject(field.wireName())
                    .put("set", true)
                    .put("version", kept.version())
                    .put("updated_at", kept.updatedAt().toString())
                    .put("fingerprint", kept.fingerprint()));
    return node;
  }
}
