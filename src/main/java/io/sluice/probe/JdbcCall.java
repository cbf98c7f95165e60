package io.sluice.probe;

import com.mysql.cj.conf.ConnectionUrl;
import com.mysql.cj.conf.HostInfo;
import io.sluice.drivers.Driver;
import io.sluice.model.Connection;
import io.sluice.model.Field;
import io.sluice.model.HostName;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.mariadb.jdbc.Configuration;
import org.mariadb.jdbc.HostAddress;

/**
 * What a driver is called with: a URL with host, port and database, everything else as properties.
 * The driver's own parser has read it back and found exactly what was put in.
 *
 * <p>The hooks for sockets and TLS are set here and not in a descriptor, as one that forgot them
 * would open a way around the egress policy.
 */
record JdbcCall(String url, Properties properties) {

  /**
   * @throws Refusal naming the field, when the driver would read another host, port, database or
   *     user than the settings have, or when an option is not allowed
   */
  static JdbcCall of(Driver driver, java.sql.Driver jdbc, Connection connection, HostName host) {
    Properties properties = new Properties();
    driver.properties().forEach(properties::setProperty);
    (connection.tls() == null ? driver.withoutTls() : driver.withTls())
        .forEach(properties::setProperty);
    connection.options().forEach((name, value) -> option(driver, name, value, properties));
    if (connection.username() != null) {
      properties.setProperty("user", connection.username());
    }
    // Never absent: a driver that finds no password looks for one on this machine.
    properties.setProperty(
        "password", connection.password() == null ? "" : connection.password().reveal());

    boolean decodes = driver.family() != Driver.Family.MARIADB;
    String database = connection.database() == null ? "" : connection.database();
    String url =
        driver
            .url()
            .replace("{host}", host.inUrl())
            .replace("{port}", Integer.toString(connection.port()))
            .replace("{database}", decodes ? encoded(database) : database);
    JdbcCall call = new JdbcCall(url, properties);
    switch (driver.family()) {
      case POSTGRESQL -> call.forPostgresql(jdbc, connection, host);
      case MARIADB -> call.forMariadb(connection, host);
      case MYSQL -> call.forMysql(connection, host);
      case NONE -> throw new IllegalArgumentException("No call without a parser.");
    }
    return call;
  }

  private static void option(Driver driver, String name, String value, Properties properties) {
    Driver.Option option = driver.options().get(name);
    if (option == null) {
      throw Refusal.ofField(
          Reason.UNKNOWN_FIELD, "options." + name, "The driver has no such option.");
    }
    if (!option.grammar().matcher(value).matches()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, "options." + name, "The option has a value that is not allowed.");
    }
    properties.setProperty(option.property(), value);
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private void forPostgresql(java.sql.Driver jdbc, Connection connection, HostName host) {
    properties.setProperty("socketFactory", HandedSocketFactory.class.getName());
    if (connection.tls() != null) {
      properties.setProperty("sslfactory", VerifiedTlsFactory.class.getName());
      properties.setProperty("sslhostnameverifier", VerifiedTlsSession.class.getName());
    }
    // What the driver's parser found, by way of the one method of JDBC that shows it.
    Map<String, String> read = new HashMap<>();
    try {
      for (DriverPropertyInfo each : jdbc.getPropertyInfo(url, copy(properties))) {
        read.put(each.name, each.value);
      }
    } catch (SQLException e) {
      throw refused(Field.DATABASE);
    }
    same(Field.HOST, read.get("PGHOST"), host.inUrl());
    same(Field.PORT, read.get("PGPORT"), Integer.toString(connection.port()));
    same(Field.DATABASE, read.get("PGDBNAME"), connection.database());
    same(Field.USERNAME, read.get("user"), connection.username());
    for (String name : properties.stringPropertyNames()) {
      same(Field.DATABASE, read.get(name), properties.getProperty(name));
    }
  }

  private void forMariadb(Connection connection, HostName host) {
    properties.setProperty("socketFactory", HandedSocketFactory.class.getName());
    if (connection.tls() != null) {
      properties.setProperty("tlsSocketType", MariadbTlsPlugin.TYPE);
    }
    Configuration read;
    try {
      read = Configuration.parse(url, copy(properties));
    } catch (SQLException e) {
      throw refused(Field.DATABASE);
    }
    if (read == null || read.addresses().size() != 1) {
      throw refused(Field.HOST);
    }
    HostAddress address = read.addresses().get(0);
    same(Field.HOST, address.host, host.text());
    same(Field.PORT, address.port, connection.port());
    if (address.pipe != null || address.localSocket != null || address.sslMode != null) {
      throw refused(Field.HOST);
    }
    same(Field.DATABASE, read.database(), connection.database());
    same(Field.USERNAME, read.user(), connection.username());
    same(Field.HOST, read.socketFactory(), properties.getProperty("socketFactory"));
    same(Field.HOST, read.tlsSocketType(), properties.getProperty("tlsSocketType"));
  }

  private void forMysql(Connection connection, HostName host) {
    properties.setProperty("socketFactory", HandedMysqlSocketFactory.class.getName());
    ConnectionUrl read;
    try {
      read = ConnectionUrl.getConnectionUrlInstance(url, properties);
    } catch (RuntimeException e) {
      throw refused(Field.DATABASE);
    }
    if (read.getType() != ConnectionUrl.Type.SINGLE_CONNECTION || read.hostsCount() != 1) {
      throw refused(Field.HOST);
    }
    HostInfo main = read.getMainHost();
    same(Field.HOST, main.getHost(), host.inUrl());
    same(Field.PORT, main.getPort(), connection.port());
    same(
        Field.DATABASE,
        main.getDatabase(),
        connection.database() == null ? "" : connection.database());
    same(Field.USERNAME, main.getUser(), connection.username());
    Map<String, String> all = main.getHostProperties();
    for (String name : properties.stringPropertyNames()) {
      if (!name.equals("user") && !name.equals("password")) {
        same(Field.DATABASE, all.get(name), properties.getProperty(name));
      }
    }
  }

  private static Properties copy(Properties properties) {
    Properties copy = new Properties();
    copy.putAll(properties);
    return copy;
  }

  private static void same(Field field, Object read, Object written) {
    if (!Objects.equals(read, written)) {
      throw refused(field);
    }
  }

  private static Refusal refused(Field field) {
    return Refusal.ofField(
        Reason.INVALID_FIELD, field.wireName(), "The driver cannot take this value as it is.");
  }
}
