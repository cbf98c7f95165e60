package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.microsoft.sqlserver.jdbc.SQLServerDriver;
import com.mysql.cj.conf.ConnectionUrl;
import com.mysql.cj.conf.HostInfo;
import io.sluice.drivers.Driver;
import io.sluice.model.Connection;
import io.sluice.model.HostName;
import io.sluice.model.Refusal;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;
import org.mariadb.jdbc.Configuration;

/** No host, database or user makes a driver read anything but itself. */
class JdbcCallTest {
  private static java.sql.Driver jdbc(Driver driver) {
    try {
      return Class.forName(driver.driverClass())
          .asSubclass(java.sql.Driver.class)
          .getDeclaredConstructor()
          .newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static final String PASSWORD = "pässword {;}=&";
  private static final Map<String, Map<String, String>> PLAIN = new ConcurrentHashMap<>();

  private static Optional<JdbcCall> call(String id, String host, String database, String user) {
    return call(
        host,
        Probe.target(id, host, 4711).database(database).login(user, PASSWORD),
        new HashSet<>());
  }

  /** Empty when it is refused; {@code fields} then has the fields that the refusal names. */
  private static Optional<JdbcCall> call(String host, Probe.Target target, Set<String> fields) {
    Connection connection = target.build();
    Driver driver = Probe.DRIVERS.named(connection.driver()).orElseThrow();
    Optional<HostName> parsed = HostName.parse(host);
    if (parsed.isEmpty()) {
      fields.add("host");
      return Optional.empty();
    }
    try {
      return Optional.of(JdbcCall.of(driver, jdbc(driver), connection, parsed.get()));
    } catch (Refusal e) {
      e.errors().forEach(error -> fields.add(error.field()));
      return Optional.empty();
    }
  }

  /** Everything that the driver's own parser reads out of a call, by name. */
  private static Map<String, String> read(String id, JdbcCall call) {
    Properties properties = new Properties();
    properties.putAll(call.properties());
    Map<String, String> read = new TreeMap<>();
    try {
      switch (id) {
        case "postgresql" -> {
          for (DriverPropertyInfo info :
              new org.postgresql.Driver().getPropertyInfo(call.url(), properties)) {
            read.put(info.name, info.value);
          }
          // The parser itself, as it also shows properties that the driver does not know.
          Properties all = org.postgresql.Driver.parseURL(call.url(), properties);
          all.stringPropertyNames().forEach(name -> read.put(name, all.getProperty(name)));
        }
        case "mariadb" -> {
          Configuration conf = call.mariadb();
          for (Field field : Configuration.class.getDeclaredFields()) {
            if (!Modifier.isStatic(field.getModifiers())) {
              field.setAccessible(true);
              Object value = field.get(conf);
              read.put(
                  field.getName(),
                  value instanceof Object[] list ? list.length + "" : String.valueOf(value));
            }
          }
          read.remove("initialUrl");
        }
        case "mysql" -> {
          ConnectionUrl url = ConnectionUrl.getConnectionUrlInstance(call.url(), properties);
          read.put("type", url.getType() + " " + url.hostsCount());
          HostInfo main = url.getMainHost();
          read.putAll(main.getHostProperties());
          read.put("host", main.getHost());
          read.put("port", Integer.toString(main.getPort()));
          read.put("user", main.getUser());
          read.put("password", main.getPassword());
          read.put("database", main.getDatabase());
        }
        case "sqlserver" -> {
          for (DriverPropertyInfo info :
              new SQLServerDriver().getPropertyInfo(call.url(), properties)) {
            read.put(info.name, info.value);
          }
          // What the driver itself connects with, as the password is not among the shown ones.
          Method parser =
              SQLServerDriver.class.getDeclaredMethod(
                  "parseAndMergeProperties", String.class, Properties.class);
          parser.setAccessible(true);
          Properties all =
              (Properties) parser.invoke(new SQLServerDriver(), call.url(), properties);
          all.forEach((name, value) -> read.put(name.toString(), value.toString()));
        }
        default -> throw new IllegalArgumentException(id);
      }
    } catch (SQLException | ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
    return read;
  }

  /** What the parser must find: what it finds with plain names, and these in their places. */
  private static Map<String, String> expected(
      String id, String host, String database, String user, String password) {
    Map<String, String> expected =
        new TreeMap<>(
            PLAIN.computeIfAbsent(
                id,
                driver ->
                    read(
                        driver,
                        call(
                                "db.example",
                                Probe.target(driver, "db.example", 4711)
                                    .database("plain")
                                    .login("user", "plain"),
                                new HashSet<>())
                            .orElseThrow())));
    String inUrl = HostName.parse(host).orElseThrow().inUrl();
    switch (id) {
      case "postgresql" -> {
        expected.put("PGHOST", inUrl);
        expected.put("PGDBNAME", database);
      }
      case "mariadb" -> {
        expected.replaceAll(
            (name, value) ->
                name.equals("addresses")
                    ? value.replace("db.example", HostName.parse(host).orElseThrow().text())
                    : value);
        expected.put("database", database);
      }
      case "mysql" -> {
        expected.put("host", inUrl);
        expected.put("database", database);
        // The properties repeat what has a place of its own.
        expected.replace("dbname", database);
      }
      case "sqlserver" -> expected.put("databaseName", database);
      default -> throw new IllegalArgumentException(id);
    }
    expected.put("user", user);
    expected.put("password", password);
    return expected;
  }

  @Provide
  Arbitrary<String> nasty() {
    Arbitrary<String> names =
        Arbitraries.of(
            "allowLoadLocalInfile",
            "allowLocalInfile",
            "allowUrlInLocalInfile",
            "autoDeserialize",
            "queryInterceptors",
            "socketFactory",
            "socketFactoryClass",
            "socketFactoryConstructorArg",
            "sslfactory",
            "sslmode",
            "sslMode",
            "service",
            "serverName",
            "portNumber",
            "databaseName",
            "trustServerCertificate",
            "trustManagerClass",
            "integratedSecurity",
            "accessTokenCallbackClass",
            "failoverPartner",
            "encrypt",
            "user",
            "password",
            "loggerFile",
            "propertiesTransform",
            "credentialType",
            "tlsSocketType",
            "pipe",
            "localSocket",
            "address",
            "PGHOST",
            "PGDBNAME");
    Arbitrary<String> property =
        Combinators.combine(
                names,
                Arbitraries.of("=", "%3D", " = ", "={", ":"),
                Arbitraries.of("true", "x", "java.lang.Object", "disable", "evil}"),
                Arbitraries.of(0, 1, 2))
            .as(
                (name, equals, value, spelling) ->
                    switch (spelling) {
                          case 0 -> name;
                          case 1 -> name.toUpperCase(Locale.ROOT);
                          default -> name.toLowerCase(Locale.ROOT);
                        }
                        + equals
                        + value);
    Arbitrary<String> separators =
        Arbitraries.of(
            ";", "=", "{", "}", "}}", "?", "&", "/", ":", "@", ",", "%", "#", "\\", "'", "\"", "(",
            ")", "[", "]", " ", "+", "..", "%2f", "%3F", "%26", "%3b", "%7B", "%00", "%25",
            "\u0000", "\n", "\t", "é", "\u2028", "ﬀ", "；", "＝", "＼");
    Arbitrary<String> words =
        Arbitraries.of(
            "db",
            "x",
            "localhost",
            "127.0.0.1",
            "3306",
            "address=(host=evil)",
            "jdbc:mysql://evil",
            "//evil:1/x",
            "\\INSTANCE");
    return Arbitraries.oneOf(
        Arbitraries.frequencyOf(Tuple.of(3, separators), Tuple.of(2, property), Tuple.of(2, words))
            .list()
            .ofMinSize(1)
            .ofMaxSize(6)
            .map(list -> String.join("", list)),
        Arbitraries.strings().ofMinLength(1).ofMaxLength(40),
        Arbitraries.strings()
            .withChars(";={}?&/:@,%#\\'\"()[] ab")
            .ofMinLength(1)
            .ofMaxLength(150));
  }

  @Provide
  Arbitrary<String> host() {
    return Arbitraries.frequencyOf(
        Tuple.of(1, nasty()),
        Tuple.of(2, Arbitraries.of("db.example", "10.0.0.1", "fd00::1", "xn--bcher-kva.example")));
  }

  @Provide
  Arbitrary<String> plainOrNasty() {
    return Arbitraries.frequencyOf(
        Tuple.of(3, nasty()), Tuple.of(1, Arbitraries.of("shop", "été")));
  }

  private static void readsWhatWasWritten(
      String id, String host, String database, String user, String password) {
    Set<String> fields = new HashSet<>();
    Optional<JdbcCall> call =
        call(host, Probe.target(id, host, 4711).database(database).login(user, password), fields);
    if (call.isPresent()) {
      assertThat(read(id, call.get()))
          .isEqualTo(expected(id, host.toLowerCase(Locale.ROOT), database, user, password));
    } else {
      assertThat(fields).isNotEmpty().isSubsetOf("host", "database", "username", "password");
    }
  }

  @Property(tries = 1500)
  void postgresqlReadsWhatWasWritten(
      @ForAll("host") String host,
      @ForAll("plainOrNasty") String database,
      @ForAll("plainOrNasty") String user,
      @ForAll("plainOrNasty") String password) {
    readsWhatWasWritten("postgresql", host, database, user, password);
  }

  @Property(tries = 1500)
  void mariadbReadsWhatWasWritten(
      @ForAll("host") String host,
      @ForAll("plainOrNasty") String database,
      @ForAll("plainOrNasty") String user,
      @ForAll("plainOrNasty") String password) {
    readsWhatWasWritten("mariadb", host, database, user, password);
  }

  @Property(tries = 1500)
  void mysqlReadsWhatWasWritten(
      @ForAll("host") String host,
      @ForAll("plainOrNasty") String database,
      @ForAll("plainOrNasty") String user,
      @ForAll("plainOrNasty") String password) {
    readsWhatWasWritten("mysql", host, database, user, password);
  }

  @Property(tries = 1500)
  void sqlserverReadsWhatWasWritten(
      @ForAll("host") String host,
      @ForAll("plainOrNasty") String database,
      @ForAll("plainOrNasty") String user,
      @ForAll("plainOrNasty") String password) {
    readsWhatWasWritten("sqlserver", host, database, user, password);
  }

  @Property(tries = 1500)
  void anOptionIsReadAsItselfOrRefused(
      @ForAll("drivers") String id,
      @ForAll("options") String option,
      @ForAll("optionValues") String value) {
    Set<String> fields = new HashSet<>();
    Optional<JdbcCall> call =
        call(
            "db.example",
            Probe.target(id, "db.example", 4711)
                .database("plain")
                .login("user", "plain")
                .option(option, value),
            fields);
    Driver.Option known = Probe.DRIVERS.named(id).orElseThrow().options().get(option);
    if (call.isPresent()) {
      Map<String, String> expected = expected(id, "db.example", "plain", "user", "plain");
      expected.put(known.property(), value);
      assertThat(read(id, call.get())).isEqualTo(expected);
    } else {
      assertThat(fields).containsExactly("options." + option);
    }
  }

  @Provide
  Arbitrary<String> drivers() {
    return Arbitraries.of("postgresql", "mariadb", "mysql", "sqlserver");
  }

  @Provide
  Arbitrary<String> options() {
    return Arbitraries.frequencyOf(
        Tuple.of(3, Arbitraries.of("schema", "instanceName")),
        Tuple.of(1, nasty()),
        Tuple.of(
            1, Arbitraries.of("Schema", "currentSchema", "instancename", "socketFactoryClass")));
  }

  @Provide
  Arbitrary<String> optionValues() {
    return Arbitraries.frequencyOf(
        Tuple.of(2, nasty()), Tuple.of(1, Arbitraries.of("sales", "REPORTS", "a_1", "sales,x")));
  }

  @Test
  void ordinaryNamesAreNotRefused() {
    for (String id : List.of("postgresql", "mariadb", "mysql", "sqlserver")) {
      for (String name : List.of("shop", "my-db", "Shop_1", "été", "a.b", "a b")) {
        assertThat(call(id, "db.example", name, name + "@tenant")).as(id + " " + name).isPresent();
      }
      assertThat(call(id, "fd00::1", "shop", "alice")).as(id).isPresent();
    }
  }

  @Test
  void anOptionOutsideTheListOrItsGrammarIsRefused() {
    Driver driver = Probe.DRIVERS.named("postgresql").orElseThrow();
    HostName host = HostName.parse("db").orElseThrow();
    JdbcCall good =
        JdbcCall.of(
            driver,
            jdbc(driver),
            Probe.target("postgresql", "db", 1).option("schema", "sales").build(),
            host);
    assertThat(good.properties()).containsEntry("currentSchema", "sales");
    for (String[] option :
        new String[][] {{"schema", "a,b"}, {"currentSchema", "a"}, {"sslmode", "disable"}}) {
      Connection connection =
          Probe.target("postgresql", "db", 1).option(option[0], option[1]).build();
      assertThatThrownBy(() -> JdbcCall.of(driver, jdbc(driver), connection, host))
          .isInstanceOf(Refusal.class)
          .hasMessageNotContaining("a,b");
    }
  }
}
