package io.sluice.start;

import com.zaxxer.hikari.HikariDataSource;
import io.sluice.model.Secret;
import io.sluice.secrets.Redaction;
import io.sluice.start.embedded.Embedded;
import io.sluice.start.embedded.EmbeddedStore;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import javax.sql.DataSource;
import org.apache.camel.CamelContext;
import org.apache.camel.support.LifecycleStrategySupport;
import org.flywaydb.core.Flyway;

/**
 * The connections to the store. The store is started where it is the embedded one, and brought to
 * this release's tables, on a thread of its own while the routes are put together. No route starts
 * before it has ended.
 */
final class StorePool extends LifecycleStrategySupport implements AutoCloseable {
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
    Flyway.configure().dataSource(pool).locations("filesystem:" + migrations).load().migrate();
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
