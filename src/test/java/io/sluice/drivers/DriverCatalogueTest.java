package io.sluice.drivers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Field;
import io.sluice.model.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DriverCatalogueTest {
  private static final Path SHIPPED = Path.of("config/drivers");

  private static DriverCatalogue load(Path directory) throws IOException {
    return DriverCatalogue.load(directory, Path.of("drivers"));
  }

  @ParameterizedTest
  @CsvSource({
    "mysql, mysql",
    "MariaDB, mariadb",
    "postgre, postgresql",
    "postgres, postgresql",
    "postgresql, postgresql",
    "sqlserver, sqlserver",
    "mssql, sqlserver",
    "athena, athena",
    "bigquery, bigquery",
    "mongo, mongodb",
    "documentdb, documentdb"
  })
  void theShippedDriversAnswerToTheirNames(String name, String id) throws IOException {
    assertThat(load(SHIPPED).named(name)).map(Driver::id).contains(id);
  }

  @ParameterizedTest
  @CsvSource({
    "MYSQL, mysql",
    "amazon aurora mysql, mysql",
    "MEMSQL, singlestore",
    "MARIADB, mariadb",
    "POSTGRESQL, postgresql",
    "AMAZON AURORA POSTGRESQL, postgresql",
    "SQLSERVER, sqlserver",
    "SQL DATABASE, sqlserver",
    "SQL DATA WAREHOUSE, sqlserver",
    "SYNAPSE ANALYTICS, sqlserver",
    "SQL MANAGED INSTANCE, sqlserver",
    "AMAZON ATHENA, athena",
    "google big query, bigquery"
  })
  void theShippedDriversServeZohosDatabaseTypes(String type, String id) throws IOException {
    assertThat(load(SHIPPED).forZoho(type)).map(Driver::id).contains(id);
  }

  @Test
  void anUnknownNameIsNoDriver() throws IOException {
    assertThat(load(SHIPPED).named("dbase")).isEmpty();
    assertThat(load(SHIPPED).forZoho("JDBC CONNECTION")).isEmpty();
  }

  @Test
  void everyProblemOfEveryFileIsNamedAtOnce(@TempDir Path directory) throws IOException {
    String good = Files.readString(SHIPPED.resolve("mysql.yaml"));
    Files.writeString(
        directory.resolve("mysql.yaml"),
        good.replace("defaultPort: 3306", "defaultPort: 0")
            .replace("title: MySQL", "titel: MySQL")
            .replace("secrets: [password]", "secrets: [accessToken, keyfile]")
            .replace("required: [username]", "required: [username, password]")
            .replace(
                "1045, when: without_tls, step: login, reason: AUTH_FAILED",
                "1045, when: raining, step: login, reason: LOST"));
    Files.writeString(directory.resolve("other.yaml"), good);
    Files.writeString(directory.resolve("twice.yaml"), "id: twice\nid: twice\n");

    assertThatThrownBy(() -> load(directory))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(
            "mysql.yaml: defaultPort",
            "mysql.yaml: title must",
            "mysql.yaml: titel is not a known key",
            "mysql.yaml: errors[0].when",
            "mysql.yaml: errors[0].reason",
            "mysql.yaml: secrets names no secret of a login: keyfile",
            "mysql.yaml: required names a secret that is not among secrets: password",
            "other.yaml: id must be the file's name",
            "twice.yaml");
  }

  @Test
  void aLoginTakesAPasswordUnlessTheFileSaysOtherwise(@TempDir Path directory) throws IOException {
    String good = Files.readString(SHIPPED.resolve("mysql.yaml"));
    Path file = directory.resolve("mysql.yaml");

    Files.writeString(file, good.replace("secrets: [password]", ""));
    assertThat(load(directory).named("mysql").orElseThrow().secrets())
        .containsExactly(Field.PASSWORD);

    Files.writeString(file, good.replace("secrets: [password]", "secrets: [refreshToken]"));
    assertThat(load(directory).named("mysql").orElseThrow().secrets())
        .containsExactly(Field.REFRESH_TOKEN);
  }

  @Test
  void aFileThatIsLikeAnotherHasWhatItDoesNotGiveItself() throws IOException {
    DriverCatalogue shipped = load(SHIPPED);
    Driver postgresql = shipped.named("postgresql").orElseThrow();
    Driver redshift = shipped.named("redshift").orElseThrow();

    assertThat(redshift.url()).isEqualTo(postgresql.url());
    assertThat(redshift.withTls()).isEqualTo(postgresql.withTls());
    assertThat(redshift.defaultPort()).isEqualTo(5439);
    assertThat(redshift.properties())
        .containsEntry("assumeMinServerVersion", "8.0")
        .containsEntry("targetServerType", "any");
    assertThat(redshift.aliases()).isEmpty();
    Driver singlestore = shipped.named("singlestore").orElseThrow();
    assertThat(singlestore.rule(1142, null, Set.of()).orElseThrow().step())
        .isEqualTo(Report.Name.DATABASE);
    assertThat(singlestore.rule(1045, null, Set.of()).orElseThrow().step())
        .isEqualTo(Report.Name.LOGIN);
  }

  @Test
  void aFileThatIsLikeNoneSaysSo(@TempDir Path directory) throws IOException {
    Files.writeString(directory.resolve("twin.yaml"), "id: twin\ntitle: Twin\nlike: nobody\n");

    assertThatThrownBy(() -> load(directory)).hasMessageContaining("twin.yaml: like names no file");
  }

  @Test
  void theUrlNamesWhatThereIs(@TempDir Path directory) throws IOException {
    String good = Files.readString(SHIPPED.resolve("oracle.yaml"));
    Files.writeString(
        directory.resolve("oracle.yaml"),
        good.replace("{serviceName|database}", "{service|database}").replace("implicit", "hooks"));

    assertThatThrownBy(() -> load(directory))
        .hasMessageContainingAll(
            "url names what is no option: [service]",
            "options.serviceName has no property and no place in the url",
            "tls must be implicit or none with a relay");
  }

  @Test
  void aNameBelongsToOneDriver(@TempDir Path directory) throws IOException {
    String good = Files.readString(SHIPPED.resolve("mysql.yaml"));
    Files.writeString(directory.resolve("mysql.yaml"), good);
    Files.writeString(directory.resolve("twin.yaml"), good.replace("id: mysql", "id: twin"));

    assertThatThrownBy(() -> load(directory))
        .hasMessageContaining("Zoho type MYSQL also belongs to mysql");
  }
}
