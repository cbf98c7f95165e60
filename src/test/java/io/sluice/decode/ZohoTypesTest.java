package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Field;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.model.ZohoError;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every service with every type of database, against the catalogue as it is shipped. */
class ZohoTypesTest {
  private static final DriverCatalogue CATALOGUE = catalogue();
  private static final ZohoReader READER = new ZohoReader(CATALOGUE);

  private static DriverCatalogue catalogue() {
    try {
      return DriverCatalogue.load(Path.of("config/drivers"), Path.of("drivers"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static Stream<Arguments> pairs() {
    Set<String> types =
        Stream.of(ZohoService.values())
            .flatMap(service -> service.databaseTypes().stream())
            .collect(Collectors.toSet());
    return Stream.of(ZohoService.values())
        .flatMap(service -> types.stream().map(type -> Arguments.of(service, type)));
  }

  private static Update read(ZohoService service, String type, Map<String, String> more) {
    Map<String, Value> config = new TreeMap<>();
    config.put("serviceName", new Value.Text(service.wireName()));
    config.put("databaseType", new Value.Text(type));
    config.put("hostName", new Value.Text("db.example"));
    config.put("userName", new Value.Text("u"));
    more.forEach((key, value) -> config.put(key, new Value.Text(value)));
    return READER.read(new Document(config));
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void aPairIsServedByOneDriverOrRefusedAsTheContractSays(ZohoService service, String type) {
    Optional<Driver> driver = CATALOGUE.forZoho(type).filter(d -> d.family() != Driver.Family.NONE);
    boolean served = service.fits(type) && driver.isPresent();
    try {
      Update update = read(service, type, Map.of());

      assertThat(served).isTrue();
      assertThat(update.text(Field.DRIVER)).isEqualTo(driver.map(Driver::id));
    } catch (Refusal refusal) {
      assertThat(served).isFalse();
      assertThat(refusal.zohoError()).isEqualTo(ZohoError.DBTYPE_SERVICENAME_NOTMACHED);
      assertThat(refusal.errors().get(0).message())
          .contains(
              service.fits(type)
                  ? "no driver of this service serves"
                  : "does not fit the serviceName");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "MYSQL, mysql",
    "AMAZON AURORA MYSQL, mysql",
    "MARIADB, mariadb",
    "POSTGRESQL, postgresql",
    "AMAZON AURORA POSTGRESQL, postgresql",
    "ORACLE, oracle",
    "SYBASE, sybase",
    "MEMSQL, singlestore",
    "SINGLESTORE, singlestore",
    "DB2, db2",
    "EXASOL, exasol",
    "VERTICA, vertica",
    "AMAZON VECTOR, vector",
    "GREENPLUM, greenplum",
    "REDSHIFT, redshift",
    "CLICKHOUSE, clickhouse",
    "DATABRICKS, databricks",
    "PRESTO DB, presto",
    "TRINO, trino",
    "SAP HANA, sap-hana",
    "TERADATA, teradata",
    "YUGABYTEDB, yugabytedb",
    "MONGODB, mongodb",
    "AMAZON DOCUMENTDB, documentdb"
  })
  void aTypeHasItsDriver(String type, String driver) {
    assertThat(CATALOGUE.forZoho(type).orElseThrow().id()).isEqualTo(driver);
    assertThat(CATALOGUE.forZoho(type).orElseThrow().family()).isNotEqualTo(Driver.Family.NONE);
  }

  @ParameterizedTest
  @CsvSource({
    "ORACLE_CLOUD, ORACLE, sId, ORCL.example, serviceName",
    "DATABRICKS, DATABRICKS, httpPath, /sql/1.0/warehouses/abc123, httpPath",
    "DATABRICKS, DATABRICKS, catalogName, main, catalog",
    "DATABRICKS, DATABRICKS, schemaName, sales, schema",
    "LOCAL_DATABASE, TRINO, catalogName, hive, catalog",
    "LOCAL_DATABASE, TRINO, schemaName, web, schema",
    "LOCAL_DATABASE, SAP HANA, schemaName, SALES, schema",
    "LOCAL_DATABASE, POSTGRESQL, schemaName, sales, schema"
  })
  void aKeyIsAnOptionThatItsDriverTakes(
      ZohoService service, String type, String key, String value, String option) {
    Update update = read(service, type, Map.of(key, value));

    assertThat(update.options()).containsEntry(option, new Update.Change.Set(value));
    Driver.Option taken = CATALOGUE.forZoho(type).orElseThrow().options().get(option);
    assertThat(taken).isNotNull();
    assertThat(value).matches(taken.grammar());
  }

  @Test
  void aFreeUrlIsServedOnlyByADriverOfTheOperators() {
    assertThat(CATALOGUE.forZoho("JDBC CONNECTION")).isEmpty();
  }
}
