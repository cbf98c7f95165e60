package io.sluice.store;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.model.Field;
import io.sluice.model.Settings;
import java.time.Instant;
import java.util.Map;

/**
 * A data source as it is stored, its secrets opened.
 *
 * @param version counts from 1, one more for each update that passed its test
 * @param status {@link #REACHABLE} or {@link #UNREACHABLE}
 * @param kept what is known of each secret that is set
 * @param lastTest the report of the last test of these settings
 * @param publishedAt when this version went live
 * @param pending the change that waits for its database, as it is shown; null: none
 */
public record DataSource(
    String workspace,
    String id,
    long version,
    String status,
    Settings settings,
    Map<Field, KeptSecret> kept,
    JsonNode lastTest,
    Instant publishedAt,
    String createdBy,
    String updatedBy,
    JsonNode pending) {

  /** Without a pending change. */
  public DataSource(
      String workspace,
      String id,
      long version,
      String status,
      Settings settings,
      Map<Field, KeptSecret> kept,
      JsonNode lastTest,
      Instant publishedAt,
      String createdBy,
      String updatedBy) {
    this(
        workspace,
        id,
        version,
        status,
        settings,
        kept,
        lastTest,
        publishedAt,
        createdBy,
        updatedBy,
        null);
  }

  /** The last tests of the live settings passed. */
  public static final String REACHABLE = "reachable";

  /** Enough of the last scheduled checks failed. */
  public static final String UNREACHABLE = "unreachable";

  /**
   * A secret at rest.
   *
   * @param sealed ciphertext, bound to workspace, data source and field
   * @param version the version of the data source that set it
   * @param fingerprint a keyed hash: shows drift without the secret
   */
  public record KeptSecret(String sealed, long version, Instant updatedAt, String fingerprint) {

    /** The same secret as another ciphertext. */
    KeptSecret sealed(String again) {
      return new KeptSecret(again, version, updatedAt, fingerprint);
    }
  }
}
