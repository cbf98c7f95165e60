package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.mysql.cj.conf.ConnectionUrl;
import com.mysql.cj.conf.HostInfo;
import io.sluice.drivers.Driver;
import io.sluice.model.Connection;
import io.sluice.model.HostName;
import io.sluice.model.Refusal;
import java.sql.DriverPropertyInfo;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
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

  private static Optional<JdbcCall> call(String id, String host, String database, String user) {
    Driver driver = Probe.DRIVERS.named(id).orElseThrow();
    Connection connection =
        Probe.target(id, host, 4711).database(database).login(user, "secret").build();
    try {
      return HostName.parse(host)
          .map(parsed -> JdbcCall.of(driver, jdbc(driver), connection, parsed));
    } catch (Refusal e) {
      return Optional.empty();
    }
  }

  @Provide
  Arbitrary<String> nasty() {
    Arbitrary<String> pieces =
        Arbitraries.of(
            "db",
            "x",
            "/",
            "?",
            "&",
            "=",
            ",",
            ":",
            "@",
            "#",
            "%",
            "%2f",
            "%3F",
            "%26",
            "+",
            " ",
            "\\",
            "'",
            "\"",
            "(",
            ")",
            "[",
            "]",
            "..",
            "localhost",
            "127.0.0.1",
            "3306",
            "allowLoadLocalInfile=true",
            "allowLocalInfile=true",
            "socketFactory=java.lang.Object",
            "sslmode=disable",
            "sslMode=DISABLED",
            "service=x",
            "user=root",
            "address=(host=evil)",
            "jdbc:mysql://evil",
            "\u0000",
            "\n",
            "é",
            "\u2028",
            "ﬀ");
    return Arbitraries.oneOf(
        pieces.list().ofMinSize(1).ofMaxSize(6).map(list -> String.join("", list)),
        Arbitraries.strings().ofMinLength(1).ofMaxLength(40));
  }

  @Provide
  Arbitrary<String> host() {
    return Arbitraries.oneOf(nasty(), Arbitraries.of("db.example", "10.0.0.1", "fd00::1"));
  }

  @Property(tries = 1500)
  void postgresqlReadsWhatWasWritten(
      @ForAll("host") String host, @ForAll("nasty") String database, @ForAll("nasty") String user)
      throws Exception {
    Optional<JdbcCall> call = call("postgresql", host, database, user);
    if (call.isPresent()) {
      Map<String, String> read = new HashMap<>();
      Properties properties = new Properties();
      properties.putAll(call.get().properties());
      for (DriverPropertyInfo info :
          new org.postgresql.Driver().getPropertyInfo(call.get().url(), properties)) {
        read.put(info.name, info.value);
      }
      assertThat(read.get("PGHOST").replaceAll("[\\[\\]]", "")).isEqualToIgnoringCase(host);
      assertThat(read).containsEntry("PGPORT", "4711").containsEntry("PGDBNAME", database);
      assertThat(read).containsEntry("sslmode", "disable").containsEntry("user", user);
      assertThat(read.get("socketFactory")).isEqualTo(HandedSocketFactory.class.getName());
    }
  }

  @Property(tries = 1500)
  void mariadbReadsWhatWasWritten(
      @ForAll("host") String host, @ForAll("nasty") String database, @ForAll("nasty") String user)
      throws Exception {
    Optional<JdbcCall> call = call("mariadb", host, database, user);
    if (call.isPresent()) {
      Properties properties = new Properties();
      properties.putAll(call.get().properties());
      Configuration read = Configuration.parse(call.get().url(), properties);
      assertThat(read.addresses()).hasSize(1);
      assertThat(read.addresses().get(0).host).isEqualToIgnoringCase(host);
      assertThat(read.addresses().get(0).port).isEqualTo(4711);
      assertThat(read.database()).isEqualTo(database);
      assertThat(read.user()).isEqualTo(user);
      assertThat(read.allowLocalInfile()).isFalse();
      assertThat(read.permitRedirect()).isFalse();
      assertThat(read.socketFactory()).isEqualTo(HandedSocketFactory.class.getName());
    }
  }

  @Property(tries = 1500)
  void mysqlReadsWhatWasWritten(
      @ForAll("host") String host, @ForAll("nasty") String database, @ForAll("nasty") String user) {
    Optional<JdbcCall> call = call("mysql", host, database, user);
    if (call.isPresent()) {
      ConnectionUrl read =
          ConnectionUrl.getConnectionUrlInstance(call.get().url(), call.get().properties());
      assertThat(read.hostsCount()).isEqualTo(1);
      HostInfo main = read.getMainHost();
      assertThat(main.getHost().replaceAll("[\\[\\]]", "")).isEqualToIgnoringCase(host);
      assertThat(main.getPort()).isEqualTo(4711);
      assertThat(main.getDatabase()).isEqualTo(database);
      assertThat(main.getUser()).isEqualTo(user);
      assertThat(main.getHostProperties())
          .containsEntry("allowLoadLocalInfile", "false")
          .containsEntry("sslMode", "DISABLED")
          .containsEntry("socketFactory", HandedMysqlSocketFactory.class.getName());
    }
  }

  @Test
  void ordinaryNamesAreNotRefused() {
    for (String id : List.of("postgresql", "mariadb", "mysql")) {
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
