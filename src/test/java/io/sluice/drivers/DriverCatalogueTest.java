package io.sluice.drivers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Field;
import io.sluice.model.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DriverCatalogueTest {
  private static final Path SHIPPED = Path.of("config/drivers");
  private static final Pattern KEY_AND_VALUE = Pattern.compile("( *)([A-Za-z0-9]+):( .*)?");

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

  /** Every value of a file in turn, down to those of an error's rule, is another thing. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "5",
        "-1",
        "word",
        "'['",
        "[5]",
        "[[x]]",
        "{a: b}",
        "{a: {b: c}}",
        "",
        "[{step: x}]"
      })
  void whateverAFileHoldsEndsAtMostInOneMessageWithItsNameAndKey(
      String value, @TempDir Path directory) throws IOException {
    for (String name : List.of("oracle", "snowflake", "denodo")) {
      Path file = directory.resolve(name + ".yaml");
      List<String> good = Files.readAllLines(SHIPPED.resolve(name + ".yaml"));
      for (int i = 0; i < good.size(); i++) {
        Matcher line = KEY_AND_VALUE.matcher(good.get(i));
        if (!line.matches()) {
          continue;
        }
        List<String> changed = new ArrayList<>(good);
        changed.set(i, line.group(1) + line.group(2) + ": " + value);
        Files.write(file, changed);
        try {
          load(directory);
        } catch (IllegalArgumentException e) {
          assertThat(e).as(changed.get(i)).hasMessageStartingWith("Driver catalogue: " + name);
        }
      }
      Files.delete(file);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "reason: AUTH_FAILED, reason: LOCKOUT_GUARD, errors[0].reason must be one that a server",
    "reason: AUTH_FAILED, reason: INTERNAL, errors[0].reason must be one that a server",
    "step: login, step: logon, errors[0].step must be a step",
    "step: login, stage: login, errors[0].stage is not a known key",
    "vendorCode: 1017, vendorCode: ORA-1017, errors[0].vendorCode must be a number",
    "greeting: ', greeting: '(, greeting is not a regular expression"
  })
  void aWrongRuleIsNamedByFileAndKey(
      String good, String wrong, String problem, @TempDir Path directory) throws IOException {
    String file = Files.readString(SHIPPED.resolve("oracle.yaml"));
    int at = file.indexOf(good);
    Files.writeString(
        directory.resolve("oracle.yaml"),
        file.substring(0, at) + wrong + file.substring(at + good.length()));

    assertThatThrownBy(() -> load(directory))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("oracle.yaml: " + problem);
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
