package io.sluice.decode;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The values of {@code serviceName} in the Zoho-compatible API, each with the values of {@code
 * databaseType} that fit it. Which engines a service runs is our reading of the providers' public
 * offers, since the API's pages list the two names side by side only.
 */
public enum ZohoService {
  AMAZON_RDS(
      "MYSQL",
      "MARIADB",
      "POSTGRESQL",
      "SQLSERVER",
      "ORACLE",
      "DB2",
      "AMAZON AURORA MYSQL",
      "AMAZON AURORA POSTGRESQL"),
  AMAZON_REDSHIFT("REDSHIFT"),
  MICROSOFT_AZURE(
      "SQL DATABASE",
      "SQL DATA WAREHOUSE",
      "SYNAPSE ANALYTICS",
      "SQL MANAGED INSTANCE",
      "SQLSERVER",
      "MYSQL",
      "MARIADB",
      "POSTGRESQL"),
  GOOGLE_CLOUD_SQL("MYSQL", "POSTGRESQL", "SQLSERVER"),
  HEROKU_POSTGRESQL("POSTGRESQL"),
  LOCAL_DATABASE(Engines.SELF_HOSTED),
  SNOWFLAKE("SNOWFLAKE"),
  AMAZON_ATHENA("AMAZON ATHENA"),
  GOOGLE_BIG_QUERY("GOOGLE BIG QUERY"),
  /** Speaks the protocol of the Redshift clusters that it is made of. */
  PANOPLY("REDSHIFT"),
  RACKSPACE_CLOUD("MYSQL", "MARIADB"),
  IBM_CLOUD("DB2", "MYSQL", "POSTGRESQL", "MONGODB"),
  ORACLE_CLOUD("ORACLE", "MYSQL", "POSTGRESQL"),
  OTHER_CLOUD_SERVICES(Engines.SELF_HOSTED),
  MONGODB_ATLAS("MONGODB"),
  AMAZON_DOCUMENTDB("AMAZON DOCUMENTDB"),
  /** MemSQL is the former name of the same engine. */
  SINGLESTORE("SINGLESTORE", "MEMSQL"),
  DIGITALOCEAN("MYSQL", "POSTGRESQL", "MONGODB"),
  AMAZON_LIGHTSAIL("MYSQL", "POSTGRESQL"),
  /** Speaks PostgreSQL's protocol, and has no databaseType of its own. */
  YELLOWBRICK("POSTGRESQL"),
  DATABRICKS("DATABRICKS");

  // List.of is immutable, which the type does not tell.
  @SuppressWarnings("ImmutableEnumChecker")
  private final List<String> databaseTypes;

  ZohoService(String... databaseTypes) {
    this(List.of(databaseTypes));
  }

  ZohoService(List<String> databaseTypes) {
    this.databaseTypes = databaseTypes;
  }

  /** Finds a service by its serviceName, in any case. */
  public static Optional<ZohoService> named(String serviceName) {
    return Stream.of(values()).filter(s -> s.wireName().equalsIgnoreCase(serviceName)).findFirst();
  }

  /** The serviceName. */
  public String wireName() {
    return name().replace('_', ' ');
  }

  /** The databaseTypes that fit; the first is meant where a service with one engine has none. */
  public List<String> databaseTypes() {
    return databaseTypes;
  }

  /** Whether a databaseType fits, in any case. */
  public boolean fits(String databaseType) {
    return databaseTypes.contains(databaseType.toUpperCase(Locale.ROOT));
  }

  /** Whether databaseType may be left out. */
  public boolean hasOneEngine() {
    return databaseTypes.size() == 1 || this == SINGLESTORE;
  }

  /** Nested, since a constant of an enum cannot name a later static field of it. */
  private static final class Engines {
    static final List<String> SELF_HOSTED =
        List.of(
            "MYSQL",
            "SQLSERVER",
            "ORACLE",
            "POSTGRESQL",
            "MARIADB",
            "PERVASIVE",
            "SYBASE",
            "MEMSQL",
            "DB2",
            "EXASOL",
            "VERTICA",
            "AMAZON VECTOR",
            "GREENPLUM",
            "DENODO",
            "JDBC CONNECTION",
            "CLICKHOUSE",
            "DREMIO",
            "MONGODB",
            "PRESTO DB",
            "TRINO",
            "SAP HANA",
            "SINGLESTORE",
            "TERADATA",
            "YUGABYTEDB");
  }
}
