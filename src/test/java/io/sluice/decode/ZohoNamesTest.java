package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Field;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.model.ZohoError;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The names of the published API, copied from its pages: each leads to a driver or to its code. */
class ZohoNamesTest {
  private static final List<String> SERVICES =
      List.of(
          "AMAZON RDS",
          "AMAZON REDSHIFT",
          "MICROSOFT AZURE",
          "GOOGLE CLOUD SQL",
          "HEROKU POSTGRESQL",
          "LOCAL DATABASE",
          "SNOWFLAKE",
          "AMAZON ATHENA",
          "GOOGLE BIG QUERY",
          "PANOPLY",
          "RACKSPACE CLOUD",
          "IBM CLOUD",
          "ORACLE CLOUD",
          "OTHER CLOUD SERVICES",
          "MONGODB ATLAS",
          "AMAZON DOCUMENTDB",
          "SINGLESTORE",
          "DIGITALOCEAN",
          "AMAZON LIGHTSAIL",
          "YELLOWBRICK",
          "DATABRICKS");
  private static final List<String> TYPES =
      List.of(
          "MYSQL",
          "SQLSERVER",
          "ORACLE",
          "POSTGRESQL",
          "MARIADB",
          "AMAZON AURORA MYSQL",
          "PERVASIVE",
          "SYBASE",
          "AMAZON ATHENA",
          "SQL DATABASE",
          "SQL DATA WAREHOUSE",
          "MEMSQL",
          "DB2",
          "AMAZON AURORA POSTGRESQL",
          "EXASOL",
          "VERTICA",
          "AMAZON VECTOR",
          "GREENPLUM",
          "DENODO",
          "JDBC CONNECTION",
          "SNOWFLAKE",
          "REDSHIFT",
          "GOOGLE BIG QUERY",
          "CLICKHOUSE",
          "DATABRICKS",
          "DREMIO",
          "MONGODB",
          "AMAZON DOCUMENTDB",
          "PRESTO DB",
          "TRINO",
          "SAP HANA",
          "SINGLESTORE",
          "TERADATA",
          "YUGABYTEDB",
          "SYNAPSE ANALYTICS",
          "SQL MANAGED INSTANCE");

  /** The types that the contract says no driver serves. */
  private static final Set<String> UNSERVED = Set.of("JDBC CONNECTION");

  private static final DriverCatalogue CATALOGUE = catalogue();
  private static final ZohoReader READER = new ZohoReader(CATALOGUE);

  private static DriverCatalogue catalogue() {
    try {
      return DriverCatalogue.load(Path.of("config/drivers"), Path.of("drivers"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Update read(String service, String type) {
    Map<String, Value> config = new TreeMap<>();
    config.put("serviceName", new Value.Text(service));
    if (type != null) {
      config.put("databaseType", new Value.Text(type));
    }
    config.put("hostName", new Value.Text("db.example"));
    config.put("userName", new Value.Text("u"));
    return READER.read(new Document(config));
  }

  static Stream<String> services() {
    return SERVICES.stream();
  }

  static Stream<String> types() {
    return TYPES.stream();
  }

  /** The driver or the code of each type, as one text. */
  private static List<String> outcomes(String service) {
    List<String> outcomes = new ArrayList<>();
    for (String type : TYPES) {
      try {
        outcomes.add(read(service, type).text(Field.DRIVER).orElseThrow());
      } catch (Refusal refusal) {
        outcomes.add(Integer.toString(ZohoError.of(refusal).code()));
      }
    }
    return outcomes;
  }

  @ParameterizedTest
  @MethodSource("services")
  void aServiceTakesSomeTypesAndRefusesTheOthersWith18055(String service) {
    List<String> outcomes = outcomes(service);

    assertThat(outcomes).as("at least one driver").anyMatch(o -> !o.matches("\\d+"));
    assertThat(outcomes).filteredOn(o -> o.matches("\\d+")).containsOnly("18055");
    assertThat(outcomes)
        .filteredOn(o -> !o.matches("\\d+"))
        .allSatisfy(
            id ->
                assertThat(CATALOGUE.named(id))
                    .hasValueSatisfying(
                        driver -> assertThat(driver.family()).isNotEqualTo(Driver.Family.NONE)));
  }

  @ParameterizedTest
  @MethodSource("services")
  void namesAreTakenInAnyCase(String service) {
    assertThat(outcomes(service.toLowerCase(Locale.ROOT))).isEqualTo(outcomes(service));
    for (String type : TYPES) {
      Set<String> seen = new HashSet<>();
      for (String spelled : List.of(type, type.toLowerCase(Locale.ROOT))) {
        try {
          seen.add(read(service, spelled).text(Field.DRIVER).orElseThrow());
        } catch (Refusal refusal) {
          seen.add(Integer.toString(ZohoError.of(refusal).code()));
        }
      }
      assertThat(seen).as(service + " " + type).hasSize(1);
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void aTypeIsServedSomewhereOrRefusedEverywhereAsTheContractSays(String type) {
    boolean served =
        SERVICES.stream()
            .anyMatch(
                service -> {
                  try {
                    return read(service, type) != null;
                  } catch (Refusal refusal) {
                    return false;
                  }
                });
    boolean jarless =
        CATALOGUE.forZoho(type).filter(d -> d.family() != Driver.Family.NONE).isEmpty();
    assertThat(served).as(type).isEqualTo(!jarless);
    if (UNSERVED.contains(type)) {
      assertThat(served).isFalse();
    }
    if (!served) {
      Refusal refusal = catchThrowableOfType(Refusal.class, () -> read("LOCAL DATABASE", type));
      assertThat(refusal.errors().get(0).message())
          .as("says that no driver serves it")
          .contains("no driver of this service serves");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"AMAZON  RDS", "AMAZON_RDS", " AMAZON RDS", "RDS", "AZURE", "JDBC CONNECTION"})
  void anotherServiceNameIs18057(String service) {
    Refusal refusal = catchThrowableOfType(Refusal.class, () -> read(service, "MYSQL"));
    assertThat(ZohoError.of(refusal).code()).isEqualTo(18057);
  }

  @ParameterizedTest
  @ValueSource(strings = {"MY SQL", "POSTGRES", "AURORA", "ORACLE ", "H2"})
  void anotherTypeIs18055(String type) {
    Refusal refusal = catchThrowableOfType(Refusal.class, () -> read("AMAZON RDS", type));
    assertThat(ZohoError.of(refusal).code()).isEqualTo(18055);
  }

  @Test
  void aServiceWithOneEngineNeedsNoTypeAndTheOthersDo() {
    for (String service :
        List.of(
            "SNOWFLAKE",
            "AMAZON ATHENA",
            "GOOGLE BIG QUERY",
            "AMAZON REDSHIFT",
            "HEROKU POSTGRESQL",
            "DATABRICKS")) {
      assertThat(read(service, null).text(Field.DRIVER)).as(service).isPresent();
    }
    for (String service : List.of("AMAZON RDS", "MICROSOFT AZURE", "LOCAL DATABASE", "IBM CLOUD")) {
      Refusal refusal = catchThrowableOfType(Refusal.class, () -> read(service, null));
      assertThat(ZohoError.of(refusal).code()).as(service).isEqualTo(8079);
    }
  }
}
