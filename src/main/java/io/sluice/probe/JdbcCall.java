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
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mariadb.jdbc.Configuration;
import org.mariadb.jdbc.HostAddress;

/**
 * What a driver is called with: a URL with host, port and database, everything else as properties.
 * The driver's own parser has read it back and found exactly what was put in. MariaDB's driver
 * takes typed values instead, which nothing has to be parsed out of.
 *
 * <p>The hooks for sockets and TLS are set here and not in a descriptor, as one that forgot them
 * would open a way around the egress policy.
 *
 * @param mariadb what MariaDB's driver is called with; null with every other driver
 */
record JdbcCall(String url, Properties properties, Configuration mariadb) {
  // What a login message has room for ([MS-TDS] section 2.2.6.4).
  private static final int MAX_SQL_SERVER_CHARACTERS = 128;
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([A-Za-z|]+)}");

  /** Reading properties is half the work of MariaDB's driver; these hold nothing of a sender's. */
  private static final Map<Map<String, String>, Configuration> MARIADB = new ConcurrentHashMap<>();

  private static final String RELAY_HOST = "127.0.0.1";

  /** Stands in a URL until the relay listens; a brace is in no value's grammar. */
  private static final String RELAY_PORT = "{relay}";

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
    if (connection.tls() != null && driver.tls() == Driver.Tls.NONE) {
      throw Refusal.ofField(Reason.INVALID_FIELD, Field.SSL.wireName(), Driver.NO_TLS);
    }
    if (connection.username() != null) {
      properties.setProperty("user", connection.username());
    }
    if (driver.secrets().contains(Field.PASSWORD)) {
      // Never absent: a driver that finds no password looks for one on this machine.
      properties.setProperty(
          "password", connection.password() == null ? "" : connection.password().reveal());
    }

    JdbcCall call = new JdbcCall(url(driver, connection, host), properties, null);
    switch (driver.family()) {
      case RELAY, ORACLE -> call.forRelay(driver, jdbc, connection);
      case POSTGRESQL -> call.forPostgresql(jdbc, connection, host);
      case MARIADB -> {
        return call.forMariadb(connection, host);
      }
      case MYSQL -> call.forMysql(connection, host);
      case SQLSERVER -> call.forSqlServer(jdbc, connection);
      case ATHENA, BIGQUERY, SNOWFLAKE, DATABRICKS, MONGODB, NONE ->
          throw new IllegalArgumentException("No call without a parser.");
    }
    return call;
  }

  private static void option(Driver driver, String name, String value, Properties properties) {
    Driver.Option option = allowed(driver, name, value);
    if (option.property() != null) {
      properties.setProperty(option.property(), value);
    }
  }

  /**
   * The option that a driver takes under a name.
   *
   * @throws Refusal when it takes none, or not with this value
   */
  static Driver.Option allowed(Driver driver, String name, String value) {
    Driver.Option option = driver.options().get(name);
    if (option == null) {
      throw Refusal.ofField(
          Reason.UNKNOWN_FIELD, "options." + name, "The driver has no such option.");
    }
    if (!option.grammar().matcher(value).matches()) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, "options." + name, "The option has a value that is not allowed.");
    }
    return option;
  }

  private static String url(Driver driver, Connection connection, HostName host) {
    Map<String, String> values = new HashMap<>(connection.options());
    if (!driver.relayed()) {
      values.put("host", host.inUrl());
      values.put("port", Integer.toString(connection.port()));
    } else {
      values.put("host", RELAY_HOST);
      values.put("port", RELAY_PORT);
    }
    if (connection.database() != null) {
      values.put(
          "database",
          driver.family() == Driver.Family.POSTGRESQL || driver.family() == Driver.Family.MYSQL
              ? encoded(connection.database())
              : connection.database());
    }
    return PLACEHOLDER
        .matcher(driver.url())
        .replaceAll(found -> Matcher.quoteReplacement(value(found.group(1), values)));
  }

  /** The first of the names that has a value. */
  private static String value(String names, Map<String, String> values) {
    String[] each = names.split("\\|", -1);
    for (String name : each) {
      if (values.containsKey(name)) {
        return values.get(name);
      }
    }
    if (each.length > 1) {
      throw Refusal.ofField(
          Reason.MISSING_FIELD, "options." + each[0], "The driver needs this option.");
    }
    return "";
  }

  /** The call by way of a relay. Only a driver of that family has one. */
  JdbcCall through(int port) {
    return new JdbcCall(url.replace(RELAY_PORT, Integer.toString(port)), properties, mariadb);
  }

  /** Makes the connection; null when the driver does not take the URL for one of its own. */
  java.sql.Connection connect(java.sql.Driver jdbc) throws SQLException {
    return mariadb == null
        ? jdbc.connect(url, properties)
        : org.mariadb.jdbc.Driver.connect(mariadb);
  }

  /** No parser is known, so nothing that could mean something to one gets into the URL. */
  private void forRelay(Driver driver, java.sql.Driver jdbc, Connection connection) {
    if (connection.database() != null) {
      if (!driver.url().contains("database")) {
        throw Refusal.ofField(
            Reason.INVALID_FIELD, Field.DATABASE.wireName(), "This driver takes no database.");
      }
      if (!driver.database().matcher(connection.database()).matches()) {
        throw refused(Field.DATABASE);
      }
    }
    try {
      if (!jdbc.acceptsURL(through(connection.port()).url())) {
        throw refused(Field.DATABASE);
      }
    } catch (SQLException e) {
      throw refused(Field.DATABASE);
    }
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

  private static Configuration mariadbTemplate(Map<String, String> fixed) {
    Properties properties = new Properties();
    properties.putAll(fixed);
    try {
      return Configuration.parse("jdbc:mariadb://stand-in/", properties);
    } catch (SQLException e) {
      throw Refusal.ofField(
          Reason.INVALID_FIELD, "options", "The driver cannot take these values as they are.");
    }
  }

  private JdbcCall forMariadb(Connection connection, HostName host) {
    properties.setProperty("socketFactory", HandedSocketFactory.class.getName());
    if (connection.tls() != null) {
      properties.setProperty("tlsSocketType", MariadbTlsPlugin.TYPE);
    }
    properties.setProperty("cacheCodecs", "true");
    Map<String, String> fixed = new HashMap<>();
    properties.stringPropertyNames().forEach(n -> fixed.put(n, properties.getProperty(n)));
    String user = fixed.remove("user");
    String password = fixed.remove("password");
    // Which options a sender uses has no bound.
    Configuration template =
        connection.options().isEmpty()
            ? MARIADB.computeIfAbsent(fixed, JdbcCall::mariadbTemplate)
            : mariadbTemplate(fixed);
    Configuration read =
        template.toBuilder()
            .addresses(HostAddress.from(host.text(), connection.port(), true))
            .database(connection.database())
            .user(user)
            .password(password)
            .build();
    if (read.addresses().size() != 1) {
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
    return new JdbcCall(url, properties, read);
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

  /** Everything is a property here: the URL's grammar has no escape for a server's name. */
  private void forSqlServer(java.sql.Driver jdbc, Connection connection) {
    properties.setProperty("socketFactoryClass", HandedSocketFactory.class.getName());
    properties.setProperty("serverName", TdsLogin.STAND_IN);
    properties.setProperty("portNumber", Integer.toString(connection.port()));
    properties.setProperty(
        "databaseName", connection.database() == null ? "" : connection.database());
    within(MAX_SQL_SERVER_CHARACTERS, Field.USERNAME, connection.username());
    within(MAX_SQL_SERVER_CHARACTERS, Field.PASSWORD, properties.getProperty("password"));
    within(MAX_SQL_SERVER_CHARACTERS, Field.DATABASE, connection.database());
    try {
      Map<String, String> written = new HashMap<>();
      for (DriverPropertyInfo each : jdbc.getPropertyInfo(url, new Properties())) {
        written.put(each.name, each.value);
      }
      properties.stringPropertyNames().forEach(n -> written.put(n, properties.getProperty(n)));
      Map<String, String> read = new HashMap<>();
      for (DriverPropertyInfo each : jdbc.getPropertyInfo(url, copy(properties))) {
        read.put(each.name, each.value);
      }
      same(Field.USERNAME, read.get("user"), connection.username());
      // The one that the driver does not show.
      written.remove("password");
      read.remove("password");
      same(Field.DATABASE, read, written);
    } catch (SQLException e) {
      throw refused(Field.DATABASE);
    }
  }

  private static Properties copy(Properties properties) {
    Properties copy = new Properties();
    copy.putAll(properties);
    return copy;
  }

  private static void within(int characters, Field field, String value) {
    if (value != null && value.length() > characters) {
      throw refused(field);
    }
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

  /** The properties hold the password. */
  @Override
  public String toString() {
    return url;
  }
}
