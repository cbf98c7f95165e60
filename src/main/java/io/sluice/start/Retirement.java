package io.sluice.start;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.secrets.Vault;
import io.sluice.secrets.VaultException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.apache.camel.StartupSummaryLevel;
import org.apache.camel.impl.DefaultCamelContext;

/**
 * Ends a rotation of the keys: removes the older ones from the key file, once nothing in the store
 * needs them.
 */
public final class Retirement {
  /** What is sealed: documents with secrets in them, and whole updates. */
  private static final List<String> SEALED =
      List.of(
          "select secrets::text from data_sources",
          "select secrets::text from data_source_versions",
          "select json_build_object('payload', json_build_object('sealed', payload))::text"
              + " from updates where payload is not null");

  private static final int FETCH_SIZE = 500;
  private static final ObjectMapper JSON = new ObjectMapper();

  private Retirement() {}

  /**
   * Removes the older keys, or says why not and what to do.
   *
   * @return the exit status
   * @throws VaultException when the file cannot be used
   */
  public static int run(Path file, PrintStream out, PrintStream err) {
    try {
      out.println(done(Vault.open(file, false), file));
      return 0;
    } catch (StartFailure e) {
      err.println(e.getMessage() + " Nothing was changed.");
      return 1;
    }
  }

  private static String done(Vault vault, Path file) {
    if (!vault.holdsOlderKeys()) {
      return file + " holds one key, which is in use. Nothing was changed.";
    }
    try (DefaultCamelContext camel = settings()) {
      return done(
          vault,
          file,
          new Values(key -> camel.getPropertiesComponent().resolveProperty(key).orElse(null)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String done(Vault vault, Path file, Values values) {
    String url = values.required("sluice.store.url", "STORE_URL");
    String user = values.required("sluice.store.user", "STORE_USER");
    String password = values.required("sluice.store.password", "STORE_PASSWORD");
    Duration poll = values.duration("sluice.keyset.poll", Duration.ofMillis(10));
    values.check();
    requireKnown(file, poll);
    int newest = vault.newestKey();
    requireNewest(vault, url, user, password);
    vault.dropOldKeys(newest);
    return "Removed the older keys from "
        + file
        + ". A backup of the store from before needs a copy of the file from before.";
  }

  /** An instance that has not looked yet seals with the key before. */
  private static void requireKnown(Path file, Duration poll) {
    try {
      Duration age = Duration.between(Files.getLastModifiedTime(file).toInstant(), Instant.now());
      if (age.compareTo(poll.multipliedBy(2)) < 0) {
        throw new StartFailure(
            "The newest key may not be known to every instance yet. Try again in "
                + poll.multipliedBy(2).toSeconds()
                + " s.");
      }
    } catch (IOException e) {
      throw new StartFailure("The age of " + file + " cannot be read.");
    }
  }

  private static void requireNewest(Vault vault, String url, String user, String password) {
    long older = 0;
    try (Connection store = DriverManager.getConnection(url, user, password)) {
      // Rows come in parts only within a transaction.
      store.setAutoCommit(false);
      for (String sql : SEALED) {
        older += older(vault, store, sql);
      }
    } catch (SQLException e) {
      throw new StartFailure("The store cannot be asked: " + StorePool.reason(e));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("A stored document is not JSON.", e);
    }
    if (older > 0) {
      throw new StartFailure(
          "Older keys are still needed for "
              + older
              + " sealed values. A running instance seals them with the newest key, and logs when no"
              + " more are left; updates that wait have to be worked first.");
    }
  }

  private static long older(Vault vault, Connection store, String sql)
      throws SQLException, JsonProcessingException {
    long older = 0;
    try (Statement statement = store.createStatement()) {
      statement.setFetchSize(FETCH_SIZE);
      try (ResultSet rows = statement.executeQuery(sql)) {
        while (rows.next()) {
          for (JsonNode secret : JSON.readTree(rows.getString(1))) {
            older += vault.sealedWithOldKey(secret.get("sealed").asText()) ? 1 : 0;
          }
        }
      }
    }
    return older;
  }

  /** As a start reads them: the environment goes before the file. */
  private static DefaultCamelContext settings() {
    DefaultCamelContext camel = new DefaultCamelContext();
    camel.setStartupSummaryLevel(StartupSummaryLevel.Off);
    camel.getPropertiesComponent().setLocation("file:config/application.properties");
    return camel;
  }
}
