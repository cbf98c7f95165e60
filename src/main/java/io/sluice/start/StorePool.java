package io.sluice.start;

import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool;
import io.sluice.model.Secret;
import io.sluice.secrets.Redaction;
import io.sluice.start.embedded.Embedded;
import io.sluice.start.embedded.EmbeddedStore;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.support.LifecycleStrategySupport;
import org.flywaydb.core.Flyway;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections to the store. The store is started where it is the embedded one, and brought to
 * this release's tables, on a thread of its own while the routes are put together. No route starts
 * before it has ended.
 */
final class StorePool extends LifecycleStrategySupport implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StorePool.class);

  private final Configuration configuration;
  private final Path migrations;
  private final HikariDataSource pool = new HikariDataSource();
  private final FutureTask<Void> readied = new FutureTask<>(this::makeReady, null);
  private EmbeddedStore embedded;

  /**
   * @param migrations the directory of the SQL files that make the tables
   */
  StorePool(Configuration configuration, Path migrations) {
    this.configuration = configuration;
    this.migrations = migrations;
    new Thread(readied, "store").start();
  }

  /** Of use once the routes start. */
  DataSource connections() {
    return pool;
  }

  /** The database of the embedded store to try connections on; null where there is none. */
  EmbeddedStore.Target target() {
    await();
    return embedded == null ? null : embedded.target();
  }

  private void makeReady() {
    Configuration.Store settings = configuration.store();
    if (settings.url() == null) {
      embedded = Embedded.store(configuration.data(), 0);
      connect(embedded.url(), embedded.user(), embedded.password());
    } else {
      connect(settings.url(), settings.user(), settings.password());
    }
    requireUse();
    // By a connection of its own: the pool's give up what takes as long as a large table may need.
    Flyway.configure()
        .dataSource(pool.getJdbcUrl(), pool.getUsername(), pool.getPassword())
        .locations("filesystem:" + migrations)
        .load()
        .migrate();
  }

  private void requireUse() {
    try (Connection first = pool.getConnection()) {
      LOG.atDebug().addKeyValue("user", pool.getUsername()).log("The store is there.");
      requireDurability(first);
    } catch (SQLException | HikariPool.PoolInitializationException e) {
      throw new StartFailure(
          "The store cannot be used: "
              + reason(e)
              + " The service keeps everything there and does not start without it.");
    }
  }

  /** What was answered has to outlive a crash of the store's server. */
  private static void requireDurability(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet off =
            statement.executeQuery(
                "select string_agg(name, ' and ' order by name) from pg_settings"
                    + " where name in ('fsync', 'synchronous_commit') and setting = 'off'")) {
      if (off.next() && off.getString(1) != null) {
        throw new StartFailure(
            "The store cannot be used: it would lose what was answered when its server ends. Turn "
                + off.getString(1)
                + " on in PostgreSQL, be it for the server, this database or this user.");
      }
    }
  }

  /** In words of the settings, by PostgreSQL's classes of errors. */
  static String reason(Exception failure) {
    String state = "";
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof SQLException sql && sql.getSQLState() != null) {
        state = sql.getSQLState();
      }
    }
    if (state.startsWith("08")) {
      return "nothing answers at its address. Check sluice.store.url (STORE_URL), and that"
          + " PostgreSQL runs there.";
    }
    if (state.startsWith("28")) {
      return "it refuses the login. Check sluice.store.user (STORE_USER) and sluice.store.password"
          + " (STORE_PASSWORD).";
    }
    if (state.equals("3D000")) {
      return "it has no such database. Create it, or check sluice.store.url (STORE_URL).";
    }
    return "the attempt ends with SQL state " + state + "; PostgreSQL's own log says more.";
  }

  private void connect(String url, String user, Secret password) {
    Configuration.Store settings = configuration.store();
    Redaction.open(List.of(password));
    pool.setPoolName("store");
    pool.setJdbcUrl(url);
    pool.setUsername(user);
    pool.setPassword(password.reveal());
    pool.setMaximumPoolSize(settings.poolSize());
    // A start needs two; the others log in when they are needed for the first time, and stay.
    pool.setMinimumIdle(2);
    pool.setIdleTimeout(0);
    pool.setConnectionTimeout(settings.poolWait().toMillis());
    // So that several connections to a store that went away are found out within the wait.
    pool.setValidationTimeout(Math.max(settings.poolWait().toMillis() / 4, 250));
    // Of what writes: time for a slow commit. StoreConnections gives up sooner what only reads.
    pool.addDataSourceProperty("connectTimeout", "2");
    pool.addDataSourceProperty("socketTimeout", "10");
    pool.addDataSourceProperty("tcpKeepAlive", "true");
    pool.addDataSourceProperty("ApplicationName", "sluice");
  }

  /** Before any route starts, and after all have been made. */
  @Override
  public void onContextStarting(CamelContext camel) {
    await();
  }

  private void await() {
    try {
      readied.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while the store was made ready.", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException explained) {
        throw explained;
      }
      throw new CompletionException(e.getCause());
    }
  }

  /** Waits for a start that is under way, so that no server is left behind. */
  @Override
  public void close() throws Exception {
    try {
      await();
    } catch (RuntimeException alreadyTold) {
      // The start failed by this, which its log says.
    }
    pool.close();
    if (embedded != null) {
      embedded.close();
    }
  }
}
