package io.sluice.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.Field;
import io.sluice.secrets.Vault;
import io.sluice.secrets.VaultException;
import java.nio.file.Path;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Rows of data sources as they are read. */
final class DataSourcesTest {
  @TempDir Path files;

  @Test
  void aSecretThatNoKeyOpensIsLeftOutOnlyWhereItIsReplaced() {
    DataSources dataSources =
        new DataSources(Vault.open(files.resolve("keyset.json"), true), new ObjectMapper());
    Map<String, Object> row = new HashMap<>();
    row.put("id", "sales");
    row.put("version", 1L);
    row.put("settings", "{\"driver\":\"mariadb\"}");
    row.put(
        "secrets",
        "{\"password\":{\"sealed\":\"damaged\",\"version\":1,"
            + "\"updated_at\":\"2026-01-01T00:00:00Z\",\"fingerprint\":\"hmac:00\"}}");
    row.put("last_test", "{}");
    row.put("published_at", Timestamp.from(Instant.EPOCH));

    assertThatThrownBy(() -> dataSources.one("w", List.of(row), Set.of(Field.SSH_PASSWORD)))
        .isInstanceOf(VaultException.class);
    assertThat(dataSources.one("w", List.of(row), Set.of(Field.PASSWORD)))
        .hasValueSatisfying(
            dataSource -> assertThat(dataSource.settings().secret(Field.PASSWORD)).isNull());
  }
}
