package io.sluice.start;

import io.sluice.secrets.Vault;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.support.LifecycleStrategySupport;

/**
 * Lets an instance use a store only with the key file that the store was first used with. With
 * another one it would refuse every token, seal what the others cannot open, and give up the
 * updates that wait as unreadable.
 */
final class KeysetCheck extends LifecycleStrategySupport {
  private static final String CLAIM =
      "insert into installation (keyset) values (?)"
          + " on conflict (only_one) do update set keyset = installation.keyset"
          + " returning keyset";

  private final DataSource store;
  private final Vault vault;
  private final Path file;

  KeysetCheck(DataSource store, Vault vault, Path file) {
    this.store = store;
    this.vault = vault;
    this.file = file;
  }

  /** Before any route starts. */
  @Override
  public void onContextStarting(CamelContext camel) {
    String mark = vault.mark();
    try (Connection connection = store.getConnection();
        PreparedStatement claim = connection.prepareStatement(CLAIM)) {
      claim.setString(1, mark);
      try (ResultSet first = claim.executeQuery()) {
        if (!first.next() || !first.getString(1).equals(mark)) {
          throw new StartFailure(
              "The key file "
                  + file
                  + " is not the one of this store, and nothing was changed. Put the store's key"
                  + " file there, or name it in sluice.keyset (SLUICE_KEYSET).");
        }
      }
    } catch (SQLException e) {
      throw new StartFailure("The store cannot be used: " + StorePool.reason(e));
    }
  }
}
