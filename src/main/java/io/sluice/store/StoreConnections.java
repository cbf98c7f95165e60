package io.sluice.store;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.apache.camel.component.jdbc.ConnectionStrategy;

/**
 * Connections to the store, as {@code routes/50-store} uses them.
 *
 * <p>They know how many parameters a statement has. camel-jdbc asks for the number each time it
 * runs one, and PostgreSQL's driver asks the server, which parses the whole statement for it: a
 * second round trip for every statement. Here the server is asked once for each text.
 *
 * <p>They give up a statement that only reads when the store has not answered it for a while, so
 * that nobody waits for a store that takes connections and never answers. A statement that writes
 * has the connection's own, longer limit: nobody knows whether one that was given up has been
 * carried out. An error of the JVM on the way is an outage like any other.
 *
 * <p>The statements are those of {@code config/sql}, so that what is remembered stays small.
 * Thread-safe.
 */
public final class StoreConnections implements ConnectionStrategy {
  private static final ClassLoader LOADER = StoreConnections.class.getClassLoader();

  private static final Pattern WRITES =
      Pattern.compile("\\b(insert into|update|delete from)\\b", Pattern.CASE_INSENSITIVE);

  private final Map<String, ParameterMetaData> known = new ConcurrentHashMap<>();
  private final Map<String, Boolean> reading = new ConcurrentHashMap<>();
  private final int readMillis;

  /**
   * @param readWait how long what only reads waits for an answer
   */
  public StoreConnections(Duration readWait) {
    readMillis = Math.toIntExact(readWait.toMillis());
  }

  @Override
  public Connection getConnection(DataSource store) throws SQLException {
    Connection connection;
    try {
      connection = store.getConnection();
    } catch (Error e) {
      throw exhausted(e);
    }
    return proxy(
        Connection.class,
        (proxy, method, arguments) -> {
          Object result = method.invoke(connection, arguments);
          if (result instanceof PreparedStatement statement) {
            String sql = (String) arguments[0];
            if (reading.computeIfAbsent(sql, text -> !WRITES.matcher(text).find())) {
              // The pool takes this back when it gets the connection again.
              connection.setNetworkTimeout(Runnable::run, readMillis);
            }
            return counted(statement, sql);
          }
          return result;
        });
  }

  private PreparedStatement counted(PreparedStatement statement, String sql) {
    return proxy(
        PreparedStatement.class,
        (proxy, method, arguments) ->
            method.getName().equals("getParameterMetaData")
                ? parameters(statement, sql)
                : method.invoke(statement, arguments));
  }

  private ParameterMetaData parameters(PreparedStatement statement, String sql)
      throws SQLException {
    ParameterMetaData parameters = known.get(sql);
    if (parameters == null) {
      int count = statement.getParameterMetaData().getParameterCount();
      // The driver's own would hold on to its connection.
      parameters =
          proxy(
              ParameterMetaData.class,
              (proxy, method, arguments) -> {
                if (method.getName().equals("getParameterCount")) {
                  return count;
                }
                throw new UnsupportedOperationException(method.getName());
              });
      known.put(sql, parameters);
    }
    return parameters;
  }

  /** Each statement is a transaction of its own. */
  @Override
  public boolean isConnectionTransactional(Connection connection, DataSource store) {
    return false;
  }

  /** Camel's threads end with an error, and with them what they would have worked. */
  private static SQLException exhausted(Error error) {
    return new SQLException(
        "The store cannot be used for want of memory or threads.", "53000", error);
  }

  private static <T> T proxy(Class<T> type, InvocationHandler calls) {
    return type.cast(
        Proxy.newProxyInstance(
            LOADER,
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              try {
                return calls.invoke(proxy, method, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause() instanceof Error error ? exhausted(error) : e.getCause();
              }
            }));
  }
}
