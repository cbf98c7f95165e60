package io.sluice.drivers;

import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Report;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * One database of the catalogue, as its file in {@code config/drivers} describes it.
 *
 * @param id the canonical id, which is also the file's name
 * @param title the product's name for people
 * @param aliases other names that the native API accepts
 * @param zohoDatabaseTypes the values of Zoho's {@code databaseType} that this driver serves
 * @param driverClass the {@link java.sql.Driver} to load; of a cloud service, the class that its
 *     library is known by
 * @param jar where its code comes from; null only where {@code family} is {@link Family#NONE}
 * @param family whose URL parser and socket hooks the driver has
 * @param tls how TLS comes about
 * @param url template with {@code {host}}, {@code {port}}, {@code {database}} and the names of
 *     options; of {@code {a|b}} the first that is set is taken, and one must be
 * @param database what the name of a database must match where no parser of the driver's can tell
 *     how it is read
 * @param defaultPort used where a sender names none
 * @param required fields without which no test is possible
 * @param secrets which of {@link Field#LOGIN_SECRETS} its login takes; a sender may send no other
 * @param options what a sender may put under {@code options}; nothing else reaches the driver
 * @param properties driver properties that are always set; no sender can change one
 * @param withoutTls driver properties for a connection without TLS
 * @param withTls driver properties for a connection with verified TLS
 * @param greeting what the first bytes that a server sends look like, as lower-case hex digits
 * @param errors how the server's error codes map to the catalogue of failures; the first match wins
 * @param validationQuery one constant query that returns a row
 * @param lazy whether the driver talks to the server with the first query only, which then is the
 *     login
 * @param verified how far the driver's entry has been tested
 * @param note what people need to know beforehand, one sentence or two; may be null
 */
public record Driver(
    String id,
    String title,
    List<String> aliases,
    List<String> zohoDatabaseTypes,
    String driverClass,
    Jar jar,
    Family family,
    Tls tls,
    String url,
    Pattern database,
    int defaultPort,
    Set<Field> required,
    Set<Field> secrets,
    Map<String, Option> options,
    Map<String, String> properties,
    Map<String, String> withoutTls,
    Map<String, String> withTls,
    Pattern greeting,
    List<ErrorRule> errors,
    String validationQuery,
    boolean lazy,
    Verified verified,
    String note) {

  /** Why a connection with TLS is refused where there is {@link Tls#NONE}. */
  public static final String NO_TLS =
      "TLS of this driver cannot be verified. Send ssl as false, and reach the database through an"
          + " SSH bastion.";

  /** Names without a meaning in any driver's URL. */
  static final Pattern DATABASE = Pattern.compile("[A-Za-z0-9_$.-]{1,128}");

  public Driver {
    aliases = List.copyOf(aliases);
    zohoDatabaseTypes = List.copyOf(zohoDatabaseTypes);
    required = Set.copyOf(required);
    secrets = Set.copyOf(secrets);
    options = Map.copyOf(options);
    properties = Map.copyOf(properties);
    withoutTls = Map.copyOf(withoutTls);
    withTls = Map.copyOf(withTls);
    errors = List.copyOf(errors);
  }

  /**
   * Whose parser reads a URL back, and through which hooks a driver takes sockets and TLS. A
   * database that speaks one of these protocols needs a file only; another one needs code.
   */
  public enum Family {
    POSTGRESQL,
    MARIADB,
    MYSQL,
    SQLSERVER,
    /**
     * Any driver that opens one TCP connection to the host and port of its URL. It takes no hooks
     * and no parser is known, so it is given an address of this process's own, and names from a
     * narrow grammar.
     */
    RELAY,
    /** As {@link #RELAY}; the relay also reads what Oracle's listener answers. */
    ORACLE,
    /** No JDBC: Amazon Athena through AWS's SDK. */
    ATHENA,
    /** No JDBC: Google BigQuery through Google's libraries. */
    BIGQUERY,
    /** No JDBC: Snowflake by its published HTTP protocol, without its maker's driver. */
    SNOWFLAKE,
    /** No JDBC: Databricks SQL by its published REST API, without its maker's driver. */
    DATABRICKS,
    /** No JDBC: MongoDB by its published wire protocol, without its maker's driver. */
    MONGODB,
    /** Listed, so that its name is understood, but never connected to. */
    NONE;

    /** Whether the server says the first word. */
    public boolean greets() {
      return this == MARIADB || this == MYSQL;
    }

    /** Whether the client says the first word, and the server answers whatever it is. */
    public boolean answers() {
      return this == POSTGRESQL || this == SQLSERVER;
    }
  }

  /** How a connection for which TLS is asked gets it. */
  public enum Tls {
    /** The driver asks the server for it and takes hooks that verify it. */
    HOOKS,
    /** It begins with the first byte, under the driver, which needs to know nothing of it. */
    IMPLICIT,
    /** Not at all: a connection with TLS is refused. */
    NONE
  }

  /**
   * Where a driver's code comes from.
   *
   * @param artifact Maven coordinates, {@code group:artifact:version[:classifier]}
   * @param bundled whether it is part of the distribution
   * @param sha256 lower-case hex digits of the jar's digest, which is then verified before it is
   *     loaded; may be null
   */
  public record Jar(String artifact, boolean bundled, String sha256) {
    /** As the command that fetches it wants it: the kind of file stands before a classifier. */
    public String copyArgument() {
      String[] parts = artifact.split(":", -1);
      return parts.length < 4
          ? artifact
          : String.join(":", parts[0], parts[1], parts[2], "jar", parts[3]);
    }
  }

  /** How far a driver's entry has been tested. */
  public enum Verified {
    /** Against a real server of this product. */
    LIVE,
    /** Against a real server of another product with the same protocol. */
    WIRE,
    /** Against an emulation. */
    EMULATED,
    UNVERIFIED
  }

  /**
   * One option that a sender may set.
   *
   * @param property the driver property that it becomes; null: it stands in the URL
   * @param grammar what a value must match as a whole
   * @param destination whether it decides where secrets are sent to, as the host does
   * @param existence a constant query for a connection that has the option, in place of the
   *     driver's own: its row holds null where the value names nothing there; null: none is needed
   */
  public record Option(String property, Pattern grammar, boolean destination, String existence) {}

  /**
   * What an error of the server or of the driver itself means. Conditions that are null do not
   * count; at least one is set.
   *
   * @param vendorCode the server's own error number; 0 for what has none, such as the errors that
   *     the MySQL drivers raise by themselves
   * @param sqlState five characters, or two for a whole class
   * @param code the name of a cloud service's error, alone or behind its operation: {@code
   *     GetWorkGroup/InvalidRequestException}
   * @param when what must also be so; null: nothing
   * @param step the step that fails; the ones before it have passed
   * @param field the field to look at; null: the reason's own
   * @param hint what to do about it; null: the reason's own
   * @param lockout whether it counts towards the lock-out of an account: the server has looked at
   *     the credentials and refused them
   */
  public record ErrorRule(
      Integer vendorCode,
      String sqlState,
      String code,
      Circumstance when,
      Report.Name step,
      Reason reason,
      Field field,
      String hint,
      boolean lockout) {
    boolean matches(int number, String state, Set<Circumstance> found) {
      return code == null
          && (when == null || found.contains(when))
          && (vendorCode == null || vendorCode == number)
          && (sqlState == null || (state != null && state.startsWith(sqlState)));
    }
  }

  /** The first rule for a cloud service's error. */
  public Optional<ErrorRule> rule(String code) {
    return errors.stream().filter(rule -> code.equals(rule.code())).findFirst();
  }

  /** Whether the driver connects to a relay. */
  public boolean relayed() {
    return family == Family.RELAY || family == Family.ORACLE;
  }

  /** The first rule that fits an error under the circumstances that were found. */
  public Optional<ErrorRule> rule(int vendorCode, String sqlState, Set<Circumstance> found) {
    return errors.stream().filter(rule -> rule.matches(vendorCode, sqlState, found)).findFirst();
  }

  /** What the server's code alone does not tell. */
  public enum Circumstance {
    /** The connection has no TLS. */
    WITHOUT_TLS,
    /** It has TLS, and shows no certificate of the client's. */
    WITHOUT_CERTIFICATE,
    /**
     * The server asked for the client's certificate in the handshake, there was none, and it
     * refused before it asked for anything else.
     */
    CERTIFICATE_MISSING
  }
}
