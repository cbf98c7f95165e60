package io.sluice.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Field;
import io.sluice.model.Report;
import io.sluice.model.Secret;
import io.sluice.model.Settings;
import io.sluice.secrets.SecretAddress;
import io.sluice.secrets.Vault;
import io.sluice.secrets.VaultException;
import io.sluice.store.DataSource.KeptSecret;
import java.nio.charset.StandardCharsets;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** Data sources to and from the columns of their table. Stateless and safe for any thread. */
public final class DataSources {
  private static final String OPTIONS = "options";
  private static final String SEALED = "sealed";

  private final Vault vault;
  private final ObjectMapper json;

  public DataSources(Vault vault, ObjectMapper json) {
    this.vault = vault;
    this.json = json;
  }

  /** Reads the one row of a query by id. */
  public Optional<DataSource> one(String workspace, List<Map<String, Object>> rows) {
    return one(workspace, rows, Set.of());
  }

  /**
   * Reads the one row of a query by id.
   *
   * @param replaced whose secrets are about to be replaced: one that no key opens is left out
   */
  public Optional<DataSource> one(
      String workspace, List<Map<String, Object>> rows, Set<Field> replaced) {
    return rows.stream().findFirst().map(row -> read(workspace, row, true, replaced));
  }

  /** Reads a row of a data source, and opens its secrets. */
  public DataSource read(String workspace, Map<String, Object> row) {
    return read(workspace, row, true, Set.of());
  }

  /**
   * Reads a row of a data source to show it: which secrets it has, and none of them. One that no
   * key opens can be shown, too.
   */
  public DataSource shown(String workspace, Map<String, Object> row) {
    return read(workspace, row, false, Set.of());
  }

  private DataSource read(
      String workspace, Map<String, Object> row, boolean open, Set<Field> replaced) {
    String id = (String) row.get("id");
    Map<Field, Object> values = new EnumMap<>(Field.class);
    TreeMap<String, String> options = new TreeMap<>();
    JsonNode settings = tree((String) row.get("settings"));
    for (Map.Entry<String, JsonNode> entry : settings.properties()) {
      if (entry.getKey().equals(OPTIONS)) {
        entry.getValue().properties().forEach(o -> options.put(o.getKey(), o.getValue().asText()));
      } else {
        Field.named(entry.getKey()).ifPresent(f -> values.put(f, value(f, entry.getValue())));
      }
    }
    Map<Field, KeptSecret> kept = new EnumMap<>(Field.class);
    Map<Field, Secret> secrets = new EnumMap<>(Field.class);
    for (Map.Entry<String, JsonNode> entry : tree((String) row.get("secrets")).properties()) {
      Field field = Field.named(entry.getKey()).orElseThrow();
      JsonNode node = entry.getValue();
      KeptSecret secret =
          new KeptSecret(
              node.get(SEALED).asText(),
              node.get("version").asLong(),
              Instant.parse(node.get("updated_at").asText()),
              node.get("fingerprint").asText());
      kept.put(field, secret);
      if (open) {
        try {
          secrets.put(field, vault.open(secret.sealed(), address(workspace, id, field)));
        } catch (VaultException e) {
          if (!replaced.contains(field)) {
            throw e;
          }
        }
      }
    }
    return new DataSource(
        workspace,
        id,
        ((Number) row.get("version")).longValue(),
        (String) row.get("status"),
        new Settings(values, secrets, options),
        kept,
        tree((String) row.get("last_test")),
        ((Timestamp) row.get("published_at")).toInstant(),
        (String) row.get("created_by"),
        (String) row.get("updated_by"),
        row.get("pending") == null ? null : tree((String) row.get("pending")));
  }

  private static Object value(Field field, JsonNode node) {
    return switch (field.kind()) {
      case PORT -> node.asInt();
      case FLAG -> node.asBoolean();
      case TEXT, HOST, HOST_KEY, HOPS, PEM, SECRET, PEM_SECRET -> node.asText();
    };
  }

  /**
   * The version that follows. A secret that did not change keeps its dates, and its ciphertext
   * unless an older key made that.
   *
   * @param current what is live; null for a new data source
   */
  public DataSource next(
      String workspace,
      String id,
      DataSource current,
      long version,
      Settings settings,
      Report report,
      Instant now,
      String actor) {
    Map<Field, KeptSecret> kept = new EnumMap<>(Field.class);
    settings
        .secrets()
        .forEach(
            (field, secret) -> {
              KeptSecret before =
                  current != null && secret.equals(current.settings().secret(field))
                      ? current.kept().get(field)
                      : null;
              SecretAddress address = address(workspace, id, field);
              if (before == null) {
                kept.put(
                    field,
                    new KeptSecret(
                        vault.seal(secret, address), version, now, vault.fingerprint(secret)));
              } else {
                kept.put(field, before.sealed(vault.newest(before.sealed(), address)));
              }
            });
    return new DataSource(
        workspace,
        id,
        version,
        DataSource.REACHABLE,
        settings,
        kept,
        json.valueToTree(report),
        now,
        current == null ? actor : current.createdBy(),
        actor);
  }

  /** The {@code settings} column. */
  public String settingsColumn(DataSource dataSource) {
    return open(dataSource.settings()).toString();
  }

  /** What is not secret. */
  private ObjectNode open(Settings settings) {
    ObjectNode node = json.createObjectNode();
    settings.values().forEach((field, value) -> node.putPOJO(field.wireName(), value));
    node.set(OPTIONS, json.valueToTree(settings.options()));
    return node;
  }

  /** Whole settings, secrets included, sealed for one update that waits. */
  public String sealed(Settings settings, String updateId) {
    ObjectNode node = open(settings);
    settings.secrets().forEach((field, secret) -> node.put(field.wireName(), secret.reveal()));
    return vault.sealBytes(node.toString().getBytes(StandardCharsets.UTF_8), updateId);
  }

  /** What {@link #sealed} sealed for the same update. */
  public Settings unsealed(String payload, String updateId) {
    Map<Field, Object> values = new EnumMap<>(Field.class);
    Map<Field, Secret> secrets = new EnumMap<>(Field.class);
    TreeMap<String, String> options = new TreeMap<>();
    JsonNode all = tree(new String(vault.openBytes(payload, updateId), StandardCharsets.UTF_8));
    for (Map.Entry<String, JsonNode> entry : all.properties()) {
      JsonNode node = entry.getValue();
      if (entry.getKey().equals(OPTIONS)) {
        node.properties().forEach(o -> options.put(o.getKey(), o.getValue().asText()));
        continue;
      }
      Field field = Field.named(entry.getKey()).orElseThrow();
      if (field.secret()) {
        secrets.put(field, Secret.of(node.asText()));
      } else {
        values.put(field, value(field, node));
      }
    }
    return new Settings(values, secrets, options);
  }

  /**
   * The {@code secrets} column of a row, with what an older key has sealed sealed with the newest;
   * empty where nothing is.
   *
   * @throws VaultException when a secret does not open
   */
  Optional<JsonNode> resealed(Map<String, Object> row) {
    JsonNode secrets = tree((String) row.get("secrets"));
    boolean changed = false;
    for (Map.Entry<String, JsonNode> entry : secrets.properties()) {
      ObjectNode kept = (ObjectNode) entry.getValue();
      String sealed = kept.get(SEALED).asText();
      Field field = Field.named(entry.getKey()).orElseThrow();
      String newest =
          vault.newest(
              sealed, address((String) row.get("workspace_id"), (String) row.get("id"), field));
      kept.put(SEALED, newest);
      changed |= !newest.equals(sealed);
    }
    return changed ? Optional.of(secrets) : Optional.empty();
  }

  /** The {@code secrets} column. */
  public String secretsColumn(DataSource dataSource) {
    ObjectNode node = json.createObjectNode();
    dataSource
        .kept()
        .forEach(
            (field, kept) ->
                node.putObject(field.wireName())
                    .put(SEALED, kept.sealed())
                    .put("version", kept.version())
                    .put("updated_at", kept.updatedAt().toString())
                    .put("fingerprint", kept.fingerprint()));
    return node.toString();
  }

  private static SecretAddress address(String workspace, String id, Field field) {
    return SecretAddress.of(workspace, id, field);
  }

  private JsonNode tree(String text) {
    try {
      return json.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A stored document is not JSON.", e);
    }
  }
}
