package io.sluice.store;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import javax.sql.DataSource;
import org.apache.camel.component.jdbc.ConnectionStrategy;

/**
 * Connections that know how many parameters a statement has. camel-jdbc asks for the number each
 * time it runs one, and PostgreSQL's driver asks the server, which parses the whole statement for
 * it: a second round trip for every statement. Here the server is asked once for each text.
 *
 * <p>The statements are those of {@code config/sql}, so that what is remembered stays small.
 * Thread-safe.
 */
public final class CountedParameters implements ConnectionStrategy {
  private static final ClassLoader LOADER = CountedParameters.class.getClassLoader();

  private final Map<String, ParameterMetaData> known = new ConcurrentHashMap<>();

  @Override
  public Connection getConnection(DataSource store) throws SQLException {
    Connection connection = store.getConnection();
    return proxy(
        Connection.class,
        (proxy, method, arguments) -> {
          Object result = method.invoke(connection, arguments);
          return result instanceof PreparedStatement statement
              ? counted(statement, (String) arguments[0])
              : result;
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

  private static <T> T proxy(Class<T> type, InvocationHandler calls) {
    return type.cast(
        Proxy.newProxyInstance(
            LOADER,
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              try {
                return calls.invoke(proxy, method, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }
}
